"""The first pass: measuring media frames, and solving what was measured into a clock, states and chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import load_file, save_file

from resilver_server.domain.clocks import Clock
from resilver_server.domain.digests import digest_file, digest_of
from resilver_server.domain.formats import MediaKind
from resilver_server.domain.rates import format_rate
from resilver_server.domain.spans import Span
from resilver_server.media import colour
from resilver_server.media.identity import source_digests
from resilver_server.media.profiles import profile
from resilver_server.media.reader import Reader
from resilver_server.planning.chunks import chunk_key, chunk_spans
from resilver_server.planning.demand import Demand
from resilver_server.planning.plans import ChunkPlan, ShotPlan, StagePlan
from resilver_server.planning.tasks import AnalyseResult, AnalyseTask, Progress, SolveResult, SolveTask
from resilver_server.stages.catalogue import stage_spec
from resilver_server.stages.contract import AnalysisFrame
from resilver_server.stages.keys import CONTENTS, KEYS
from resilver_server.stages.plan import CADENCE
from resilver_server.stages.spec import StageInput

from .chain import run_module
from .gallery import Gallery
from .keys import Keys
from .pipeline import demand_of
from .render import IsCancelled, Report, checking
from .state import StateFile, every_frame, save_state
from .threads import Ahead

_DECODED = 3
Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class _Analysing:
    name: str
    parameters: Any
    analyser: Any


def analyse(task: AnalyseTask, progress: Report, cancelled: IsCancelled) -> AnalyseResult:
    """Measure the frames of a span for every stage that analyses, decoding each once.

    The frame before the span is read too where there is one, so that chunks of the pass join seamlessly.
    """
    plan, span = task.plan, task.span
    check = checking(cancelled)
    stages = [_analysing(stage) for stage in _analysed(plan)]
    names = ", ".join(stage.name for stage in stages)
    rows: dict[str, list[npt.NDArray[Any]]] = {}
    reach = Span(max(plan.source.start, span.start - 1), span.stop)
    previous: AnalysisFrame | None = None
    with torch.inference_mode(), Ahead(lambda: _frames(plan, reach), _DECODED, "decode") as ahead:
        for frame in ahead:
            check()
            if frame.index in span:
                _measure(stages, frame, previous, rows)
                progress(Progress(frame.index + 1 - span.start, len(span), names))
            previous = frame
    save_file({name: np.stack(values) for name, values in rows.items()}, task.output)
    return AnalyseResult(digest_file(task.output), source_digests(plan.media, span))


def solve(task: SolveTask) -> SolveResult:
    """The clock, every stage's state, and the chunks with their keys."""
    plan = task.plan
    measured = _joined(task.measurements)
    clock, findings = _clock(plan, measured)
    sources = task.source_digests or source_digests(plan.media, plan.source)
    if plan.media.kind is not MediaKind.SEQUENCE:
        sources = sources[:1]
    states = _states(plan, measured, clock, sources)
    save_state(task.output, clock, states)
    with StateFile(task.output) as state, Gallery(plan) as gallery:
        demand = demand_of(plan, state)
        chunks = tuple(
            _chunk(plan, demand, state, gallery, index, outputs, sources)
            for index, outputs in enumerate(chunk_spans(plan))
        )
    return SolveResult(digest_file(task.output), chunks, findings | _advice(plan, states, clock), tuple(sources))


def _analysed(plan: ShotPlan) -> list[StagePlan]:
    return [stage for stage in plan.stages if stage_spec(stage.settings.stage).analysed]


def _analysing(stage: StagePlan) -> _Analysing:
    spec = stage_spec(stage.settings.stage)
    parameters = spec.unsolved(stage.settings.parameters)
    return _Analysing(spec.name, parameters, run_module(spec.name).Analyser(parameters))


def _frames(plan: ShotPlan, span: Span) -> Iterator[AnalysisFrame]:
    with torch.inference_mode(), Reader(plan.media, plan.shot.fields) as reader:
        for picture in reader.read(span):
            yield AnalysisFrame(picture.index, colour.luma(picture).copy(), colour.rgb8(picture))


