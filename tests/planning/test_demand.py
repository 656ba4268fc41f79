"""Demand: what is read for given output frames, checked against a plain walk through the stages."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from resilver_server.domain.clocks import Clock
from resilver_server.domain.spans import Span
from resilver_server.planning.demand import Demand, Sampler
from resilver_server.planning.timemap import TimeMap

RATE = Fraction(24)


@st.composite
def clocks(draw: st.DrawFn) -> Clock:
    """Frames with some taken out, cut into scenes."""
    frames = sorted(draw(st.sets(st.integers(0, 40), min_size=2, max_size=30)))
    walls = draw(st.sets(st.integers(1, len(frames) - 1), max_size=4))
    return Clock(tuple(frames), tuple(frame / RATE for frame in frames), tuple(sorted(walls)))


@st.composite
def demands(draw: st.DrawFn) -> Demand:
    clock = draw(clocks())
    speed = draw(st.sampled_from([1, 2, Fraction(2, 3), -1, Fraction(-1, 2), 0]))
    mapping = TimeMap(Fraction(draw(st.integers(0, 40))) / RATE, Fraction(speed), Fraction(0), Fraction(60))
    sampler = Sampler(clock, mapping, RATE, draw(st.booleans()))
    radii = st.lists(st.integers(0, 2), max_size=3).map(tuple)
    return Demand(sampler, draw(radii), draw(radii), total=30)


def walked(demand: Demand, outputs: Span) -> set[int]:
    """Entries reached by following every stage's windows by hand."""
    clock = demand.sampler.clock

    def scene_of_output(output: int) -> Span:
        return clock.scene(demand.sampler.sample(output).before)

    def output_level(output: int, stage: int) -> set[int]:
        if stage < 0:
            sample = demand.sampler.sample(output)
            return entry_level(sample.before, len(demand.before) - 1) | entry_level(
                sample.after, len(demand.before) - 1
            )
        found = set()
        for step in (-1, 1):
            for near in range(output, output + step * (demand.after[stage] + 1), step):
                if not 0 <= near < demand.total or scene_of_output(near) != scene_of_output(output):
                    break
                found |= output_level(near, stage - 1)
        return found

    def entry_level(entry: int, stage: int) -> set[int]:
        if stage < 0:
            return {entry}
        scene, radius = clock.scene(entry), demand.before[stage]
        near = [index for index in range(entry - radius, entry + radius + 1) if index in scene]
        return set().union(*(entry_level(index, stage - 1) for index in near))

    return set().union(*(output_level(output, len(demand.after) - 1) for output in outputs))


@given(demands(), st.integers(0, 25), st.integers(1, 5))
def test_demand_is_what_the_windows_reach(demand: Demand, start: int, length: int) -> None:
    outputs = Span(start, start + length)
    assert demand.entries(outputs) == tuple(sorted(walked(demand, outputs)))


@given(demands(), st.integers(1, 29))
def test_chunks_demand_together_what_the_whole_demands(demand: Demand, size: int) -> None:
    parts = [set(demand.frames(outputs)) for outputs in Span(0, 30).split(size)]
    assert set().union(*parts) == set(demand.frames(Span(0, 30)))


@given(demands(), st.integers(0, 29))
def test_nothing_is_computed_across_a_wall(demand: Demand, output: int) -> None:
    sample = demand.sampler.sample(output)
    scene = demand.sampler.clock.scene(sample.before)
    assert sample.after in scene
    assert 0 <= sample.position < 1
    if not demand.sampler.computes:
        assert not sample.computed


@given(clocks(), st.sampled_from([Fraction(1), Fraction(-1)]))
def test_a_time_that_meets_a_frame_gives_that_frame(clock: Clock, speed: Fraction) -> None:
    for entry, time in enumerate(clock.times):
        sampler = Sampler(clock, TimeMap(time, speed, Fraction(0), Fraction(60)), RATE, computes=True)
        assert (sampler.sample(0).before, sampler.sample(0).computed) == (entry, False)


def test_before_a_cut_the_last_frame_is_held_in_both_directions() -> None:
    clock = Clock((0, 1, 2, 3), tuple(Fraction(frame, 24) for frame in range(4)), walls=(2,))
    between = Fraction(3, 48)
    for speed, held in ((1, 1), (-1, 2)):
        sampler = Sampler(clock, TimeMap(between, Fraction(speed), Fraction(0), Fraction(60)), RATE, computes=True)
        assert sampler.sample(0).before == sampler.sample(0).after == held


def test_position_follows_true_times() -> None:
    clock = Clock((0, 3), (Fraction(0), Fraction(1, 10)))
    sampler = Sampler(clock, TimeMap(Fraction(0), Fraction(1), Fraction(0), Fraction(60)), RATE, computes=True)
    assert [sampler.sample(k).position for k in range(6)] == [Fraction(k, 6) for k in range(6)]
    assert sampler.sample(6).before == 1


def test_without_computing_repeats_come_back() -> None:
    clock = Clock((0, 2, 5), (Fraction(0), Fraction(2, 24), Fraction(5, 24)))
    forward = Sampler(clock, TimeMap(Fraction(0), Fraction(1), Fraction(0), RATE), RATE, computes=False)
    assert [clock.frames[forward.sample(k).before] for k in range(7)] == [0, 0, 2, 2, 2, 5, 5]
    backward = Sampler(clock, TimeMap(Fraction(6, 24), Fraction(-1), Fraction(0), RATE), RATE, computes=False)
    assert [clock.frames[backward.sample(k).before] for k in range(7)] == [5, 5, 2, 2, 2, 0, 0]
