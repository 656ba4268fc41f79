"""Strips that cannot be restored: what is said of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from facts_rendering import Case, step


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    Path(arguments["blend_path"]).parent.mkdir(exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=arguments["blend_path"])
    return {order["name"]: said(Case(extension, order, Path(arguments["folder"]))) for order in arguments["cases"]}


def said(case: Case) -> list[Any]:
    """What is said of the newest strip, or of what lies in it."""
    with case.sequencer():
        strip = case.newest
        while strip.type == "META":
            strip = case.versions.strips(strip)[0]
        (found,) = case.facts.shown_all(case.scene, [strip])
    if isinstance(found, case.errors.ResilverError):
        return [found.reason, found.what, found.where, found.remedy]
    return ["", found.media, found.kind, found.name]


@step
def retime(case: Case, frame: int) -> None:
    case.only(case.newest)
    case.editor.active_strip = case.newest
    bpy.ops.sequencer.retiming_key_add(timeline_frame=frame)


@step
def faster(case: Case) -> None:
    bpy.ops.sequencer.retiming_segment_speed_set(speed=200)


@step
def effect(case: Case, kind: str) -> None:
    """An effect over the newest strip; ``SPEED`` leaves the strip the newest."""
    made = case.versions.strips(case.editor)
    first = case.newest
    span = {"length": 20} if "length" in made.bl_rna.functions["new_effect"].parameters else {"frame_end": 31}
    given = {}
    if first is not None:
        given = {"input1" if "input1" in made.bl_rna.functions["new_effect"].parameters else "seq1": first}
    found = made.new_effect(kind.lower(), kind, 3, 11, **span, **given)
    case.newest = first if kind == "SPEED" else found


@step
def scene_strip(case: Case) -> None:
    case.newest = case.versions.strips(case.editor).new_scene("scene", bpy.data.scenes[0], 2, 11)


@step
def mask_strip(case: Case) -> None:
    case.newest = case.versions.strips(case.editor).new_mask("mask", bpy.data.masks.new("m"), 2, 11)


@step
def clip_strip(case: Case, path: str) -> None:
    case.newest = case.versions.strips(case.editor).new_clip("clip", bpy.data.movieclips.load(path), 2, 11)


@step
def stereo(case: Case) -> None:
    case.scene.render.use_multiview = True
    case.newest.use_multiview = True


@step
def folder_of(case: Case, path: str) -> None:
    """Point an image strip to another folder."""
    case.newest.directory = path


@step
def child_out_of_sight(case: Case) -> None:
    """A meta of two strips, cut so that only the second is seen."""
    meta = case.newest
    inside = sorted(case.versions.strips(meta), key=case.versions.left)
    case.versions.set_handles(meta, case.versions.left(inside[1]), case.versions.right(meta))


@step
def relative(case: Case) -> None:
    case.newest.filepath = bpy.path.relpath(case.newest.filepath)
