"""A shot's frames on demand: layers wired by the plan and the solved state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import torch

from resilver_server.domain.spans import Span
from resilver_server.planning.demand import Demand, Sample, Sampler
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.timemap import shown_frame, shown_span, time_map
from resilver_server.stages.catalogue import stage_spec
from resilver_server.stages.contract import State

from .chain import Chain, OpenStage
from .layers import Changes, Layer, RetimeLayer, SourceLayer, StageLayer, Stopwatch
from .mattes import Constant, Matte, Matted, Weight
from .state import StateFile

Frames = Iterator[tuple[int, torch.Tensor]]
"""Entries of the clock with their frames, in the order of demand."""


def demand_of(plan: ShotPlan, state: StateFile) -> Demand:
    """The arithmetic of a plan once its clock is known."""
    specs = [(stage_spec(stage.settings.stage), stage) for stage in plan.stages]
    rendering = [(spec, stage) for spec, stage in specs if spec.renders]
    at = next((index for index, (spec, _) in enumerate(rendering) if spec.retimes), len(rendering))
    computes = at < len(rendering) and rendering[at][1].settings.strength > 0
    sampler = Sampler(state.clock, time_map(plan.shot, plan.output_rate), plan.shot.rate, computes)
    radii = [stage.radius for _, stage in rendering]
    return Demand(sampler, tuple(radii[:at]), tuple(radii[at + 1 :]), plan.total_frames)


def shown_media_frame(plan: ShotPlan, output: int) -> int:
    """The media frame on screen at an output frame's time, kept inside what may be looked at."""
    mapping = time_map(plan.shot, plan.output_rate)
    frame = shown_frame(mapping.time(output), plan.shot.rate, mapping.reverse)
    return min(max(plan.source.start, frame), plan.source.stop - 1)


def stage_media_frames(plan: ShotPlan, demand: Demand, outputs: Span) -> dict[int, tuple[int, ...]]:
    """For each matted stage (by position) the media frames whose matte it looks at, in order."""
    levels = list(demand.levels(outputs))
    shown = tuple(shown_media_frame(plan, output) for output in demand.sampled(outputs))
    found: dict[int, tuple[int, ...]] = {}
    level, retimed = 0, False
    for position, stage in enumerate(plan.stages):
        spec = stage_spec(stage.settings.stage)
        if not spec.renders:
            continue
        retimed = retimed or spec.retimes
        level += not retimed
        if stage.settings.matte and stage.settings.strength:
            frames = tuple(demand.sampler.clock.frames[entry] for entry in levels[min(level, len(levels) - 1)])
            found[position] = shown if retimed else frames
    return found


class Pipeline:
    """Renders any output frames of a shot, asked for in increasing order. Use as a context manager."""

    def __init__(self, plan: ShotPlan, state: StateFile, demand: Demand, chain: Chain, frames: Frames) -> None:
        self._plan, self._state, self._demand, self._chain = plan, state, demand, chain
        self._stack = ExitStack()
        self.watch = Stopwatch()
        self.changes = Changes()
        self._backwards = demand.sampler.mapping.reverse
        self._source: Layer = SourceLayer(frames, 2 * sum(demand.before) + 2, self.watch)
        layer: Layer = self._source
        for index, stage in enumerate(chain.before):
            layer = self._entry_layer(index, stage, layer)
        layer = self._retime_layer(layer)
        for index, stage in enumerate(chain.after):
            layer = self._output_layer(index, stage, layer)
        self._last = layer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def frame(self, output: int) -> torch.Tensor:
        """Output frame ``output``, (3, height, width), on the plan's device."""
        return self._last.get(output)

    def original(self, output: int) -> torch.Tensor:
        """The filmed frame that an output frame comes from (or begins with), untouched. To be asked for right after
        the output frame itself: the source layer remembers all that one output frame looks at."""
        return self._source.get(self._demand.sampler.sample(output).before)

    def computed(self, output: int) -> bool:
        """Whether the output frame lies between filmed ones and was computed."""
        return self._sample(output).computed and self._chain.retime is not None and not self._chain.retime.idle

    def _sample(self, output: int) -> Sample:
        return self._demand.sampler.sample(output)

    def _capacity(self, level: int) -> int:
        """Frames that the consumer of entry level ``level`` asks for again: its window, or the two to mix between."""
        radii = self._demand.before
        return 2 * radii[level] + 1 if level < len(radii) else 2

    def _entry_layer(self, index: int, stage: OpenStage, upstream: Layer) -> StageLayer:
        radius = self._demand.before[index]
        return StageLayer(
            upstream,
            name=stage.spec.name,
            session=None if stage.idle else stage.session,
            plain=stage.plain,
            window=lambda entry: self._demand.entry_window(entry, radius),
            rows=lambda span: self._rows(stage, span),
            number=lambda entry: self._demand.sampler.clock.frames[entry],
            weight=self._weight(stage, of_entries=True),
            capacity=self._capacity(index + 1),
            backwards=self._backwards,
            watch=self.watch,
            changes=self.changes,
        )

    def _retime_layer(self, upstream: Layer) -> RetimeLayer:
        stage = self._chain.retime
        first = self._demand.after[0] if self._demand.after else 0
        return RetimeLayer(
            upstream,
            name=stage.spec.name if stage else "",
            sample=self._sample,
            interpolator=stage.session if stage else None,
            weight=self._weight(stage, of_entries=False) if stage else Constant(0.0),
            capacity=2 * first + 1,
            backwards=self._backwards,
            watch=self.watch,
            changes=self.changes,
        )

    def _output_layer(self, index: int, stage: OpenStage, upstream: Layer) -> StageLayer:
        radii = self._demand.after
        following = radii[index + 1] if index + 1 < len(radii) else 0
        return StageLayer(
            upstream,
            name=stage.spec.name,
            session=None if stage.idle else stage.session,
            plain=stage.plain,
            window=lambda output: self._demand.output_window(output, radii[index]),
            rows=lambda span: self._output_rows(stage, span),
            number=lambda output: output,
            weight=self._weight(stage, of_entries=False),
            capacity=2 * following + 1,
            backwards=False,
            watch=self.watch,
            changes=self.changes,
        )

    def _rows(self, stage: OpenStage, span: Span) -> State:
        return self._state.rows(stage.spec.name, span) if stage.spec.analysed else {}

    def _output_rows(self, stage: OpenStage, outputs: Span) -> State:
        """Rows of the entries that output frames are, or follow. All of them are in the demand, hence in the key."""
        entries = [self._sample(output).before for output in outputs]
        first = min(entries)
        rows = self._rows(stage, Span(first, max(entries) + 1))
        return {name: values[[entry - first for entry in entries]] for name, values in rows.items()}

    def _weight(self, stage: OpenStage, *, of_entries: bool) -> Weight:
        settings = stage.plan.settings
        if settings.matte is None or not settings.strength:
            return Constant(settings.strength)
        matte = open_matte(self._plan, settings.matte)
        self._stack.callback(matte.close)
        frames = self._demand.sampler.clock.frames
        return Matted(
            settings.strength,
            matte,
            (lambda entry: frames[entry]) if of_entries else (lambda output: shown_media_frame(self._plan, output)),
            stage.plan.output,
            self._chain.device,
            self._chain.dtype,
        )


def open_matte(plan: ShotPlan, path: str) -> Matte:
    """Raises InvalidMatte."""
    return Matte(path, plan.media.frame_count, max(0, shown_span(plan.shot).start))
