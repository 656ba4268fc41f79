"""Restored clips look for their channel in edits where something lies above the original."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import bpy
from place_kit import Kit


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit, found = Kit(extension), {}
    for case in arguments["cases"]:
        kit.prepare((24, 1.0), (96, 54))
        found[case["name"]] = _case(kit, case, arguments)
    return found


def _case(kit: Kit, case: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    originals = [
        kit.movie(name, arguments["original"], channel, left, right) for name, channel, left, right in case["originals"]
    ]
    for name, kind, channel, left, right in case.get("above", ()):
        _above(kit, name, kind, channel, left, right)
    for number in case.get("locked", ()):
        kit.editor.channels[number].lock = True
    for number in case.get("muted", ()):
        kit.editor.channels[number].mute = True
    shown = kit.shown(*originals)
    words = [kit.place.in_the_way(kit.scene, each) for each in shown.values()]
    clips = [kit.clip(each, arguments["restored"], 122, Fraction(60), (192, 108)) for each in shown.values()]
    wheres: list[str] = []
    error = ""
    for occupied in case["occupied"]:
        error = kit.tried(lambda how=occupied: wheres.extend(  # type: ignore[misc]
            each.where for each in kit.place_clips(clips, shown, occupied=how)))  # fmt: skip
    return {"in the way": words, "error": error, "where": wheres, "edit": kit.edit()}


def _above(kit: Kit, name: str, kind: str, channel: int, left: int, right: int) -> None:
    strip = kit.effect(name, "COLOR", channel, left, right)
    strip.mute = kind == "muted"
    if kind == "sound":
        kit.versions.strips(kit.editor).remove(strip)
        sound = kit.versions.strips(kit.editor).new_sound(name, bpy.app.tempdir + "quiet.wav", channel, left)
        kit.versions.set_handles(sound, left, right)
