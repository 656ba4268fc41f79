"""Runs the cadence stage over pictures and counts what it found against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from resilver_server.stages.cadence.run import Analyser, Cadence, solve_clock
from resilver_server.stages.cadence.spec import CadenceParameters

from .transfers import Bytes, analysis_frame, repeats_of

Measured = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Tally:
    """Repeats by frame: found and true, found and false, missed."""

    right: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.false)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)


def measured(pictures: Iterable[Bytes], parameters: CadenceParameters | None = None) -> Measured:
    """Every frame measured, stacked as the engine hands it to the solve."""
    analyser, rows, previous = Analyser(parameters or CadenceParameters()), [], None
    for index, picture in enumerate(pictures):
        frame = analysis_frame(index, picture)
        rows.append(analyser.measure(frame, previous))
        previous = frame
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def solved(
    rows: Measured, rate: Fraction | int, parameters: CadenceParameters | None = None, start: int = 0
) -> Cadence:
    return solve_clock(rows, start, Fraction(rate), parameters or CadenceParameters())


def repeats_found(cadence: Cadence) -> list[bool]:
    """By media frame counted from the first: whether the clock left it out."""
    kept = set(cadence.clock.frames)
    return [index not in kept for index in range(cadence.findings.frames)]


def tally(shown: list[int], cadence: Cadence) -> Tally:
    pairs = list(zip(repeats_of(shown), repeats_found(cadence), strict=True))
    return Tally(
        right=sum(true and found for true, found in pairs),
        false=sum(found and not true for true, found in pairs),
        missed=sum(true and not found for true, found in pairs),
    )
