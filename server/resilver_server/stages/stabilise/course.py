"""The camera's own course in the places of a picture that weaves: passages are looked for by evidence.

From a rest on, the passage (or the two, for what goes and stops again) that explains most is added, moved and stretched
to where it explains most, and segments are told rests from pans, until nothing more pays for itself. The weave is then
learned anew from what the course leaves (restricted likelihood: Patterson and Thompson, Biometrika 58(3), 1971), and
the search begins again. What is returned is the mean over the places and durations that each passage may have as
well, weighed by evidence (Hoeting et al., "Bayesian Model Averaging", Statistical Science 14(4), 1999).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import corners as model
from .corners import ALONG, FREE, NEVER, REST, Corners, Sums
from .weave import Seen, Weave, fresh_of, memories

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

_MOST = 20
"""Passages in a stretch."""
_BEGIN = 0.2
"""Seconds that a passage is taken to last when it is first looked for."""
_LONGEST = 1.5
_SHIFTS = (-4.0, -2.0, -1.0, -0.5, -0.25, -0.1, 0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Frames at 24 a second by which passages are tried elsewhere."""
_STRETCHES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0)
_ROUGHLY = (-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0), (0.5, 1.0, 2.0)
"""The same while passages are still being added."""
_LEAST_SPEED = 1.0
"""Pixels a frame: the deviation of velocities, where nothing ever moves faster."""
_MORE = 2.0
"""How many times the variance that neighbouring frames show the weave may have: a swinging camera is none."""
_SETTLING = 4
_LEAST_WEAVE = 1e-9


@dataclass(frozen=True)
class _Search:
    seen: Seen
    speed: Array
    """(n, k) deviation of velocities, pixels a usual frame time."""
    rate: float

    def part(self, which: Rows) -> _Search:
        return _Search(self.seen.part(which), self.speed[which], self.rate)

    def score(self, found: Corners) -> Array:
        """(n,) log of the posterior."""
        evidence, _ = Sums.of(self.seen, found).evidence(model.mixing(found.kind), self.speed)
        return np.asarray(evidence.sum(axis=1) + model.prior(found, self.rate), np.float64)

    def course(self, found: Corners) -> Array:
        _, amounts = Sums.of(self.seen, found).evidence(model.mixing(found.kind), self.speed)
        return model.course(self.seen, found, amounts)


def smooth(seen: Seen, near: Array, rate: float) -> Array:
    """(n, k, width) the courses a camera would take. ``near`` (n, k): roughness over one frame, above 0; ``rate``:
    frames a second."""
    search = _Search(seen, _speed(seen, rate), rate)
    slowest = np.full(near.shape, memories()[-1])
    wary = _Search(seen.through(Weave(slowest, fresh_of(near, slowest))), search.speed, rate)
    search = _Search(seen.through(_learned(search, _passages(wary), near)), search.speed, rate)
    found = _passages(search)
    for _ in range(_SETTLING):
        found = _labelled(search, _settled(search, found, _SHIFTS, _STRETCHES))
    return _mean(search, found)


