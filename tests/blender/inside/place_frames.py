"""Restored 60 fps clips lie over adjacent shots of odd lengths; every frame of the edit is rendered."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from place_kit import Kit, render


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit, found = Kit(extension), {}
    for rate in arguments["rates"]:
        found[rate["name"]] = _edit(kit, rate, arguments)
    return found


def _edit(kit: Kit, rate: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    kit.prepare((rate["fps"], rate["base"]), (96, 54))
    strips = [
        kit.movie(shot["name"], arguments["original"], 2, shot["left"], shot["right"]) for shot in arguments["shots"]
    ]
    chosen = [strip for strip, shot in zip(strips, arguments["shots"], strict=True) if shot["restored"]]
    shown = kit.shown(*chosen)
    clips = [kit.clip(each, *rate["files"][each.name], Fraction(60), (192, 108)) for each in shown.values()]
    placements = kit.place_clips(clips, shown)
    first, last = arguments["shots"][0]["left"], arguments["shots"][-1]["right"]
    folder = f"{arguments['pictures']}/{rate['name']}"
    return {
        "where": [each.where for each in placements],
        "edit": kit.edit(),
        "pictures": {frame: render(frame, f"{folder}/{frame:04d}.png") for frame in range(first, last)},
    }
