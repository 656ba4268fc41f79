"""Layers with stages that look at their neighbours, before and behind the retiming, in pieces and in one."""

from __future__ import annotations

from fractions import Fraction

import torch
from hypothesis import given
from hypothesis import strategies as st

from resilver_server.domain.clocks import Clock
from resilver_server.domain.spans import Span
from resilver_server.engine.layers import Changes, Layer, RetimeLayer, SourceLayer, StageLayer, Stopwatch
from resilver_server.engine.mattes import Constant
from resilver_server.planning.demand import Demand, Sampler
from resilver_server.planning.timemap import TimeMap
from resilver_server.stages.contract import Window
from resilver_server.stages.interpolate.run import Blend

RATE, TOTAL = Fraction(24), 40


class Neighbours:
    """A temporal mean that leans on how many neighbours there are and where the centre lies among them."""

    def process(self, window: Window) -> torch.Tensor:
        count = len(window.frames)
        weights = torch.arange(1, count + 1, dtype=torch.float32) + window.centre
        return (window.frames * weights.view(-1, 1, 1, 1)).sum(dim=0) / weights.sum()


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    frames = sorted(draw(st.sets(st.integers(0, 30), min_size=2, max_size=24)))
    walls = tuple(sorted(draw(st.sets(st.integers(1, len(frames) - 1), max_size=3))))
    clock = Clock(tuple(frames), tuple(frame / RATE for frame in frames), walls)
    speed = Fraction(draw(st.sampled_from([1, 3, -1, -2, 0])))
    start = Fraction(draw(st.integers(0, 30))) / RATE
    sampler = Sampler(clock, TimeMap(start, speed, Fraction(0), Fraction(60)), RATE, draw(st.booleans()))
    radii = st.lists(st.integers(0, 3), max_size=3).map(tuple)
    return Demand(sampler, draw(radii), draw(radii), TOTAL)


def layered(demand: Demand, outputs: Span) -> torch.Tensor:
    """The outputs by layers whose source hands every demanded frame out once, in order, and then forgets it."""
    backwards = demand.sampler.mapping.reverse
    entries = demand.entries(outputs)
    pictures = {entry: picture(demand.sampler.clock.frames[entry]) for entry in entries}
    frames = iter([(entry, pictures[entry]) for entry in (reversed(entries) if backwards else entries)])
    watch, changes = Stopwatch(), Changes()
    layer: Layer = SourceLayer(frames, 2 * sum(demand.before) + 2, watch)
    following = [*demand.before[1:], None][: len(demand.before)]
    for radius, after in zip(demand.before, following, strict=True):
        layer = StageLayer(
            layer,
            name="near",
            session=Neighbours(),
            plain=lambda frame: frame,
            window=lambda entry, radius=radius: demand.entry_window(entry, radius),
            rows=lambda span: {},
            number=lambda entry: entry,
            weight=Constant(1.0),
            capacity=2 if after is None else 2 * after + 1,
            backwards=backwards,
            watch=watch,
            changes=changes,
        )
    layer = RetimeLayer(
        layer,
        name="blend",
        sample=demand.sampler.sample,
        interpolator=Blend(),
        weight=Constant(1.0),
        capacity=2 * (demand.after[0] if demand.after else 0) + 1,
        backwards=backwards,
        watch=watch,
        changes=changes,
    )
    for index, radius in enumerate(demand.after):
        after = demand.after[index + 1] if index + 1 < len(demand.after) else 0
        layer = StageLayer(
            layer,
            name="behind",
            session=Neighbours(),
            plain=lambda frame: frame,
            window=lambda output, radius=radius: demand.output_window(output, radius),
            rows=lambda span: {},
            number=lambda entry: entry,
            weight=Constant(1.0),
            capacity=2 * after + 1,
            backwards=False,
            watch=watch,
            changes=changes,
        )
    return torch.stack([layer.get(output) for output in outputs])


def picture(frame: int) -> torch.Tensor:
    return torch.rand((3, 2, 2), generator=torch.Generator().manual_seed(frame))


@given(demands(), st.integers(1, 15))
def test_pieces_equal_the_whole(demand: Demand, size: int) -> None:
    together = layered(demand, Span(0, TOTAL))
    pieces = [layered(demand, outputs) for outputs in Span(0, TOTAL).split(size)]
    assert torch.equal(torch.cat(pieces), together)


def test_a_stopwatch_counts_own_time_only() -> None:
    watch = Stopwatch()

    def inner() -> torch.Tensor:
        return watch.measure("inner", lambda: torch.ones(1))

    watch.measure("outer", inner)
    assert set(watch.seconds) == {"inner", "outer"}
    assert all(seconds >= 0 for seconds in watch.seconds.values())
