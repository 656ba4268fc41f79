"""Restored clips look for their channel in edits where something lies above the original."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from place_kit import Kit


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit, found = Kit(extension), {}
    for case in arguments["cases"]:
        kit.prepare((24, 1.0), (96, 54))
        found[case["name"]] = _case(kit, case, arguments)
    return found


def _case(kit: Kit, case: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    strips = {}
    for name, kind, channel, left, right in case["strips"]:
        strips[name] = _strip(kit, arguments, name, kind, channel, left, right)
    for number in range(1, 129):
        kit.editor.channels[number].lock = number in case.get("locked", ())
        kit.editor.channels[number].mute = number in case.get("muted", ())
    shown = kit.shown(*(strips[name] for name in case["restored"]))
    words = [kit.place.in_the_way(kit.scene, each) for each in shown.values()]
    clips = [kit.clip(each, arguments["restored"], 122, Fraction(60), (192, 108)) for each in shown.values()]
    before, errors = kit.edit(), []
    for occupied in case["occupied"]:
        errors.append(kit.tried(lambda how=occupied: kit.place_clips(clips, shown, occupied=how)))  # type: ignore[misc]
    return {"in the way": words, "errors": errors, "before": before, "edit": kit.edit()}


def _strip(kit: Kit, arguments: dict[str, Any], name: str, kind: str, channel: int, left: int, right: int) -> Any:
    if kind == "film":
        return kit.movie(name, arguments["original"], channel, left, right)
    if kind == "sound":
        strip = kit.versions.strips(kit.editor).new_sound(name, arguments["sound"], channel, left)
        kit.versions.set_handles(strip, left, right)
        return strip
    strip = kit.effect(name, "COLOR", channel, left, right)
    strip.mute = kind == "muted"
    return strip
