"""Operators on the server: connection, catalogue, models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from ..jobs import ticking
from ..server.server import SERVER
from ..settings import preferences
from . import drawing


def _begun(operator: Any, thread: Any) -> set[str]:
    """Let the timer show what comes; without a window wait and report it."""
    ticking.wake()
    if thread is None:
        operator.report({"INFO"}, f"{SERVER.doing}...")
        return {"CANCELLED"}
    if not bpy.app.background:
        return {"FINISHED"}
    thread.join()
    ticking.step()
    if SERVER.problem:
        operator.report({"ERROR"}, str(SERVER.problem))
        return {"CANCELLED"}
    if SERVER.answer:
        operator.report({"INFO"}, SERVER.answer)
    return {"FINISHED"}


class RESILVER_OT_test_connection(bpy.types.Operator):
    """Find out whether the server answers, and what it renders with"""

    bl_idname = "resilver.test_connection"
    bl_label = "Test Connection"

    def execute(self, context: Any) -> set[str]:
        return _begun(self, SERVER.test(preferences.connection()))


class RESILVER_OT_refresh(bpy.types.Operator):
    """Ask the server for its stages, presets, formats and models"""

    bl_idname = "resilver.refresh"
    bl_label = "Refresh"

    def execute(self, context: Any) -> set[str]:
        return _begun(self, SERVER.look(preferences.connection()))


class RESILVER_OT_start_server(bpy.types.Operator):
    """Start the server of this machine; it leaves after ten idle minutes"""

    bl_idname = "resilver.start_server"
    bl_label = "Start Server"

    def execute(self, context: Any) -> set[str]:
        return _begun(self, SERVER.look(replace(preferences.connection(), start=True)))


class RESILVER_OT_install_model(bpy.types.Operator):
    """Have the server fetch a model"""

    bl_idname = "resilver.install_model"
    bl_label = "Install Model"

    model: StringProperty(name="Id of the model", options={"SKIP_SAVE"})
    accept_licence: BoolProperty(name="I accept this licence", options={"SKIP_SAVE"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, width=500)  # type: ignore[no-any-return]

    def draw(self, context: Any) -> None:
        drawing.draw_licence(self.layout, self.model)
        known = SERVER.catalogue.model(self.model)
        if known and not known.permissive:
            self.layout.prop(self, "accept_licence")

    def execute(self, context: Any) -> set[str]:
        return _begun(self, SERVER.install(preferences.connection(), self.model, self.accept_licence))


class RESILVER_OT_preferences(bpy.types.Operator):
    """Open the preferences of Resilver"""

    bl_idname = "resilver.preferences"
    bl_label = "Preferences"

    def execute(self, context: Any) -> set[str]:
        bpy.ops.preferences.addon_show(module=preferences.PACKAGE)
        return {"FINISHED"}


CLASSES = (
    RESILVER_OT_test_connection,
    RESILVER_OT_refresh,
    RESILVER_OT_start_server,
    RESILVER_OT_install_model,
    RESILVER_OT_preferences,
)
