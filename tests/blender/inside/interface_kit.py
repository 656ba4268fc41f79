"""What the scenarios of the interface share: an edit with film in it, jobs that are served step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bpy
from parts import part

PATIENCE = 90.0
"""Seconds that a job may need on a busy machine."""


class Kit:
    """The extension's modules, and an edit."""

    def __init__(self, extension: str) -> None:
        self.extension = extension

    def __getattr__(self, name: str) -> Any:
        """A module of the extension."""
        return part(self.extension, name)

    @property
    def scene(self) -> Any:
        return bpy.context.scene

    @property
    def job_list(self) -> Any:
        return self.jobs.JOBS

    def edit(self, film: str, names: tuple[str, ...] = ("one", "two")) -> None:
        """The film several times on channel 2, all selected."""
        editor = self.scene.sequence_editor_create()
        self.scene.render.fps = 24
        left = 1
        for name in names:
            strip = self.versions.strips(editor).new_movie(name, film, 2, left)
            self.versions.set_handles(strip, left, left + 24)
            left += 30
            strip.select = True
        bpy.ops.ed.undo_push(message="An edit")

    def effect(self, name: str, kind: str, channel: int, left: int, right: int) -> Any:
        """An effect without inputs."""
        made = self.versions.strips(self.scene.sequence_editor)
        try:
            return made.new_effect(name, kind, channel, left, length=right - left)
        except TypeError:
            return made.new_effect(name, kind, channel, left, frame_end=right)

    def named(self, name: str) -> Any:
        return self.identity.named(self.scene, name)

    def sequencer(self) -> Any:
        """Context of the sequencer that shows the scene."""
        window = bpy.context.window_manager.windows[0]
        area = window.screen.areas[0]
        area.type = "SEQUENCE_EDITOR"
        if "sequencer_scene" in bpy.types.WorkSpace.bl_rna.properties:
            window.workspace.sequencer_scene = self.scene
        region = next(region for region in area.regions if region.type == "WINDOW")
        return bpy.context.temp_override(window=window, area=area, region=region, scene=self.scene)

    def start(self, **given: Any) -> Any:
        """A job that is served by ``until``, as with a window; operators block here."""
        with self.sequencer():
            context = bpy.context
            ask = self.starting.ask_for(context, self.facts.selected(context), self.starting.Given(**given))
        return self.starting.start(ask)

    def until(self, condition: Callable[[], bool]) -> None:
        """Do what the timer does until something holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("not in time")
            self.ticking.step()
            time.sleep(0.01)
        self.ticking.step()

    def said(self, operator: Callable[..., Any], **values: Any) -> str:
        """Call an operator that fails, and return what it reports."""
        with self.sequencer():
            try:
                return f"no error: {operator(**values)}"
            except RuntimeError as error:
                return str(error).removeprefix("Error: ").strip()

    def strips(self) -> list[list[Any]]:
        """Name, channel, left, right, role and mute of every strip."""
        versions = self.versions
        return [
            [strip.name, strip.channel, versions.left(strip), versions.right(strip), strip.resilver.role, strip.mute]
            for strip in sorted(versions.all_strips(self.scene.sequence_editor), key=lambda strip: strip.name)
        ]

    def stored(self) -> list[dict[str, Any]]:
        """The jobs that are stored with the scene."""
        names = ("name", "job_id", "title", "layout", "shots", "state", "sentence", "placed")
        return [{name: getattr(item, name) for name in names} for item in self.scene.resilver.jobs]
