"""Which lines are scratches: those that do not go along with the scene.

After Newson, Almansa, Gousseau and Perez, "Temporal Filtering of Line Scratch Detections in Degraded Films", ICIP
2013: not the scratches' own motion is modelled (they wander as they like), but the scene's; lines that follow it belong
to it. Here lines are linked from entry to entry, and the path of each relative to the scene beside it is looked at in a
window of its own: what keeps its place in the scene is left alone, and so is what cannot be told, since neither moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import line_scene
from .line_search import filled

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_AWAY = 0.25
"""Pixels r.m.s. that a line must leave its place in the scene. Uprights of real scenes leave it by 0.2 as measured."""
_DOUBT = 0.4
"""Share of the scene's own motion that flow may miss, r.m.s., where the line makes that motion too."""
_JERK = 0.7
"""Pixels from entry to entry on average; tracks that hop from one thing to another go farther."""
_HOP = 1.0
"""Pixels from one entry to the next that count at most against a line's place in the scene: where tracks hop, or flow
errs for once, they hop farther; scratches leave step by step."""
_BIAS = 0.15, 0.35
"""Pixels an entry, and share of the scene's mean step, by which flow may lag behind all along: it is drawn to rest."""
_LASTS, _TIMES = 0.4, 5
"""Seconds and entries that a scratch is seen at least."""
_DENSE = 0.5
"""Share of the entries between its first and last in which it is seen."""
_COVERS, _SPANS = 0.25, 0.65
"""Share of the frame's height that is seen on average, and of bands seen at all: film runs past what scratches it, so
only things of the scene keep to one part of the height."""
_OFTEN = 0.12
"""Share of a track's entries in which a band must have been seen for it to be taken for there where it was not."""


@dataclass(frozen=True)
class Lines:
    """Lines of all entries."""

    x: Floats
    """(entries, lines, bands) pixels, -1 where not seen."""
    width: Floats
    """(entries, lines) pixels; 0 where there is no line."""
    sign: Floats
    """(entries, lines)."""
    scene: Doubles
    """(entries, rows, columns) pixels that the parts of the scene moved since the entry before."""
    whole: Doubles
    """(entries, 4) the same of most of the scene, as ``line_scene.motion`` tells it."""
    columns: float
    """Width of the frame in pixels."""

    @property
    def there(self) -> Flags:
        return np.asarray(self.width > 0)


@dataclass(frozen=True)
class Links:
    """Flat numbers (entry * lines + line); -1 where nothing is linked."""

    before: Numbers
    after: Numbers


def link(lines: Lines, walls: tuple[int, ...], gap: int, reach: float) -> Links:
    """Each line with the nearest of its kind in the entry before that takes it for the nearest in turn, at most
    ``reach`` pixels away (times the root of the entries between); where there is none, up to ``gap`` entries before."""
    entries, most = lines.width.shape
    before = np.full(entries * most, -1, np.int64)
    after = np.full(entries * most, -1, np.int64)
    piece = np.zeros(entries, np.int64)
    piece[list(walls)] = 1
    piece = np.cumsum(piece)
    for step in range(1, gap + 1):
        for entry in range(step, entries):
            if piece[entry] != piece[entry - step]:
                continue
            here, there = (np.arange(most) + k * most for k in (entry, entry - step))
            free = (before[here] < 0) & lines.there[entry], (after[there] < 0) & lines.there[entry - step]
            for mine, other in _pairs(lines, entry, entry - step, free, reach * step**0.5):
                before[here[mine]], after[there[other]] = there[other], here[mine]
    return Links(before, after)


def _pairs(lines: Lines, entry: int, earlier: int, free: tuple[Flags, Flags], reach: float) -> list[tuple[int, int]]:
    """Lines of two entries that are each other's nearest."""
    mine, others = np.flatnonzero(free[0]), np.flatnonzero(free[1])
    if len(mine) == 0 or len(others) == 0:
        return []
    apart = np.abs(offset(lines.x[entry, mine][:, None], lines.x[earlier, others][None]))
    width = lines.width[entry, mine][:, None], lines.width[earlier, others][None]
    alike = lines.sign[entry, mine][:, None] == lines.sign[earlier, others][None]
    alike &= np.maximum(*width) <= 3.1 * np.minimum(*width)
    cost = np.where(alike & (apart <= reach), apart, np.inf)
    first, second = cost.argmin(axis=1), cost.argmin(axis=0)
    return [
        (int(mine[k]), int(others[first[k]]))
        for k in range(len(mine))
        if np.isfinite(cost[k, first[k]]) and second[first[k]] == k
    ]


