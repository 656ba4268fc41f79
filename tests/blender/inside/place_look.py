"""Originals that the user has worked on are restored; what is seen before and after is rendered."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from place_kit import Kit, render

LEFT, RIGHT = 5, 12


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit, found = Kit(extension), {}
    for case in arguments["cases"]:
        kit.prepare((24, 1.0), (240, 135))
        found[case["name"]] = _case(kit, case, f"{arguments['pictures']}/{case['name']}")
    return found


def _case(kit: Kit, case: dict[str, Any], folder: str) -> dict[str, Any]:
    ground = kit.effect("ground", "COLOR", 1, LEFT, RIGHT)
    ground.color = (0.1, 0.5, 0.2)
    original = _original(kit, case)
    _work_on(kit, original, case)
    before = [render(frame, f"{folder}/before-{frame}.png") for frame in (LEFT, RIGHT - 1)]
    shown = kit.shown(original)
    (each,) = shown.values()
    for path, frames, size, recipe in case["restored"]:
        clip = kit.clip(each, path, frames, Fraction(24), size)
        placements = kit.place_clips([clip], shown, recipe=recipe)
    after = [render(frame, f"{folder}/after-{frame}.png") for frame in (LEFT, RIGHT - 1)]
    (restored,) = kit.identity.restored_of(kit.scene, each.uid)
    return {
        "before": before, "after": after, "where": placements[0].where, "edit": kit.edit(), "tag": restored.color_tag,
        "filter": restored.transform.filter, "modifiers": [modifier.name for modifier in restored.modifiers],
    }  # fmt: skip


def _original(kit: Kit, case: dict[str, Any]) -> Any:
    if case["original"].endswith(".png"):
        strip = kit.versions.strips(kit.editor).new_image("shot", case["original"], 3, LEFT, fit_method="FIT")
        kit.versions.set_handles(strip, LEFT, RIGHT)
        return strip
    strip = kit.versions.strips(kit.editor).new_movie("shot", case["original"], 3, LEFT, fit_method="FIT")
    kit.versions.set_handles(strip, LEFT, RIGHT)
    return strip


def _work_on(kit: Kit, strip: Any, case: dict[str, Any]) -> None:
    for part, name, value in case.get("set", ()):
        setattr(getattr(strip, part) if part else strip, name, value)
    if "scale" in case:
        strip.transform.scale_x *= case["scale"]
        strip.transform.scale_y *= case["scale"]
    for kind, name, value in case.get("modifiers", ()):
        setattr(strip.modifiers.new(kind, kind), name, value)
    for part, name, values in case.get("animated", ()):
        owner = getattr(strip, part) if part else strip
        for frame, value in zip((LEFT, RIGHT), values, strict=True):
            setattr(owner, name, value)
            owner.keyframe_insert(name, frame=frame)
