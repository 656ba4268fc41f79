"""Which rows repeat the row before: two populations of differences, told apart anew in every few seconds of a scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_LEAST_CONTRAST = 0.9
"""Natural log of the energy ratio by which new frames must differ more than repeats (2.5 times)."""
_STILL_GRAIN = 0.9
_STILL_MOVING = 1.5


@dataclass(frozen=True)
class Differences:
    """Of every row to the row before it, (n,) each; see ``pairs.PairLikeness``."""

    difference: Floats
    moving: Floats
    grain: Floats

    @classmethod
    def of(cls, measurements: Mapping[str, npt.NDArray[np.generic]]) -> Differences:
        return cls(*(measurements[name].astype(np.float64) for name in ("difference", "moving", "grain")))

    def rows(self, start: int, stop: int) -> Differences:
        return Differences(self.difference[start:stop], self.moving[start:stop], self.grain[start:stop])


def find_repeats(scene: Differences, reach: int, longest: int, sensitivity: float) -> Flags:
    """(n,) for the n rows of one scene; the first is never a repeat.

    ``reach`` rows on either side decide what is usual here. Runs of more than ``longest`` repeats are a held picture
    and need the grain itself to stand still.
    """
    count = len(scene.difference)
    found = np.zeros(count, dtype=bool)
    for row in range(1, count):
        start = max(1, row - reach)
        near = scene.rows(start, row + reach + 1)
        found[row] = _is_repeat(near, row - start, sensitivity)
    return _without_false_holds(found, scene.grain, longest)


def _is_repeat(near: Differences, row: int, sensitivity: float) -> bool:
    contrast = _LEAST_CONTRAST / sensitivity
    fine = np.log(near.difference + 0.05)
    rough = 2 * np.log(near.moving + 0.3)
    low_fine, low_rough = below_gap(fine, contrast), below_gap(rough, contrast)
    if low_rough is not None and not low_rough[row]:
        return False
    if low_fine is not None:
        return bool(low_fine[row]) and _grain_returns(near.grain, low_fine, row)
    still = near.grain[row] > _STILL_GRAIN
    return bool(still and (low_rough is not None or near.moving[row] < _STILL_MOVING))


def _grain_returns(grain: Floats, low: Flags, row: int) -> bool:
    """Less of the grain is new than in new frames of the neighbourhood."""
    return bool(1 - grain[row] <= 0.6 * (1 - np.median(grain[~low])))


def below_gap(values: Floats, contrast: float) -> Flags | None:
    """Which values belong to the lower of two populations; None where there is only one.

    Otsu's split (1979); two populations are means ``contrast`` apart and further than twice their own spreads.
    """
    order = np.sort(values)
    count = len(order)
    if count < 4:
        return None
    sizes = np.arange(1, count)
    sums = np.cumsum(order)
    low, high = sums[:-1] / sizes, (sums[-1] - sums[:-1]) / (count - sizes)
    split = int(np.argmax(sizes * (count - sizes) * (high - low) ** 2)) + 1
    spread = order[:split].std() + order[split:].std()
    apart = high[split - 1] - low[split - 1]
    if apart < contrast or apart < 2 * spread:
        return None
    return np.asarray(values < (order[split - 1] + order[split]) / 2)


def _without_false_holds(found: Flags, grain: Floats, longest: int) -> Flags:
    kept = found.copy()
    for start, stop in runs(found):
        if stop - start > longest:
            kept[start:stop] &= grain[start:stop] > _STILL_GRAIN
    return kept


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Half-open bounds of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
