"""Cadence: measures pairs of frames, and solves them into a clock of real frames at their true times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np
import numpy.typing as npt

from resilver_server.domain.clocks import Clock
from resilver_server.stages.contract import AnalysisFrame, Measurements

from .cuts import THUMBNAIL, content_change, find_cuts, standard_picture, thumbnail
from .pairs import analysis_picture, compare
from .repeats import Differences, find_repeats
from .spec import CadenceParameters, cut_numbers
from .times import Entry, true_times

SUPPORT = 2
"""Seconds either side that decide about a frame."""
SLOWEST = 6
"""Real frames a second below which a picture counts as held, not as filmed slowly."""


@dataclass(frozen=True)
class CadenceFindings:
    """Facts for people."""

    frames: int
    """Media frames looked at."""
    repeats: int
    """Frames that show the picture before them again."""
    cuts: tuple[int, ...]
    """Media frames that begin a scene."""
    rates: tuple[tuple[Fraction, int], ...]
    """Underlying rates in frames a second, with the number of real frames at each, most first. Frames without a
    steady rate are not counted."""


@dataclass(frozen=True)
class Cadence:
    """What ``solve_clock`` found. Both clocks have the same frames and walls."""

    clock: Clock
    """Real frames at their true times: for recipes that compute frames at new times."""
    shown: Clock
    """Real frames at the times they were shown: holding each until the next gives back the original pattern."""
    findings: CadenceFindings


class Analyser:
    """Measures a frame against the one before."""

    def __init__(self, parameters: CadenceParameters) -> None:
        self._repeats = parameters.repeats == "auto"
        self._cuts = parameters.cuts == "auto"

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[np.generic]]:
        """``change`` (0..255), ``thumb`` (18, 24), and ``difference``, ``moving``, ``grain``, ``shift`` as
        ``pairs.PairLikeness`` has them; zeros (grain too) where there is no frame before or nobody asked."""
        measured = _nothing()
        if self._cuts:
            standard = standard_picture(frame.rgb)
            measured["thumb"] = thumbnail(standard)
            if previous is not None:
                measured["change"] = np.asarray(
                    content_change(standard_picture(previous.rgb), standard), dtype=np.float32
                )
        if self._repeats and previous is not None:
            likeness = compare(analysis_picture(previous.luma), analysis_picture(frame.luma))
            for name in ("difference", "moving", "grain", "shift"):
                measured[name] = np.asarray(getattr(likeness, name), dtype=np.float32)
        return measured


def _nothing() -> dict[str, npt.NDArray[np.generic]]:
    numbers = {name: np.zeros((), np.float32) for name in ("change", "difference", "moving", "grain")}
    return {**numbers, "shift": np.zeros(2, np.float32), "thumb": np.zeros(THUMBNAIL, np.uint8)}


def solve_clock(measurements: Measurements, start: int, rate: Fraction, parameters: CadenceParameters) -> Cadence:
    """The clocks of the media frames ``start`` and after; row r of the measurements is media frame ``start + r``.

    Raises InvalidRecipe for a cut list that cannot be read.
    """
    rows = len(measurements["change"])
    cuts = _cuts(measurements, start, rate, parameters)
    repeated = np.zeros(rows, dtype=bool)
    bounds = [0, *cuts, rows]
    scenes = [(a, b) for a, b in pairwise(bounds) if a < b]
    if parameters.repeats == "auto":
        differences = Differences.of(measurements)
        reach, longest = ceil(SUPPORT * rate), _longest(rate)
        for a, b in scenes:
            repeated[a:b] = find_repeats(differences.rows(a, b), reach, longest, parameters.repeat_sensitivity)
    return _assemble(repeated, scenes, start, rate)


def _longest(rate: Fraction) -> int:
    """Repeats in a row up to which frames were filmed slowly rather than held."""
    return ceil(rate / SLOWEST) - 1


def _cuts(measurements: Measurements, start: int, rate: Fraction, parameters: CadenceParameters) -> list[int]:
    rows = len(measurements["change"])
    found = {number - start for number in cut_numbers(parameters) if 0 < number - start < rows}
    if parameters.cuts == "auto":
        change = measurements["change"].astype(np.float32)
        thumbs = measurements["thumb"].astype(np.uint8)
        found.update(find_cuts(change, thumbs, parameters.cut_threshold, ceil(rate / 2)))
    return sorted(found)


def _assemble(
    repeated: npt.NDArray[np.bool_], scenes: Sequence[tuple[int, int]], start: int, rate: Fraction
) -> Cadence:
    entries: list[Entry] = []
    times: list[Fraction] = []
    walls: list[int] = []
    steps: dict[Fraction, int] = {}
    for a, b in scenes:
        scene = scene_entries(repeated, a, b, _longest(rate))
        if entries:
            walls.append(len(entries))
        for time, step in true_times(scene, ceil(SUPPORT * rate), at_wall=bool(entries)):
            times.append((start + time) / rate)
            if step is not None:
                steps[step] = steps.get(step, 0) + 1
        entries.extend(scene)
    frames = tuple(start + entry.row for entry in entries)
    shown = tuple(Fraction(frame) / rate for frame in frames)
    return Cadence(
        clock=Clock(frames, tuple(times), tuple(walls)),
        shown=Clock(frames, shown, tuple(walls)),
        findings=CadenceFindings(
            frames=len(repeated),
            repeats=int(repeated.sum()),
            cuts=tuple(start + a for a, _ in scenes[1:]),
            rates=_rates(steps, rate),
        ),
    )


def _rates(steps: Mapping[Fraction, int], rate: Fraction) -> tuple[tuple[Fraction, int], ...]:
    """Steps within 2 % of one another are one rate, named by the simplest of them; most frames first."""
    groups: dict[Fraction, int] = {}
    for step in sorted(steps, key=lambda step: step.denominator):
        near = next((known for known in groups if abs(known - step) <= known / 50), step)
        groups[near] = groups.get(near, 0) + steps[step]
    return tuple((rate / step, groups[step]) for step in sorted(groups, key=lambda step: -groups[step]))


def scene_entries(repeated: npt.NDArray[np.bool_], start: int, stop: int, longest: int) -> list[Entry]:
    """The rows kept of one scene. Of a picture held for long its first and its last row are kept, so that a movement
    that follows begins when it did and not seconds early."""
    firsts = [row for row in range(start, stop) if row == start or not repeated[row]]
    entries: list[Entry] = []
    for row, after in zip(firsts, [*firsts[1:], stop], strict=True):
        if after - row - 1 > longest:
            entries += [Entry(row, after - row - 1, held=True), Entry(after - 1, 1, held=True)]
        else:
            entries.append(Entry(row, after - row))
    return entries
