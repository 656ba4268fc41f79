"""Very many strips of one movie in one job."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import bpy
from faults_kit import Faults, fresh


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    kit = fresh(extension, arguments, "many")
    lengths = _lay(kit, arguments["count"])
    taken = _timed(kit)
    began = time.monotonic()
    outcome = kit.restore()
    whole = time.monotonic() - began
    restored = [strip for strip in kit.identity.every(kit.scene) if kit.identity.role(strip) == kit.identity.RESTORED]
    found = sorted((kit.versions.left(strip), kit.versions.right(strip), strip.channel) for strip in restored)
    return {"outcome": outcome, "restored": found, "laid": lengths, "whole": whole, "seconds": taken}


def _lay(kit: Faults, count: int) -> list[tuple[int, int, int]]:
    """One after the other without gaps, each a little later in the movie."""
    strips, left, laid = kit.versions.strips(kit.scene.sequence_editor), 1, []
    for strip in list(strips):
        strips.remove(strip)
    kit.scene.frame_end = 5 * count
    for number in range(count):
        first, length = number % 40, 2 + number % 3
        strip = strips.new_movie(f"shot {number}", kit.film, 127 - number % 2, left - first)
        kit.versions.set_handles(strip, left, left + length)
        strip.channel, strip.select = 2, True
        laid.append((left, left + length, 3))
        left += length
    bpy.ops.ed.undo_push(message="An edit")
    return laid


def _timed(kit: Faults) -> dict[str, float]:
    """Seconds by step of the session; filled while a job runs."""
    taken: dict[str, float] = {}
    session = kit.session.BlenderSession

    def measured(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = time.monotonic()
            try:
                return function(*arguments)
            finally:
                taken[name] = taken.get(name, 0.0) + time.monotonic() - began

        return run

    for name in ("_selection", "_timeline", "_place", "_remember", "in_the_way", "selection", "timeline", "place"):
        setattr(session, name, measured(name, getattr(session, name)))
    return taken