def _speed(seen: Seen, rate: float) -> Array:
    """(n, k) the farthest that any of the courses gets in a second, per frame."""
    lag = max(1, min(round(rate), seen.place.shape[2] // 2))
    far = np.abs(seen.place[..., lag:] - seen.place[..., :-lag]) * seen.known[:, None, lag:]
    most = far.max(axis=(1, 2), initial=0.0) / lag
    return np.repeat(np.maximum(most, _LEAST_SPEED)[:, None], seen.place.shape[1], axis=1)


def _passages(search: _Search) -> Corners:
    count, courses = search.seen.place.shape[:2]
    found = Corners.none(count, courses, 2)
    score = search.score(found)
    active = np.arange(count)
    while len(active):
        found = found.roomy(2)
        part = search.part(active)
        trial = _labelled(part, _added(part, found.part(active)))
        trial = _labelled(part, _settled(part, trial, *_ROUGHLY))
        value = part.score(trial)
        better = (value > score[active] + 1e-6) & (trial.there.sum(axis=1) <= _MOST)
        active = active[better]
        found.put(active, trial.part(np.flatnonzero(better)))
        score[active] = value[better]
    return found


# Adding passages


@dataclass(frozen=True)
class _Candidates:
    """Passages that might begin, c of them the same for all stretches; what they add to a model."""

    start: Array
    """(n, c)."""
    lasting: float
    segment: Numbers
    """(n, c) in which they lie."""
    allowed: npt.NDArray[np.bool_]
    products: Array
    """(n, k, c, c) of their ramps with each other, as far as the model does not explain them."""
    cross: Array
    """(n, k, c, m + 2) the same with the model's ramps, and with nothing."""
    gram: Array
    """(n, k, m + 2, m + 2) of these."""
    match: Array
    """(n, k, c) with what of the places the model leaves."""
    matched: Array
    """(n, k, m + 2)."""

    @staticmethod
    def of(search: _Search, found: Corners) -> _Candidates:
        seen, rate = search.seen, search.rate
        width, lasting = seen.delay.shape[1], _BEGIN * rate
        middle = np.arange(2.0, max(width - 2.0, 3.0), max(1, round(rate / 12)))
        start = np.broadcast_to(middle - lasting / 2, (len(seen.delay), len(middle)))
        segment = (found.start[:, None] < middle[None, :, None]).sum(axis=-1)
        after = np.take_along_axis(np.pad(found.stop, ((0, 0), (1, 0)), constant_values=-NEVER), segment, 1)
        before = np.take_along_axis(np.pad(found.start, ((0, 0), (0, 1)), constant_values=NEVER), segment, 1)
        allowed = (start > after) & (start + lasting < before) & (middle < seen.last[:, None] - 1)
        view = seen.seen(found.ramps(seen.delay))
        new = seen.seen(model.ramps(seen.delay, start, start + lasting))
        both = np.concatenate([new, view], axis=2)
        columns = model.mixing(found.kind).swapaxes(-1, -2) @ view
        power = search.speed[..., None, None] ** 2
        inverse = np.linalg.inv(np.eye(columns.shape[2]) + power * (columns @ columns.swapaxes(-1, -2))) * power
        shared = both @ columns.swapaxes(-1, -2)
        products = both @ both.swapaxes(-1, -2) - shared @ inverse @ shared.swapaxes(-1, -2)
        match = (both @ seen.value[..., None] - shared @ inverse @ (columns @ seen.value[..., None]))[..., 0]
        c, none = len(middle), ((0, 0), (0, 0), (0, 1))
        gram = np.pad(products[:, :, c:, c:], (*none, (0, 1)))
        cross = np.pad(products[:, :, :c, c:], ((0, 0), *none))
        matched = np.pad(match[..., c:], none)
        return _Candidates(
            start, lasting, segment, allowed, products[:, :, :c, :c], cross, gram, match[..., :c], matched
        )

    def until(self, ramp: Numbers, speed: Array) -> Array:
        """(n, k, c) log evidence of a velocity between each candidate and ramp (n, c) of the model."""
        at = np.broadcast_to(ramp[:, None], self.match.shape)
        own = np.diagonal(self.products, axis1=-2, axis2=-1)
        other = np.take_along_axis(np.diagonal(self.gram, axis1=-2, axis2=-1), at, 2)
        power = own + other - 2 * np.take_along_axis(self.cross, at[..., None], 3)[..., 0]
        return _gain(self.match - np.take_along_axis(self.matched, at, 2), power, speed[..., None])

    def between(self, speed: Array) -> Array:
        """(n, k, c, c) the same between one candidate and another."""
        own = np.diagonal(self.products, axis1=-2, axis2=-1)
        power = own[..., :, None] + own[..., None, :] - 2 * self.products
        return _gain(self.match[..., :, None] - self.match[..., None, :], power, speed[..., None, None])


def _gain(match: Array, power: Array, speed: Array) -> Array:
    more = 1 + speed**2 * np.maximum(power, 0)
    return np.asarray((speed**2 * match**2 / more - np.log(more)) / 2, np.float64)


def _added(search: _Search, found: Corners) -> Corners:
    """One passage more, or two: those that promise most."""
    new = _Candidates.of(search, found)
    rows, price, odds = np.arange(len(new.start)), model.price(search.rate), np.log(2)
    until = [new.until(new.segment + side, search.speed) - odds for side in (0, 1)]
    alone = np.where(new.allowed, np.maximum(np.maximum(*until), 0).sum(axis=1) - price, -np.inf)
    pairs = new.between(search.speed) - 2 * odds
    far = new.start[:, None, :] - new.start[:, :, None] > new.lasting
    fit = far & (new.segment[:, None] == new.segment[:, :, None]) & new.allowed[:, None] & new.allowed[:, :, None]
    two = np.where(fit, np.maximum(pairs, 0).sum(axis=1) - 2 * price, -np.inf).reshape(len(rows), -1)
    best, pair = alone.argmax(axis=1), two.argmax(axis=1)
    earlier, later = (each[rows, :, best] for each in until)
    before = (earlier > later) & (earlier > 0)
    single = _inserted(found, new, best, before, (later >= earlier) & (later > 0))
    count = new.start.shape[1]
    moving = pairs.reshape(*pairs.shape[:2], -1)[rows, :, pair] > 0
    double = _inserted(found, new, pair % count, np.zeros_like(moving), np.zeros_like(moving), back=moving)
    double = _inserted(double, new, pair // count, np.zeros_like(moving), moving)
    chosen = np.where(two[rows, pair] > alone[rows, best])[0]
    single.put(chosen, double.part(chosen))
    none = np.flatnonzero(~new.allowed.any(axis=1))
    single.put(none, found.part(none))
    return single


def _inserted(
    found: Corners,
    new: _Candidates,
    which: Rows,
    before: npt.NDArray[np.bool_],
    after: npt.NDArray[np.bool_],
    back: npt.NDArray[np.bool_] | None = None,
) -> Corners:
    """With candidates ``which`` (n,): the velocity is free ``before`` (n, k) them, or ``after``; with ``back`` it is
    after them what the segment had."""
    rows, most = np.arange(len(which)), found.start.shape[1]
    start = new.start[rows, which]
    own = (found.start < start[:, None]).sum(axis=1)
    source = np.arange(most) - (np.arange(most) > own[:, None])
    here = np.arange(most) == own[:, None]
    starts = np.where(here, start[:, None], np.take_along_axis(found.start, source, 1))
    stops = np.where(here, start[:, None] + new.lasting, np.take_along_axis(found.stop, source, 1))
    source = np.arange(most + 1) - (np.arange(most + 1) > own[:, None])
    kind = np.take_along_axis(found.kind, np.broadcast_to(source[:, None], found.kind.shape), 2)
    old = found.kind[rows, :, own]
    again = np.where(old == ALONG, FREE, old)
    kind[rows, :, own] = np.where(before, FREE, old)
    kept = before if back is None else before | back
    kind[rows, :, own + 1] = np.where(after, FREE, np.where(kept, again, ALONG))
    return Corners(starts, stops, kind)


# Bettering what there is


def _labelled(search: _Search, found: Corners) -> Corners:
    """Segment by segment the kind that fits best; passages at which nothing changes go."""
    sums, kind, odds = Sums.of(search.seen, found), found.kind.copy(), model.kind_prior()
    there = np.pad(found.there, ((0, 0), (1, 0)), constant_values=True)
    for j in np.flatnonzero(there.any(axis=0)):
        values = np.full((len(odds), *kind.shape[:2]), -np.inf)
        for each in (REST, ALONG, FREE) if j else (REST, FREE):
            trial = kind.copy()
            trial[..., j] = each
            values[each] = sums.evidence(model.mixing(trial), search.speed)[0] + odds[each]
        best = values.argmax(axis=0)
        if j:
            gone = (values[ALONG] - odds[ALONG]).sum(axis=1) + model.price(search.rate)
            best = np.where((gone > values.max(axis=0).sum(axis=1))[:, None], ALONG, best)
        kind[..., j] = np.where(there[:, None, j], best, ALONG)
    return _without_idle(Corners(found.start, found.stop, kind))


def _without_idle(found: Corners) -> Corners:
    stays = found.there & (found.kind[..., 1:] != ALONG).any(axis=1)
    start, stop = np.where(stays, found.start, NEVER), np.where(stays, found.stop, NEVER + 1)
    order = np.argsort(start, axis=1, kind="stable")
    kinds = np.broadcast_to(np.pad(order + 1, ((0, 0), (1, 0)))[:, None], found.kind.shape)
    return Corners(
        np.take_along_axis(start, order, 1),
        np.take_along_axis(stop, order, 1),
        np.take_along_axis(found.kind, kinds, 2),
    )


@dataclass(frozen=True)
class _Elsewhere:
    """Where one passage of each stretch might lie as well, g places and durations; (n, g) each."""

    start: Array
    stop: Array
    log: Array
    """Of the posterior but for what all have in common; -inf where it cannot be."""
    amounts: Array
    """(n, k, g, m + 1) of ramps."""

    @staticmethod
    def of(
        search: _Search, found: Corners, which: int, shifts: tuple[float, ...], stretches: tuple[float, ...]
    ) -> _Elsewhere:
        rate = search.rate
        middle = (found.start[:, which] + found.stop[:, which])[:, None] / 2
        lasting = (found.stop[:, which] - found.start[:, which])[:, None] * np.tile(stretches, len(shifts))
        middle = middle + np.repeat(shifts, len(stretches)) * rate / 24
        start, stop = middle - lasting / 2, middle + lasting / 2
        after = found.stop[:, which - 1, None] if which else -NEVER
        before = found.start[:, which + 1, None] if which + 1 < found.start.shape[1] else NEVER
        fit = (start >= after) & (stop <= before) & (lasting >= 0.999) & (lasting <= _LONGEST * rate)
        fit &= (middle > 0) & (middle < search.seen.last[:, None])
        sums = model.replaced(search.seen, found, which, start, stop)
        mix = model.mixing(found.kind)[:, :, None]
        value, amounts = sums.evidence(mix, search.speed[..., None])
        return _Elsewhere(start, stop, np.where(fit, value.sum(axis=1), -np.inf), amounts)


def _settled(search: _Search, found: Corners, shifts: tuple[float, ...], stretches: tuple[float, ...]) -> Corners:
    """Passage by passage moved and stretched to where it explains most."""
    start, stop = found.start.copy(), found.stop.copy()
    for which in np.flatnonzero(found.there.any(axis=0)):
        rows = np.flatnonzero(found.there[:, which])
        now = Corners(start[rows], stop[rows], found.kind[rows])
        tried = _Elsewhere.of(search.part(rows), now, int(which), shifts, stretches)
        best = tried.log.argmax(axis=1)
        own = np.arange(len(rows))
        fits = np.isfinite(tried.log[own, best])
        start[rows, which] = np.where(fits, tried.start[own, best], start[rows, which])
        stop[rows, which] = np.where(fits, tried.stop[own, best], stop[rows, which])
    return Corners(start, stop, found.kind)


def _mean(search: _Search, found: Corners) -> Array:
    """(n, k, width) the course, moved by where each passage may lie as well, and how long it may last."""
    base = search.course(found)
    mean = base.copy()
    size = np.outer(np.gradient(_SHIFTS), np.gradient(np.log(_STRETCHES))).ravel()
    for which in np.flatnonzero(found.there.any(axis=0)):
        rows = np.flatnonzero(found.there[:, which])
        part, own = search.part(rows), found.part(rows)
        tried = _Elsewhere.of(part, own, int(which), _SHIFTS, _STRETCHES)
        weight = np.exp(tried.log - np.maximum(tried.log.max(axis=1, keepdims=True), -NEVER)) * size
        total = weight.sum(axis=1)[:, None]
        weight = weight / np.where(total > 0, total, 1.0)
        shared = np.delete(tried.amounts * weight[:, None, :, None], which + 1, axis=3).sum(axis=2)
        others = shared @ np.delete(own.ramps(part.seen.delay), which + 1, axis=1)
        ramps = model.ramps(part.seen.delay, tried.start, tried.stop)
        whole = others + (tried.amounts[..., which + 1] * weight[:, None]) @ ramps
        whole += part.seen.level(whole)[..., None]
        mean[rows] += np.where(total[..., None] > 0, whole - base[rows], 0.0)
    return mean


def _learned(search: _Search, found: Corners, near: Array) -> Weave:
    """Memory and size of the weave by what the course leaves of the places."""
    best = np.full(near.shape, -np.inf)
    memory, fresh = search.seen.weave.memory.copy(), search.seen.weave.fresh.copy()
    mix = model.mixing(found.kind)
    free = mix.any(axis=-2)
    count = search.seen.known.sum(axis=1)[:, None] - 1 - free.sum(axis=-1)
    for value in memories():
        seen = search.seen.through(Weave(np.full(near.shape, value), np.ones(near.shape)))
        sums = Sums.of(seen, found)
        gram = mix.swapaxes(-1, -2) @ sums.gram @ mix
        gram = gram + np.where(free, _LEAST_WEAVE, 1.0)[..., None] * np.eye(free.shape[-1])
        match = mix.swapaxes(-1, -2) @ sums.match[..., None]
        left = (seen.value**2).sum(axis=-1) - (match * np.linalg.solve(gram, match))[..., 0].sum(axis=-1)
        variance = np.maximum(left, _LEAST_WEAVE) / np.maximum(count, 1)
        log = seen.scale - np.log(seen.size) - (np.linalg.slogdet(gram)[1] + count * np.log(variance)) / 2
        better = (log > best) & (count > 1)
        best, memory = np.where(better, log, best), np.where(better, value, memory)
        fresh = np.where(better, variance, fresh)
    usual = fresh_of(near, memory)
    return Weave(memory, np.clip(fresh, usual / _MORE, usual * _MORE))
