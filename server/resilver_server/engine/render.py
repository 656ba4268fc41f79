"""Rendering a chunk: decoding, computing and encoding beside each other, joined by bounded queues."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch

from resilver_client.errors import Cancelled
from resilver_server.domain.spans import Span
from resilver_server.media.profiles import profile
from resilver_server.media.writer import SegmentWriter
from resilver_server.planning.demand import Demand
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import Progress, RenderResult, RenderTask

from . import device as devices
from .chain import Chain, Chains
from .pipeline import Pipeline, demand_of
from .source import Decoding
from .state import StateFile
from .threads import Ahead, Behind

Report = Callable[[Progress], None]
IsCancelled = Callable[[], bool]
_DECODED = 3
_ENCODED = 2
"""Frames that wait between the threads."""


@dataclass(frozen=True)
class Rendering:
    """A pipeline over some output frames with its decoder running."""

    pipeline: Pipeline
    decoding: Decoding
    demand: Demand


@contextmanager
def rendering(
    plan: ShotPlan, state_path: str, outputs: list[int], chains: Chains, check: Callable[[], None]
) -> Iterator[Rendering]:
    """Everything that makes ``outputs`` (increasing), opened; closed again however it ends."""
    with torch.inference_mode(), devices.typed_errors(f"clip {plan.shot.name}"), ExitStack() as stack:
        state = stack.enter_context(StateFile(state_path))
        demand = demand_of(plan, state)
        chain: Chain = chains.open(plan, check)
        decoding = Decoding(plan, chain.device, chain.dtype)
        entries, frames = demand.entries(outputs), demand.frames(outputs)
        backwards = demand.sampler.mapping.reverse
        ahead = stack.enter_context(Ahead(lambda: decoding.entries(entries, frames, backwards), _DECODED, "decode"))
        pipeline = stack.enter_context(Pipeline(plan, state, demand, chain, iter(ahead)))
        yield Rendering(pipeline, decoding, demand)


def render(task: RenderTask, chains: Chains, progress: Report, cancelled: IsCancelled) -> RenderResult:
    """Render a chunk into its segment.

    Looks at ``cancelled`` before every frame and every tile. Whatever fails, nothing is left under ``task.output``.
    Raises Cancelled, OutOfMemory, DeviceFailed, and the errors of media, models and mattes.
    """
    plan, outputs = task.plan, task.chunk.outputs
    check = checking(cancelled)
    chosen = profile(plan.delivery.profile, plan.media)
    with rendering(plan, task.state, list(outputs), chains, check) as work:
        encoding = _Encoding()
        first = outputs.start
        with SegmentWriter(
            task.output, chosen, plan.output_format, plan.output_rate, plan.output_colour, first
        ) as writer:
            with Behind(encoding.into(writer), _ENCODED, "encode") as sink:
                _pump(work, outputs, sink, progress, check)
                sink.finish()
            check()
            segment = writer.close()
        computed = tuple(output for output in outputs if work.pipeline.computed(output))
        seconds = {**work.pipeline.watch.seconds, "decode": work.decoding.seconds, "encode": encoding.seconds}
        peak = devices.peak_memory(torch.device(plan.numerics.device))
    return RenderResult(segment.digest, segment.frames, computed, seconds, peak)


def _pump(
    work: Rendering, outputs: Span, sink: Behind[torch.Tensor], progress: Report, check: Callable[[], None]
) -> None:
    began = time.perf_counter()
    for done, output in enumerate(outputs, start=1):
        check()
        sink.put(work.pipeline.frame(output))
        rate = done / max(time.perf_counter() - began, 1e-6)
        progress(Progress(done, len(outputs), work.pipeline.watch.busiest(), rate))


class _Encoding:
    """Counts the seconds that encoding takes."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def into(self, writer: SegmentWriter) -> Callable[[torch.Tensor], None]:
        def consume(frame: torch.Tensor) -> None:
            began = time.perf_counter()
            with torch.inference_mode():
                writer.write(frame)
            self.seconds += time.perf_counter() - began

        return consume


def checking(cancelled: IsCancelled) -> Callable[[], None]:
    """A check that raises Cancelled once that is wished."""

    def check() -> None:
        if cancelled():
            raise Cancelled("it was cancelled")

    return check
