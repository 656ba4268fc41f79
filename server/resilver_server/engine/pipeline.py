"""A shot's frames on demand: layers wired by the plan and the solved state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import torch

from resilver_server.domain.spans import Span
from resilver_server.planning.demand import Demand, Sample, Sampler
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.timemap import shown_frame, shown_span, time_map
from resilver_server.stages.catalogue import stage_spec
from resilver_server.stages.contract import KeyFrame, State
from resilver_server.stages.keys import KEYS
from resilver_server.stages.spec import StageInput

from .chain import Chain, OpenStage
from .defects import DefectMaps
from .keeping import Keep, Kept
from .keys import Keys
from .layers import Changes, Layer, RetimeLayer, SourceLayer, StageLayer, Stopwatch
from .mattes import Constant, Matte, Matted, Weight
from .state import StateFile
from .traces import Tracer, picture, placed

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


@dataclass(frozen=True)
class StageFrames:
    """Media frames over which a stage's pictures lie for the outputs of a chunk, in order."""

    seen: tuple[int, ...]
    """Those that it looks at."""
    made: tuple[int, ...]
    """Those that it hands on."""


def stage_media_frames(plan: ShotPlan, demand: Demand, outputs: Span) -> dict[int, StageFrames]:
    """For each stage that does something to pixels (by position). Behind the retiming they are the frames on screen."""
    clock = demand.sampler.clock
    levels = [tuple(clock.frames[entry] for entry in entries) for entries in demand.levels(outputs)]
    shown = tuple(shown_media_frame(plan, output) for output in demand.sampled(outputs))
    found: dict[int, StageFrames] = {}
    level, retimed = 0, False
    for position, stage in enumerate(plan.stages):
        spec = stage_spec(stage.settings.stage)
        if not spec.renders:
            continue
        retimed = retimed or spec.retimes
        if stage.settings.strength:
            found[position] = StageFrames(shown, shown) if retimed else StageFrames(*levels[level : level + 2])
        level += not retimed
    return found


class Pipeline:
    """Renders any output frames of a shot, asked for in increasing order. Use as a context manager."""

    def __init__(
        self, plan: ShotPlan, state: StateFile, demand: Demand, chain: Chain, frames: Frames, tracing: bool = False
    ) -> None:
        """``tracing``: whether ``changed`` is going to be asked."""
        self._plan, self._state, self._demand, self._chain = plan, state, demand, chain
        self._tracing = tracing
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

    def changed(self, output: int) -> torch.Tensor:
        """A picture of what the stages changed in an output frame (``traces.picture``), asked for right after it."""
        return picture(self._last.trace(output), self._plan.output_format, self._chain.device)

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
            number=self._filmed,
            defects=self._defects(stage, self._filmed),
            keys=self._keys(stage),
            weight=self._weight(stage, self._filmed),
            capacity=self._capacity(index + 1),
            backwards=self._backwards,
            watch=self.watch,
            changes=self.changes,
            tracer=self._tracer(stage, self._capacity(index + 1)),
        )

    def _retime_layer(self, upstream: Layer) -> RetimeLayer:
        stage = self._chain.retime
        first = self._demand.after[0] if self._demand.after else 0
        return RetimeLayer(
            upstream,
            name=stage.spec.name if stage else "",
            sample=self._sample,
            interpolator=stage.session if stage else None,
            weight=self._weight(stage, self._shown) if stage else Constant(0.0),
            capacity=2 * first + 1,
            backwards=self._backwards,
            watch=self.watch,
            changes=self.changes,
            tracer=self._tracer(None, 2 * first + 1),
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
            defects=self._defects(stage, self._shown),
            keys=self._keys(stage),
            weight=self._weight(stage, self._shown),
            capacity=2 * following + 1,
            backwards=False,
            watch=self.watch,
            changes=self.changes,
            tracer=self._tracer(stage, 2 * following + 1),
        )

    def _tracer(self, stage: OpenStage | None, capacity: int) -> Tracer | None:
        """None for ``stage`` is the retiming."""
        if not self._tracing:
            return None
        if stage is None or stage.plan.input == stage.plan.output:
            return Tracer(capacity)
        placement, output = stage.session.placement, stage.plan.output
        return Tracer(capacity, lambda trace: placed(trace, placement, output), counts=False)

    def _rows(self, stage: OpenStage, span: Span) -> State:
        return self._state.rows(stage.spec.name, span) if stage.spec.analysed else {}

    def _output_rows(self, stage: OpenStage, outputs: Span) -> State:
        """Rows of the entries that output frames are, or follow. All of them are in the demand, hence in the key."""
        entries = [self._sample(output).before for output in outputs]
        first = min(entries)
        rows = self._rows(stage, Span(first, max(entries) + 1))
        return {name: values[[entry - first for entry in entries]] for name, values in rows.items()}

    def _filmed(self, entry: int) -> int:
        """The media frame that an entry of the clock is."""
        return self._demand.sampler.clock.frames[entry]

    def _shown(self, output: int) -> int:
        return shown_media_frame(self._plan, output)

    def _weight(self, stage: OpenStage, media_frame: Callable[[int], int]) -> Weight:
        """Strength, matte and what is kept; ``media_frame`` tells over which frame of the film a frame lies."""
        settings, size = stage.plan.settings, stage.plan.output
        if not settings.strength:
            return Constant(0.0)
        weight: Weight = Constant(settings.strength)
        if settings.matte is not None:
            matte = self._opened(settings.matte)
            weight = Matted(settings.strength, matte, media_frame, size, self._chain.device, self._chain.dtype)
        if settings.keep_matte is None and not settings.keep_frames:
            return weight
        keep = Keep(settings.keep_frames, self._opened(settings.keep_matte) if settings.keep_matte else None)
        return Kept(weight, keep, media_frame, size, self._chain.device)

    def _defects(self, stage: OpenStage, media_frame: Callable[[int], int]) -> Callable[[Span], torch.Tensor | None]:
        path = stage.plan.settings.defect_map
        if path is None or stage.idle:
            return lambda span: None
        maps = DefectMaps(self._opened(path), media_frame, stage.plan.input, self._chain.device, self._chain.dtype)
        return maps.over

    def _keys(self, stage: OpenStage) -> Callable[[State, int], Mapping[int, KeyFrame]]:
        if StageInput.KEY_FRAMES not in stage.spec.inputs or stage.idle:
            return lambda rows, centre: {}
        keys = Keys(self._plan, stage.plan)
        return lambda rows, centre: keys.at(rows[KEYS][centre].tolist(), self._chain.device, self._chain.dtype)

    def _opened(self, path: str) -> Matte:
        matte = open_matte(self._plan, path)
        self._stack.callback(matte.close)
        return matte


def open_matte(plan: ShotPlan, path: str) -> Matte:
    """Raises InvalidMatte."""
    return Matte(path, plan.media.frame_count, max(0, shown_span(plan.shot).start))
