"""A shot's stages as layers that pull frames from each other, each remembering just as many as it needs again."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Protocol

import torch

from resilver_client.errors import InternalError
from resilver_server.domain.spans import Span
from resilver_server.planning.demand import Sample
from resilver_server.stages.contract import Interpolator, KeyFrame, Made, Session, State, Window

from .mattes import Weight
from .traces import Trace, Tracer

_EMPHASIS = 4
WAITING = "waiting"
"""What a stopwatch calls the seconds in which no stage worked, since the decoder was behind."""


class Layer(Protocol):
    def get(self, index: int) -> torch.Tensor:
        """Frame ``index`` of this layer's domain, (3, height, width)."""

    def trace(self, index: int) -> Trace | None:
        """What was changed in frame ``index``, which was got just before; None where nothing was, or nobody asks."""


class Stopwatch:
    """Seconds by name; a layer's own time, without that of the layers it pulls from."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running: list[list[float]] = []

    def measure(self, name: str, work: Callable[[], torch.Tensor]) -> torch.Tensor:
        self._running.append([0.0])
        began = time.perf_counter()
        try:
            return work()
        finally:
            spent = time.perf_counter() - began
            inner = self._running.pop()[0]
            self.seconds[name] = self.seconds.get(name, 0.0) + spent - inner
            if self._running:
                self._running[-1][0] += spent

    def busiest(self) -> str:
        """The stage that took the longest so far; empty before the first."""
        own = {name: seconds for name, seconds in self.seconds.items() if name != WAITING}
        return max(own, key=lambda name: own[name], default="")


class Changes:
    """Change maps: where and how much each stage changed the frame it was given; and how sure it is, where it says so.
    Empty until somebody listens."""

    def __init__(self) -> None:
        self.listening = False
        self.last: dict[str, torch.Tensor] = {}

    def note(
        self,
        stage: str,
        plain: Callable[[], torch.Tensor],
        result: torch.Tensor,
        confidence: torch.Tensor | None = None,
    ) -> None:
        """Keep the maps of ``stage``'s last frame, (height, width), 0..1: the largest change of a channel, 1 for a
        quarter of the range and more; and under "STAGE confidence" how sure it is."""
        if not self.listening:
            return
        self.last[stage] = ((result - plain()).abs().amax(dim=0) * _EMPHASIS).clamp(max=1)
        if confidence is not None:
            self.last[f"{stage} confidence"] = confidence

    def taken(self) -> dict[str, torch.Tensor]:
        """The maps by stage since they were last taken."""
        last, self.last = self.last, {}
        return last


class Remembered:
    """The frames that came last, at most ``capacity`` of them. Asking for one again does not make it younger: frames
    come in the order of demand, so the oldest is the one that no later frame looks at."""

    def __init__(self, capacity: int) -> None:
        self._capacity = max(1, capacity)
        self._frames: OrderedDict[int, torch.Tensor] = OrderedDict()

    def find(self, index: int) -> torch.Tensor | None:
        return self._frames.get(index)

    def keep(self, index: int, frame: torch.Tensor) -> torch.Tensor:
        self._frames[index] = frame
        while len(self._frames) > self._capacity:
            self._frames.popitem(last=False)
        return frame


class SourceLayer:
    """Entries of the clock as they come out of the decoder, in the order in which they are demanded."""

    def __init__(self, frames: Iterator[tuple[int, torch.Tensor]], capacity: int, watch: Stopwatch) -> None:
        self._frames = frames
        self._kept = Remembered(capacity)
        self._watch = watch

    def get(self, index: int) -> torch.Tensor:
        kept = self._kept.find(index)
        if kept is not None:
            return kept
        return self._watch.measure(WAITING, lambda: self._taken(index))

    def trace(self, index: int) -> Trace | None:
        return None

    def _taken(self, index: int) -> torch.Tensor:
        for entry, frame in self._frames:
            self._kept.keep(entry, frame)
            if entry == index:
                return frame
        raise InternalError("a frame was asked for that is not in the demand", where=f"entry {index}")


def _no_defects(span: Span) -> None:
    return None


def _no_keys(rows: State, centre: int) -> Mapping[int, KeyFrame]:
    return {}


class StageLayer:
    """A stage that makes one frame out of one and its neighbours."""

    def __init__(
        self,
        upstream: Layer,
        *,
        name: str,
        session: Session | None,
        plain: Callable[[torch.Tensor], torch.Tensor],
        window: Callable[[int], Span],
        rows: Callable[[Span], State],
        number: Callable[[int], int],
        defects: Callable[[Span], torch.Tensor | None] = _no_defects,
        keys: Callable[[State, int], Mapping[int, KeyFrame]] = _no_keys,
        weight: Weight,
        capacity: int,
        backwards: bool,
        watch: Stopwatch,
        changes: Changes,
        tracer: Tracer | None = None,
    ) -> None:
        """``session`` None: the stage is idle (strength 0), only its geometry holds."""
        self._upstream, self._session, self._plain = upstream, session, plain
        self._window, self._rows, self._number, self._weight = window, rows, number, weight
        self._defects, self._keys, self._tracer = defects, keys, tracer
        self._kept = Remembered(capacity)
        self._backwards, self._name, self._watch, self._changes = backwards, name, watch, changes

    def get(self, index: int) -> torch.Tensor:
        kept = self._kept.find(index)
        if kept is not None:
            return kept
        return self._kept.keep(index, self._watch.measure(self._name, lambda: self._make(index)))

    def trace(self, index: int) -> Trace | None:
        return self._tracer.find(index) if self._tracer else None

    def _make(self, index: int) -> torch.Tensor:
        weight = self._weight.at(index)
        if self._session is None or weight is None:
            frame = self._plain(self._upstream.get(index))
            if self._tracer:
                self._tracer.passed(index, self._upstream.trace(index))
            return frame
        span = self._window(index)
        order = reversed(range(span.start, span.stop)) if self._backwards else iter(span)
        frames = {entry: self._upstream.get(entry) for entry in order}
        stacked = torch.stack([frames[entry] for entry in span]) if len(span) > 1 else frames[index][None]
        rows, centre = self._rows(span), index - span.start
        keys = self._keys(rows, centre)
        window = Window(stacked, centre, rows, self._number(index), self._defects(span), keys)
        made = self._session.process(window)
        staged, origin, confidence = _told(made)
        mixed = weight.mixed(lambda: self._plain(frames[index]), staged)
        self._changes.note(self._name, lambda: self._plain(frames[index]), mixed, confidence)
        if self._tracer:
            self._tracer.made(index, self._upstream.trace(index), lambda: self._plain(frames[index]), mixed, origin)
        return mixed


def _told(made: torch.Tensor | Made) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """The frame, from where its pixels come and how sure that is."""
    return (made.frame, made.origin, made.confidence) if isinstance(made, Made) else (made, None, None)


class RetimeLayer:
    """Output frames out of entries: handed on untouched where times meet, computed in between, else held."""

    def __init__(
        self,
        upstream: Layer,
        *,
        name: str,
        sample: Callable[[int], Sample],
        interpolator: Interpolator | None,
        weight: Weight,
        capacity: int,
        backwards: bool,
        watch: Stopwatch,
        changes: Changes,
        tracer: Tracer | None = None,
    ) -> None:
        self._upstream, self._sample, self._interpolator = upstream, sample, interpolator
        self._weight, self._backwards = weight, backwards
        self._kept = Remembered(capacity)
        self._name, self._watch, self._changes, self._tracer = name, watch, changes, tracer
        self._last: tuple[tuple[int, int, Fraction], torch.Tensor] | None = None

    def get(self, index: int) -> torch.Tensor:
        kept = self._kept.find(index)
        if kept is not None:
            return kept
        frame = self._kept.keep(index, self._make(index))
        if self._tracer:
            self._tracer.passed(index, self._traced(index, self._sample(index)))
        return frame

    def trace(self, index: int) -> Trace | None:
        return self._tracer.find(index) if self._tracer else None

    def _traced(self, index: int, sample: Sample) -> Trace | None:
        """Of a frame between two what was changed in either."""
        if not sample.computed or self._interpolator is None:
            return self._upstream.trace(sample.before)
        first, second = self._in_order(sample)
        held = self._upstream.trace(first)
        if self._weight.at(index) is None:
            return held
        other = self._upstream.trace(second)
        return held.after(other) if held else other

    def _in_order(self, sample: Sample) -> tuple[int, int]:
        """The entry that is held where nothing is computed, and the other one."""
        return (sample.after, sample.before) if self._backwards else (sample.before, sample.after)

    def _make(self, index: int) -> torch.Tensor:
        sample = self._sample(index)
        if not sample.computed or self._interpolator is None:
            return self._upstream.get(sample.before)
        first, second = self._in_order(sample)
        held, other = self._upstream.get(first), self._upstream.get(second)
        weight = self._weight.at(index)
        if weight is None:
            return held
        before, after = (other, held) if self._backwards else (held, other)
        computed = self._watch.measure(self._name, lambda: self._between(sample, before, after))
        mixed = weight.mixed(lambda: held, computed)
        self._changes.note(self._name, lambda: held, mixed)
        return mixed

    def _between(self, sample: Sample, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        """Remembers the last frame: a freeze asks for the same one again and again."""
        assert self._interpolator is not None
        key = (sample.before, sample.after, sample.position)
        if self._last is None or self._last[0] != key:
            self._last = (key, self._interpolator.between(before, after, sample.position))
        return self._last[1]