def offset(x: Floats, other: Floats) -> Floats:
    """How far lines lie to the right of others, pixels: the mean over bands where both were seen, else over all."""
    both = (x >= 0) & (other >= 0)
    full, full_other = filled(x), filled(other)
    counted = np.where(both.any(axis=-1, keepdims=True), both, True)
    return np.asarray(((full - full_other) * counted).sum(axis=-1) / counted.sum(axis=-1), np.float32)


@dataclass(frozen=True)
class Evidence:
    """(entries, lines) each, of what each line's track shows in the window around its entry."""

    count: Doubles
    """Entries in which it was seen."""
    duration: Doubles
    """Seconds from first to last."""
    own: Doubles
    """Pixels r.m.s. by which it moved on the screen."""
    away: Doubles
    """(entries, lines, 3) pixels r.m.s. by which it left its place in the scene beside it, in most of the scene as it
    zooms and turns, and in most of the scene as it goes sideways; apart from a drift that is flow's own."""
    scene: Doubles
    """(entries, lines, 3) pixels r.m.s. by which these moved."""
    jerk: Doubles
    """Pixels by which it moves from entry to entry on average, on the screen or in the scene if that is less."""
    seen: Doubles
    """(entries, lines, bands) share of those entries in which each band was seen."""


def is_scratch(evidence: Evidence, rate: float) -> Flags:
    """(entries, lines)."""
    allowed = _AWAY + _DOUBT * np.minimum(evidence.own[..., None], evidence.scene)
    found = (evidence.away > allowed).all(axis=-1)
    found &= evidence.jerk < _JERK
    found &= (evidence.duration >= _LASTS) & (evidence.count >= _TIMES)
    found &= evidence.count >= _DENSE * (evidence.duration * rate + 1)
    found &= (evidence.seen.mean(axis=-1) >= _COVERS) & ((evidence.seen > 0).mean(axis=-1) >= _SPANS)
    return np.asarray(found)


def places(lines: Lines, links: Links, found: Flags, evidence: Evidence) -> tuple[Floats, Floats, Floats]:
    """x (entries, lines, bands) pixels, -1 where there is none, width and sign (entries, lines) of the scratches: as
    seen, in the bands where the track often is and between these, and in the entries that it jumps over."""
    often = (evidence.seen >= _OFTEN) | (lines.x >= 0)
    above, below = (np.maximum.accumulate(side, axis=-1) for side in (often, often[..., ::-1]))
    x = np.where(above & below[..., ::-1] & found[..., None], filled(lines.x), -1).astype(np.float32)
    width = np.where(found, lines.width, 0).astype(np.float32)
    most = x.shape[1]
    for here in np.flatnonzero(found.ravel() & (links.before >= 0)):
        earlier = links.before[here]
        if not found.ravel()[earlier]:
            continue
        (entry, line), (first, other) = divmod(int(here), most), divmod(int(earlier), most)
        for between in range(first + 1, entry):
            free = np.flatnonzero(width[between] == 0)
            if len(free):
                share = (between - first) / (entry - first)
                both = (x[entry, line] >= 0) & (x[first, other] >= 0)
                x[between, free[0]] = np.where(both, share * x[entry, line] + (1 - share) * x[first, other], -1)
                width[between, free[0]] = max(lines.width[entry, line], lines.width[first, other])
                lines.sign[between, free[0]] = lines.sign[entry, line]
    return x, width, lines.sign


