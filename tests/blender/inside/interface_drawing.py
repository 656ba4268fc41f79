"""Panels, menus and preferences are drawn into layouts that write down what is drawn. Every property, operator and icon
that is asked for must be there in this Blender; the network must not be touched."""

from __future__ import annotations

import socket
import sys
import threading
from types import SimpleNamespace
from typing import Any

import bpy
from interface_kit import Kit

ICONS = {item.identifier for item in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items}


class Button:
    """The properties of a drawn operator: only those that it has can be set."""

    def __init__(self, idname: str) -> None:
        group, name = idname.split(".")
        object.__setattr__(self, "known", getattr(getattr(bpy.ops, group), name).get_rna_type().properties)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.known:
            raise AttributeError(f"the operator has no property {name}")


class Recorder:
    """A layout."""

    def __init__(self, drawn: list[str]) -> None:
        self.__dict__["drawn"] = drawn

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in bpy.types.UILayout.bl_rna.properties:
            raise AttributeError(f"a layout has no property {name}")

    def _part(self, **_: Any) -> Recorder:
        return Recorder(self.drawn)

    row = column = box = _part

    def separator(self) -> None:
        return

    def label(self, text: str = "", icon: str = "NONE") -> None:
        self._note(text, icon)

    def prop(self, data: Any, name: str, text: str | None = None, icon: str = "NONE", **_: Any) -> None:
        known = data.bl_rna.properties[name]
        value = getattr(data, name)
        if known.type == "ENUM":
            value = known.enum_items[value].name if value in known.enum_items else value
        self._note(f"{known.name if text is None else text}: {value}", icon)

    def operator(self, idname: str, text: str | None = None, icon: str = "NONE") -> Button:
        group, name = idname.split(".")
        known = getattr(getattr(bpy.ops, group), name).get_rna_type()
        poll = getattr(getattr(bpy.types, f"{group.upper()}_OT_{name}"), "poll", None)
        off = "" if poll is None or poll(bpy.context) else " off"
        self._note(f"[{known.name if text is None else text}]{off}", icon)
        return Button(idname)

    def progress(self, factor: float, text: str) -> None:
        self._note(f"{text} ({factor:.0%})", "NONE")

    def panel_prop(self, data: Any, name: str) -> tuple[Recorder, Recorder | None]:
        return self._part(), self._part() if getattr(data, name) else None

    def _note(self, text: str, icon: str) -> None:
        if icon not in ICONS:
            raise ValueError(f"no icon {icon} in this Blender")
        self.drawn.append(text)


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit = Kit(extension)
    kit.edit(arguments["film"])
    found = {"fresh": quiet(kit)}
    with kit.sequencer():
        bpy.ops.resilver.refresh()
    panel = kit.scene.resilver
    panel.preset = "home-movie"
    for stage in panel.stages:
        stage.expanded = True
    found["known"] = draw_all(kit)
    found["licence"] = licence(kit)
    panel.stages["deflicker"].parameters["window"].number = 99
    panel.size, panel.rate = "3840x2160", "60000/1001"
    found["changed"] = draw_all(kit)
    found["timer"] = timer(kit)
    return found | jobs(kit, arguments)


def timer(kit: Kit) -> dict[str, Any]:
    """A look that fails is not the last one; the status bar's text goes with the last job."""
    ticking, real = kit.ticking, kit.ticking.step
    ticking.step = lambda is_calm: [][0]
    try:
        again = ticking._tick()
    finally:
        ticking.step = real
    ticking._show_status("a job runs")
    shown = dict(ticking._Seen.status)
    return {"again": again, "shown": list(shown.values()), "end": [ticking._tick(), ticking._Seen.status]}


def quiet(kit: Kit) -> dict[str, Any]:
    """Before anything was asked for: drawing neither connects, nor starts a thread, nor imports gRPC."""
    real, threads = socket.socket, threading.active_count()
    socket.socket = None  # type: ignore[assignment,misc]
    try:
        drawn = draw_all(kit)
    finally:
        socket.socket = real  # type: ignore[misc]
    return {"drawn": drawn, "threads": threading.active_count() - threads, "grpc": "grpc" in sys.modules}


def draw_all(kit: Kit) -> dict[str, list[str]]:
    """What each panel, the menus' entries and the preferences draw."""
    with kit.sequencer():
        context, found = bpy.context, {}
        for cls in kit.panels.CLASSES:
            if cls.poll(context):
                found[cls.bl_label] = drawn(cls.draw, context)
        found["Menu"] = drawn(kit.menus.draw_entries, context)
        found["Preferences"] = preferences(kit, context)
        return found


def drawn(draw: Any, context: Any) -> list[str]:
    notes: list[str] = []
    draw(SimpleNamespace(layout=Recorder(notes)), context)
    return notes


def preferences(kit: Kit, context: Any) -> list[str]:
    notes: list[str] = []
    kit.preferences.draw_into(Recorder(notes), kit.preferences.stored())
    return notes


def licence(kit: Kit) -> list[str]:
    """What is shown before a model is fetched."""
    notes: list[str] = []
    kit.drawing.draw_licence(Recorder(notes), "span-x2")
    return notes


def jobs(kit: Kit, arguments: dict[str, Any]) -> dict[str, Any]:
    """The queue while a job runs, and after it was cancelled; a problem with its repairs; a restored strip's box."""
    given = {"recipe_json": arguments["recipe"], "output_folder": arguments["output"]}
    job = kit.start(**given)
    kit.until(lambda: job.progress is not None)
    running = draw_all(kit)
    job.cancel()
    kit.until(lambda: not job.running)
    cancelled = draw_all(kit)
    strips = kit.versions.strips(kit.scene.sequence_editor)
    blocking = strips.new_movie("title", arguments["film"], 3, 1)
    blocking.select = False
    failed = kit.start(**given)
    kit.until(lambda: not failed.running)
    return {"running": running, "cancelled": cancelled, "failed": draw_all(kit), "box": box(kit, job, blocking)}


def box(kit: Kit, job: Any, blocking: Any) -> list[str]:
    kit.versions.strips(kit.scene.sequence_editor).remove(blocking)
    with kit.sequencer():
        bpy.ops.resilver.retry(key=job.key)
    kit.scene.sequence_editor.active_strip = kit.identity.named(kit.scene, "one")
    draw_all(kit)
    kit.states.find()
    return draw_all(kit)["Resilver"]
