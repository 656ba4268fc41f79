"""The extension's preferences: where the server is, and where results go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..server.connection import Connection
from ..server.server import SERVER
from .lines import draw_text

PACKAGE = __package__.rpartition(".")[0]
"""The extension's own package, by whose name Blender knows it."""
OUTPUT = "//resilver"
"""Beside the .blend file."""


class ResilverPreferences(bpy.types.AddonPreferences):
    bl_idname = PACKAGE

    start_server: BoolProperty(
        name="Start the server when it is needed",
        default=True,
        description="Start the server of this machine where none runs; it leaves after ten idle minutes",
    )
    command: StringProperty(
        name="Resilver command",
        subtype="FILE_PATH",
        description="Path of the resilver command; empty: RESILVER_COMMAND, else the one on the search path",
    )
    output_folder: StringProperty(
        name="Results",
        subtype="DIR_PATH",
        default=OUTPUT,
        description="Folder of the restored clips; // is the folder of the .blend file",
    )
    plugins_folder: StringProperty(
        name="Studio plug-ins",
        subtype="DIR_PATH",
        description="Folder with pyblish plug-ins of your studio, which run beside Resilver's own; empty: none",
    )
    address: StringProperty(
        name="Address",
        description="HOST:PORT or unix:PATH on this machine, tls://HOST:PORT elsewhere; empty: this machine's server",
    )
    token: StringProperty(
        name="Token", subtype="PASSWORD", description="What the server asks for; empty for this machine's own server"
    )
    certificates: StringProperty(
        name="Certificates",
        subtype="FILE_PATH",
        description="PEM file of the server's authority; empty: the public authorities",
    )

    def draw(self, context: Any) -> None:
        draw_into(self.layout, self)


def draw_into(layout: Any, kept: Any) -> None:
    """The preferences' page."""
    layout.use_property_split = True
    _draw_local(layout.column(), kept)
    _draw_remote(layout.box().column(), kept)
    _draw_test(layout.column())


def _draw_local(column: Any, kept: Any) -> None:
    column.label(text="This machine")
    for name in ("start_server", "command", "output_folder", "plugins_folder"):
        column.prop(kept, name)


def _draw_remote(column: Any, kept: Any) -> None:
    column.label(text="Remote: a server on another machine, or one that someone else has started")
    for name in ("address", "token", "certificates"):
        column.prop(kept, name)
    if kept.address and not bpy.app.online_access:
        column.label(text="Addresses beyond this machine need Allow Online Access", icon="INFO")
        column.prop(bpy.context.preferences.system, "use_online_access", text="Allow Online Access")


def _draw_test(column: Any) -> None:
    column.operator("resilver.test_connection", icon="LINKED")
    if SERVER.doing:
        column.label(text=f"{SERVER.doing}...")
    elif SERVER.problem:
        draw_text(column, bpy.context, str(SERVER.problem), icon="ERROR")
    elif SERVER.answer:
        draw_text(column, bpy.context, SERVER.answer, icon="CHECKMARK")


@dataclass(frozen=True)
class Places:
    """Folders that the preferences name."""

    output: str = OUTPUT
    plugins: str = ""


def stored() -> Any | None:
    """The preferences, or None where the extension runs without being installed."""
    addon = bpy.context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon else None


def connection() -> Connection:
    """Where the server is. Reads Blender's data: for the main thread."""
    kept, online = stored(), bool(bpy.app.online_access)
    if kept is None:
        return Connection(online=online)
    return Connection(
        kept.address.strip(),
        kept.token.strip(),
        _absolute(kept.certificates),
        _absolute(kept.command),
        kept.start_server,
        online,
    )


def places() -> Places:
    kept = stored()
    return Places(kept.output_folder or OUTPUT, _absolute(kept.plugins_folder)) if kept else Places()


def cache_file() -> Path | None:
    """Where the catalogue is kept between sessions; None where the extension is not installed as one."""
    if not PACKAGE.startswith("bl_ext."):
        return None
    return Path(bpy.utils.extension_path_user(PACKAGE, path="cache", create=True)) / "catalogue.json"


def _absolute(path: str) -> str:
    return bpy.path.abspath(path) if path else ""


def register() -> None:
    bpy.utils.register_class(ResilverPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(ResilverPreferences)