def gather(lines: Lines, links: Links, times: Doubles, support: float) -> Evidence:
    """Follow every line along its links, at most ``support`` seconds to either side."""
    entries, most, bands = lines.x.shape
    steps = _steps(lines, links)
    start = np.flatnonzero(lines.there.ravel())
    sums = _Sums(entries * most, bands)
    still = np.zeros((len(start), steps.shape[1]))
    sums.add(start, still, still, lines, times, start)
    for following, turn in ((links.before, -1.0), (links.after, 1.0)):
        ids, here, path = start, start, still
        while len(ids):
            there = following[here]
            near = (there >= 0) & (np.abs(times[there // most] - times[ids // most]) <= support)
            ids, here, there, path = ids[near], here[near], there[near], path[near]
            step = steps[there if turn > 0 else here]
            path, here = path + turn * step, there
            sums.add(ids, path, step, lines, times, here)
    return sums.evidence((entries, most))


def _steps(lines: Lines, links: Links) -> Doubles:
    """(entries * lines, 7) since the entry that a line is linked to: how far it went, how far beyond the scene beside
    it and beyond most of the scene as it zooms and as it goes sideways, and how far these three went."""
    entries, most, bands = lines.x.shape
    flat = lines.x.reshape(-1, bands)
    linked = np.flatnonzero(links.before >= 0)
    earlier = links.before[linked]
    own = offset(flat[linked], flat[earlier])
    scene = np.zeros((3, len(linked)))
    for back in range(int((linked // most - earlier // most).max(initial=0))):
        at = linked // most - back
        counted = at > earlier // most
        moved = _beside(lines, at, flat[linked]), _under(lines, at, flat[linked]), lines.whole[at, 3]
        scene += np.where(counted, np.stack(moved), 0)
    steps = np.zeros((entries * most, 7))
    steps[linked] = np.stack([own, *np.clip(own - scene, -_HOP, _HOP), *scene], axis=1)
    return steps


def _beside(lines: Lines, entry: Numbers, x: Floats) -> Doubles:
    """(n,) how far the scene moved at ``entry`` (n,) beside lines that lie at ``x`` (n, bands)."""
    rows, columns = lines.scene.shape[1:]
    part = np.clip((np.maximum(x, 0) + 0.5) / lines.columns * columns - 0.5, 0, columns - 1)
    left = np.minimum(part.astype(np.int64), columns - 2)
    share = part - left
    row = np.arange(x.shape[-1]) * rows // x.shape[-1]
    near, far = lines.scene[entry[:, None], row, left], lines.scene[entry[:, None], row, left + 1]
    seen = x >= 0
    total = ((near * (1 - share) + far * share) * seen).sum(axis=-1)
    return np.asarray(total / np.maximum(seen.sum(axis=-1), 1), np.float64)


def _under(lines: Lines, entry: Numbers, x: Floats) -> Doubles:
    """(n,) the same of most of the scene, taken on at the lines' places."""
    seen = x >= 0
    count = np.maximum(seen.sum(axis=-1), 1)
    u = (x * seen).sum(axis=-1) / count / lines.columns - 0.5
    v = ((np.arange(x.shape[-1]) + 0.5) * seen).sum(axis=-1) / count / x.shape[-1] - 0.5
    return np.asarray(line_scene.plane_at(lines.whole[entry], u, v), np.float64)


class _Sums:
    """Sums over tracks, by the line that they are followed from."""

    def __init__(self, count: int, bands: int) -> None:
        self._count = np.zeros(count)
        self._path, self._path2, self._steps = (np.zeros((count, 7)) for _ in range(3))
        self._place, self._place2 = np.zeros(count), np.zeros(count)
        self._leaning = np.zeros((count, 7))
        self._first, self._last = np.full(count, np.inf), np.full(count, -np.inf)
        self._seen = np.zeros((count, bands))

    def add(self, ids: Numbers, path: Doubles, step: Doubles, lines: Lines, times: Doubles, at: Numbers) -> None:
        """What is seen at the lines ``at`` on the tracks of the lines ``ids``."""
        most, bands = lines.x.shape[1:]
        self._count[ids] += 1
        self._path[ids] += path
        self._path2[ids] += path**2
        self._steps[ids] += np.abs(step)
        place = (at // most - ids // most).astype(np.float64)
        self._place[ids] += place
        self._place2[ids] += place**2
        self._leaning[ids] += path * place[:, None]
        self._first[ids] = np.minimum(self._first[ids], times[at // most])
        self._last[ids] = np.maximum(self._last[ids], times[at // most])
        self._seen[ids] += lines.x.reshape(-1, bands)[at] >= 0

    def evidence(self, shape: tuple[int, int]) -> Evidence:
        count = np.maximum(self._count, 1)[:, None]
        variance = np.maximum(self._path2 / count - (self._path / count) ** 2, 0)
        spread, step = np.sqrt(variance), self._steps / np.maximum(count - 1, 1)
        away = self._steady(variance[:, 1:4], np.minimum(_BIAS[0], _BIAS[1] * step[:, 4:7]), count)
        return Evidence(
            count=self._count.reshape(shape),
            duration=np.where(self._count > 0, self._last - self._first, 0).reshape(shape),
            own=spread[:, 0].reshape(shape),
            away=away.reshape(*shape, 3),
            scene=spread[:, 4:7].reshape(*shape, 3),
            jerk=step[:, :4].min(axis=1).reshape(shape),
            seen=(self._seen / count).reshape(*shape, -1),
        )

    def _steady(self, variance: Doubles, bias: Doubles, count: Doubles) -> Doubles:
        """(n, 3) r.m.s. of paths beyond the scene, once a steady drift of at most ``bias`` an entry is taken out."""
        middle = self._place[:, None] / count
        extent = np.maximum(self._place2[:, None] / count - middle**2, 1e-9)
        together = self._leaning[:, 1:4] / count - middle * self._path[:, 1:4] / count
        drift = np.clip(together / extent, -bias, bias)
        return np.asarray(np.sqrt(np.maximum(variance - 2 * drift * together + drift**2 * extent, 0)), np.float64)
