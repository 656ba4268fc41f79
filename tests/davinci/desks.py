"""Desks over a real server and real small films, for tests: a conform of five clips of which one is a title."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import opentimelineio as otio

from davinci.memory_desk_host import OURS, MemoryDeskHost
from davinci.reels import reel
from publish.contract import Laid
from publish.memory_host import MemoryHost
from resilver_bridge.desk import Desk
from resilver_client.client import Client

STATION, BRIDGE, TUNNEL, TITLE, LOST = "Station, wide", "Across the bridge", "Tunnel", "Main title", "Lost reel"
_LAID = ((Laid(STATION, length=24), 1), (Laid(BRIDGE, start=30, length=20, first=5), 2), (Laid(TUNNEL, start=50), 3))
_FRAMES = 30
_LONGEST = 90.0
"""Seconds for what should take some; machines are busy."""


def conform(folder: Path, verb: str = "restore") -> MemoryDeskHost:
    """Two clips and a title are selected; a clip without media and one more lie there too."""
    host = MemoryHost(folder, lambda path, frames: reel(path, frames))
    reels = {seed: folder / f"reel {seed}.mov" for _, seed in _LAID}
    for seed, path in reels.items():
        if not path.exists():
            reel(path, _FRAMES, seed)
    host.lay_media([(laid, reels[seed], _FRAMES) for laid, seed in _LAID])
    _lay_other(host, TITLE, otio.schema.GeneratorReference("title", "SMPTEBars"), 64)
    _lay_other(host, LOST, otio.schema.MissingReference(), 90)
    made = MemoryDeskHost(host.edit, verb)
    made.selected = (STATION, BRIDGE, TITLE)
    return made


def _lay_other(host: MemoryHost, name: str, reference: otio.core.MediaReference, start: int) -> None:
    length = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(24, 24))
    clip = otio.schema.Clip(name, reference, length)
    clip.metadata[OURS] = {"id": name, "selected": False}
    host.edit.put(1, start, clip)


@contextmanager
def desk_over(host: MemoryDeskHost, home: Path, connect: Callable[[], Client]) -> Iterator[Desk]:
    """An open desk that has read its timeline."""
    desk = Desk(host, home, connect)
    desk.open()
    try:
        until(lambda: "edit" in shown(desk) or shown(desk).get("reading", {}).get("error"))
        yield desk
    finally:
        desk.close()


def shown(desk: Desk) -> dict[str, Any]:
    """All sections."""
    return dict(desk.snapshot()["sections"])


def until(true: Callable[[], Any]) -> Any:
    """What it says as soon as it says something."""
    deadline = time.monotonic() + _LONGEST
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.03)
    return found


def quick(desk: Desk, folder: Path) -> None:
    """Deflicker alone, written without loss: needs no network."""
    for stage in until(lambda: shown(desk).get("wish"))["stages"]:
        desk.change({"stage": stage["name"], "on": stage["name"] == "deflicker"})
    desk.change({"profile": "ffv1"})
    desk.change({"folder": str(folder)})


def ended(desk: Desk, run: str = "1") -> dict[str, Any]:
    """The run when it has ended."""
    return dict(until(lambda: next((each for each in runs(desk) if each["id"] == run and _over(each)), None)))


def runs(desk: Desk) -> list[dict[str, Any]]:
    return list(shown(desk)["runs"])


def _over(run: dict[str, Any]) -> bool:
    return run["phase"] not in ("preparing", "installing", "running", "cancelling")