def _measure(
    stages: Sequence[_Analysing],
    frame: AnalysisFrame,
    previous: AnalysisFrame | None,
    rows: dict[str, list[npt.NDArray[Any]]],
) -> None:
    for stage in stages:
        for name, value in stage.analyser.measure(frame, previous).items():
            rows.setdefault(f"{stage.name}/{name}", []).append(np.asarray(value))


def _joined(paths: Sequence[str]) -> Arrays:
    parts = [load_file(path) for path in paths]
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def _of(measured: Arrays, stage: str) -> Arrays:
    prefix = f"{stage}/"
    return {name[len(prefix) :]: values for name, values in measured.items() if name.startswith(prefix)}


def _clock(plan: ShotPlan, measured: Arrays) -> tuple[Clock, dict[str, str]]:
    stage = next((stage for stage in plan.stages if stage.settings.stage == CADENCE), None)
    if stage is None:
        return every_frame(plan.source, plan.shot.rate), {}
    parameters = stage_spec(CADENCE).parse(stage.settings.parameters)
    solved = run_module(CADENCE).solve_clock(_of(measured, CADENCE), plan.source.start, plan.shot.rate, parameters)
    found = solved.findings
    rates = ", ".join(f"{format_rate(rate)} ({count} frames)" for rate, count in found.rates)
    return solved.clock, {
        "frames": str(found.frames),
        "repeats": str(found.repeats),
        "cuts": ", ".join(str(cut) for cut in found.cuts),
        "rates": rates,
    }


def _states(
    plan: ShotPlan, measured: Arrays, clock: Clock, sources: Sequence[str]
) -> dict[str, Mapping[str, npt.NDArray[Any]]]:
    states: dict[str, Mapping[str, npt.NDArray[Any]]] = {}
    for stage in _analysed(plan):
        spec = stage_spec(stage.settings.stage)
        if not spec.renders:
            continue
        keys = Keys(plan, stage) if StageInput.KEY_FRAMES in spec.inputs else None
        given = {KEYS: keys.numbers()} if keys else {}
        measurements = {**_of(measured, spec.name), **given}
        parameters = spec.parse(stage.settings.parameters)
        rows = run_module(spec.name).solve(measurements, clock, plan.shot.rate, parameters)
        contents = {CONTENTS: keys.contents(rows[KEYS], sources)} if keys else {}
        states[spec.name] = {**rows, **contents}
    return states


def _advice(plan: ShotPlan, states: Mapping[str, Mapping[str, npt.NDArray[Any]]], clock: Clock) -> dict[str, str]:
    """By reason the frames that people should look at: of a sequence the numbers of its files."""
    found: dict[str, str] = {}
    for stage in states:
        if stage_spec(stage).advises:
            for reason, frames in run_module(stage).advice(states[stage], clock).items():
                found[reason] = ", ".join(str(frame + plan.media.first_number) for frame in frames)
    return found


def _chunk(
    plan: ShotPlan,
    demand: Demand,
    state: StateFile,
    gallery: Gallery,
    index: int,
    outputs: Span,
    sources: Sequence[str],
) -> ChunkPlan:
    entries = demand.entries(outputs)
    key = chunk_key(
        plan,
        demand,
        outputs,
        sources=sources,
        states={stage: state.digest(stage, entries) for stage in state.stages()},
        pictures=gallery.over(demand, outputs),
        encoder=digest_of(profile(plan.delivery.profile, plan.media)),
        numbers=_numbers(plan, demand, outputs),
    )
    return ChunkPlan(index, outputs, demand.span(outputs), key)


def _numbers(plan: ShotPlan, demand: Demand, outputs: Span) -> tuple[int, ...]:
    """Numbers of the media and output frames a chunk is made of, if a stage reads them."""
    if not any(stage_spec(stage.settings.stage).numbered and stage.settings.strength for stage in plan.stages):
        return ()
    return (*demand.frames(outputs), *demand.sampled(outputs))
