"""Adds a repository by its address, as a user does in the preferences, and installs the extension from it."""

from __future__ import annotations

import bpy


def main(extension: str, arguments: dict) -> dict:
    preferences = bpy.context.preferences
    preferences.system.use_online_access = True  # Blender asks for it before it fetches any list
    repositories = preferences.extensions.repos
    repository = repositories.new(name="Resilver", module="resilver", remote_url=arguments["address"])
    repository.use_remote_url = True
    index = len(repositories) - 1
    synced = bpy.ops.extensions.repo_sync(repo_index=index)
    done = bpy.ops.extensions.package_install(repo_index=index, pkg_id="resilver_blender", enable_on_install=True)
    return {"synced": list(synced), "installed": list(done), "enabled": list(preferences.addons.keys())}
