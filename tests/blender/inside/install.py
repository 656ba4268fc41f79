"""Installs the zip as "Install from Disk" does."""

import bpy


def main(extension: str, arguments: dict) -> dict:
    done = bpy.ops.extensions.package_install_files(
        filepath=arguments["archive"], repo="user_default", enable_on_install=True
    )
    if done != {"FINISHED"} or extension not in bpy.context.preferences.addons:
        raise RuntimeError(f"Blender did not install {arguments['archive']}: {done}")
    return {}
