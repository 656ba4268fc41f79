"""How much dirt is found at how many false alarms.

Of every pixel that dirt changed by 12/255 or more the share is taken that was changed, the probability of detection;
of all that no dirt touches the share that was changed too, the rate of false alarms. A border of two pixels is left
out. Nothing here knows who cleaned the frames: a stage and a peer are measured alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .pictures import Image

Flags = npt.NDArray[np.bool_]
SEEN = 12 / 255
"""What dirt changes less than this is not looked for."""
FALSE_ALARMS = (0.0005, 0.001, 0.002, 0.005, 0.01)
"""The rates at which detection is reported."""
_BORDER = np.s_[2:-2, 2:-2]


@dataclass(frozen=True)
class Rates:
    """One setting of a detector."""

    found: float
    """Share of the pixels to be found, 0..1."""
    false: float
    """Share of the clean pixels, 0..1."""


def to_find(given: Image, without: Image, dirt: Flags) -> Flags:
    """(height, width): where dirt differs enough. ``given`` and ``without`` (3, height, width) with dirt and without;
    ``dirt`` (height, width) where any lies, however faint."""
    return np.asarray(dirt & (np.abs(given - without).max(axis=0) >= SEEN), np.bool_)


def changed(result: Image, given: Image) -> Flags:
    """(height, width): where a bit of (3, height, width) frames is another."""
    return np.asarray((result != given).any(axis=0), np.bool_)


def rates(frames: Iterable[tuple[Flags, Flags, Flags]]) -> Rates:
    """Over frames of (height, width) flags each: changed, to be found, and touched by any dirt.

    Where there is nothing to be found, all of it was: 1; where no pixel is clean, no alarm is false: 0.
    """
    hits = wanted = alarms = clean = 0
    for flags in frames:
        change, truth, dirt = (plane[_BORDER] for plane in flags)
        hits += int((change & truth).sum())
        wanted += int(truth.sum())
        alarms += int((change & ~dirt).sum())
        clean += int((~dirt).sum())
    return Rates(hits / wanted if wanted else 1.0, alarms / clean if clean else 0.0)


def detection_at(curve: Sequence[Rates], false_alarms: Sequence[float] = FALSE_ALARMS) -> tuple[float, ...]:
    """The share found at each rate of false alarms, on straight lines between the settings of a sweep.

    Nothing is found at no false alarm but what a setting without any finds; beyond the last setting no more than there.
    """
    best: list[Rates] = []
    for point in sorted(curve, key=lambda rates: (rates.false, -rates.found)):
        if not best or point.found > best[-1].found:
            best.append(point)
    if not best:
        return tuple(0.0 for _ in false_alarms)
    if best[0].false > 0:
        best.insert(0, Rates(0.0, 0.0))
    false, found = [point.false for point in best], [point.found for point in best]
    return tuple(float(np.interp(wanted, false, found)) for wanted in false_alarms)
