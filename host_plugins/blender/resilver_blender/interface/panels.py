"""The sequencer's sidebar. Drawing reads what is in memory; it never waits for the network and never writes."""

from __future__ import annotations

from typing import Any

import bpy

from .. import versions
from ..jobs import ticking, words
from ..jobs.jobs import JOBS
from ..server.server import SERVER
from ..settings import choices, settings
from ..strips import identity, selection
from . import drawing, panels_jobs

CATEGORY = "Resilver"


class _Sidebar:
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = CATEGORY

    @classmethod
    def poll(cls, context: Any) -> bool:
        return versions.edited_scene(context) is not None


class RESILVER_PT_main(_Sidebar, bpy.types.Panel):
    bl_label = "Resilver"
    bl_idname = "RESILVER_PT_main"

    def draw(self, context: Any) -> None:
        layout, scene = self.layout, versions.edited_scene(context)
        panel = scene.resilver
        draw_server(layout, context)
        panels_jobs.draw_problems(layout, context, scene)
        row = layout.row()
        row.scale_y = 1.5
        row.operator("resilver.restore", text=restore_label(context), icon="SHADERFX")
        draw_preset(layout, panel)
        column = layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(panel, "layout")
        if panel.layout != "new-timeline":
            column.prop(panel, "occupied")
        panels_jobs.draw_restored(layout, context, scene)


class RESILVER_PT_jobs(_Sidebar, bpy.types.Panel):
    bl_label = "Jobs"
    bl_parent_id = "RESILVER_PT_main"

    @classmethod
    def poll(cls, context: Any) -> bool:
        scene = versions.edited_scene(context)
        return scene is not None and panels_jobs.has_jobs(scene)

    def draw(self, context: Any) -> None:
        panels_jobs.draw_jobs(self.layout, context, versions.edited_scene(context))


class RESILVER_PT_stages(_Sidebar, bpy.types.Panel):
    bl_label = "Stages"
    bl_parent_id = "RESILVER_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        panel = versions.edited_scene(context).resilver
        if not len(panel.stages):
            self.layout.label(text="Choose a preset first")
        editor = versions.edited_scene(context).sequence_editor
        for item in panel.stages:
            draw_stage(self.layout, item, editor.active_strip if editor else None)


class RESILVER_PT_result(_Sidebar, bpy.types.Panel):
    bl_label = "Result"
    bl_parent_id = "RESILVER_PT_main"

    def draw(self, context: Any) -> None:
        panel, column = versions.edited_scene(context).resilver, self.layout.column()
        column.use_property_split, column.use_property_decorate = True, False
        column.prop(panel, "size")
        if panel.size == "custom":
            column.prop(panel, "width")
            column.prop(panel, "height")
        column.prop(panel, "rate")
        column.prop(panel, "profile")
        column.prop(panel, "output_folder")
        column.prop(panel, "change_maps")
        self.layout.operator("resilver.new_scene", icon="SCENE_DATA")


class RESILVER_PT_preview(_Sidebar, bpy.types.Panel):
    bl_label = "Preview"
    bl_parent_id = "RESILVER_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        row = self.layout.row(align=True)
        row.prop(versions.edited_scene(context).resilver, "preview_frames")
        row.operator("resilver.preview", icon="IMAGE_DATA")
        panels_jobs.draw_pictures(self.layout, versions.edited_scene(context))


class RESILVER_PT_models(_Sidebar, bpy.types.Panel):
    bl_label = "Models"
    bl_parent_id = "RESILVER_PT_main"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return versions.edited_scene(context) is not None and bool(SERVER.catalogue.models)

    def draw(self, context: Any) -> None:
        for model in SERVER.catalogue.models:
            row = self.layout.row()
            row.label(text=model.title, icon="CHECKMARK" if model.installed else "BLANK1")
            if not model.installed:
                row.operator("resilver.install_model", text=words.sized(model.size), icon="IMPORT").model = model.id


def restore_label(context: Any) -> str:
    """ "Restore 3 Shots"."""
    count = selection.count(context)
    return f"Restore {words.shots(count)}" if count else "Restore"


def draw_server(layout: Any, context: Any) -> None:
    """What is wrong with the server, and what to do; nothing where all is well."""
    if not SERVER.asked or JOBS.running() or SERVER.doing:
        ticking.wake()
    if SERVER.doing:
        layout.label(text=f"{SERVER.doing}...", icon="SORTTIME")
        return
    if SERVER.problem is None:
        return
    box = layout.box()
    drawing.draw_text(box, context, words.problem(SERVER.problem), icon="ERROR")
    row = box.row(align=True)
    row.operator("resilver.start_server", icon="PLAY")
    row.operator("resilver.refresh", text="Connect", icon="LINKED")
    row.operator("resilver.preferences", text="", icon="PREFERENCES")


def draw_preset(layout: Any, panel: Any) -> None:
    row = layout.row(align=True)
    row.prop(panel, "preset", text="")
    row.operator("resilver.refresh", text="", icon="FILE_REFRESH")
    if settings.changed(panel, SERVER.catalogue):
        layout.label(text=f"{choices.label(panel.preset_name)} (changed)")
    chosen = SERVER.catalogue.preset(panel.preset_name)
    if chosen is None and not SERVER.catalogue.presets:
        layout.label(text="The presets come from the server")


def draw_stage(layout: Any, item: Any, active: Any | None) -> None:
    """A stage's switch, and below it, folded, its strength, parameters and channels, and the active strip's key
    frames."""
    header, body = layout.panel_prop(item, "expanded")
    header.prop(item, "enabled", text=choices.label(item.name))
    if body is None:
        return
    stage, column = SERVER.catalogue.stage(item.name), body.column()
    column.active = item.enabled
    column.use_property_split, column.use_property_decorate = True, False
    if stage is None or stage.renders:
        column.prop(item, "strength")
    for parameter in item.parameters:
        column.prop(parameter, settings.field_of(parameter), text=choices.label(parameter.name))
    for kind in stage.inputs if stage else ():
        if kind in settings.CHANNEL_FIELDS:
            column.prop(item, settings.CHANNEL_FIELDS[kind])
        elif active is not None and not identity.role(active):
            column.prop(active.resilver, "key_frames", text=f"Key frames of '{active.name}'")


CLASSES = (
    RESILVER_PT_main,
    RESILVER_PT_jobs,
    RESILVER_PT_stages,
    RESILVER_PT_result,
    RESILVER_PT_preview,
    RESILVER_PT_models,
)
