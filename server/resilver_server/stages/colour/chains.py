"""By which frames colour comes from a key frame to a frame: the key frame itself, and stones on the way.

Over a second and more a picture changes so much that no match of two frames tells the whole of it; over a few frames it
does. So colour goes from the key frame to a stone, from there to the next, and from the last one to the frame; what the
key frame itself still shows comes straight from it, so that nothing drifts. Stones are the film's own frames. They lie
the closer the more the scene moves, and wider the farther the key frame is, so that a far one is reached by few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from resilver_server.domain.clocks import Clock
from resilver_server.stages.keys import NO_KEY

NEAREST, WIDEST = 2, 4
"""Entries between stones: as close as the scene's motion asks for, and as wide as it may."""
GROWTH = 0.08
"""Of the distance from the key frame: stones lie at least so far apart."""
LEFT = 0.7
"""Share of a stone's picture that must still be met; else the next stone follows."""
REACH = 0.06
"""Of the frame's width: motion from stone to stone at most. Flow that starts from nothing finds a tenth."""

Numbers = npt.NDArray[np.int64]


def entry_of(clock: Clock, number: int) -> int:
    """The entry that shows a media frame: a repeat is shown by the frame before it."""
    return max(0, int(np.searchsorted(np.asarray(clock.frames), number, side="right")) - 1)


@dataclass(frozen=True)
class Steps:
    """From each entry to the one before it."""

    kept: npt.NDArray[np.float64]
    """(entries,) share of the picture that the entry before shows too; 0 behind a wall."""
    pace: npt.NDArray[np.float64]
    """(entries,) motion of most of the picture, in widths of the frame."""


def chains(clock: Clock, given: Sequence[int], steps: Steps) -> Numbers:
    """(entries, 2 n) media frames. In each row the first n lead from the key frame before (or at) the entry to it, the
    key frame first, and the others from the key frame after it; NO_KEY fills up."""
    entries = [entry_of(clock, number) for number in given]
    before: list[list[int]] = [[] for _ in range(len(clock))]
    after: list[list[int]] = [[] for _ in range(len(clock))]
    for number, key in zip(given, entries, strict=True):
        scene = clock.scene(key)
        later = min((other for other in entries if other > key), default=scene.stop)
        earlier = max((other for other in entries if other < key), default=scene.start - 1)
        _lead(before, clock, number, range(key, min(later, scene.stop)), steps)
        _lead(after, clock, number, range(key - 1, max(earlier, scene.start - 1), -1), steps)
    width = max((len(row) for row in (*before, *after)), default=0) or 1
    rows = [[*_padded(first, width), *_padded(second, width)] for first, second in zip(before, after, strict=True)]
    return np.array(rows, np.int64).reshape(len(clock), 2 * width)


def shares(clock: Clock, wanted: Numbers) -> npt.NDArray[np.float64]:
    """(entries,) 0..1: how far an entry's colour is that of the key frame before it; falls from 1 to 0 on the way."""
    frames, half = np.asarray(clock.frames), wanted.shape[1] // 2
    before, after = wanted[:, 0], wanted[:, half]
    way = (frames - before) / np.maximum(1, after - before)
    return np.where(after == NO_KEY, 1.0, np.where(before == NO_KEY, 0.0, 1 - way.clip(0, 1)))


def _lead(rows: list[list[int]], clock: Clock, number: int, way: range, steps: Steps) -> None:
    """Writes the chains of the entries on the way from a key frame, which is the first of them or lies behind it."""
    chain, left, moved, since = [number], 1.0, 0.0, 0
    for far, entry in enumerate(way, start=int(way.step < 0)):
        rows[entry] = list(chain)
        if far:
            step = entry if way.step > 0 else entry + 1
            left, moved, since = left * steps.kept[step], moved + steps.pace[step], since + 1
        changed = since >= max(NEAREST, GROWTH * far) and (left < LEFT or since >= WIDEST)
        if changed or moved > REACH:
            chain.append(clock.frames[entry])
            left, moved, since = 1.0, 0.0, 0


def _padded(chain: Sequence[int], width: int) -> list[int]:
    return [*chain, *[NO_KEY] * (width - len(chain))]
