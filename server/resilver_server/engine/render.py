"""Rendering a chunk: decoding, computing and encoding beside each other, joined by bounded queues."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import torch

from resilver_client.errors import Cancelled
from resilver_server.domain.formats import ColourTags
from resilver_server.domain.spans import Span
from resilver_server.media.profiles import CHANGES, CHANGES_COLOUR, Profile, profile
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
    plan: ShotPlan,
    state_path: str,
    outputs: list[int],
    chains: Chains,
    check: Callable[[], None],
    tracing: bool = False,
) -> Iterator[Rendering]:
    """Everything that makes ``outputs`` (increasing), opened; closed again however it ends. ``tracing``: whether the
    pipeline is going to be asked what was changed."""
    with torch.inference_mode(), devices.typed_errors(f"clip {plan.shot.name}"), ExitStack() as stack:
        state = stack.enter_context(StateFile(state_path))
        demand = demand_of(plan, state)
        chain: Chain = chains.open(plan, check)
        decoding = Decoding(plan, chain.device, chain.dtype)
        entries, frames = demand.entries(outputs), demand.frames(outputs)
        backwards = demand.sampler.mapping.reverse
        ahead = stack.enter_context(Ahead(lambda: decoding.entries(entries, frames, backwards), _DECODED, "decode"))
        pipeline = stack.enter_context(Pipeline(plan, state, demand, chain, iter(ahead), tracing))
        yield Rendering(pipeline, decoding, demand)


def render(task: RenderTask, chains: Chains, progress: Report, cancelled: IsCancelled) -> RenderResult:
    """Render a chunk into its segment, its change maps into one beside it, or either alone.

    Looks at ``cancelled`` before every frame and every tile. Whatever fails, nothing is left of either.
    Raises Cancelled, OutOfMemory, DeviceFailed, and the errors of media, models and mattes.
    """
    plan, outputs = task.plan, task.chunk.outputs
    check = checking(cancelled)
    chosen = profile(plan.delivery.profile, plan.media)
    with (
        rendering(plan, task.state, list(outputs), chains, check, bool(task.changes)) as work,
        _Sink(task.output, chosen, plan, plan.output_colour) as film,
        _Sink(task.changes, CHANGES, plan, CHANGES_COLOUR) as changes,
    ):
        _pump(work, outputs, film, changes, progress, check)
        film.finish()
        changes.finish()
        check()
        digest, changes_digest = film.close(), changes.close()
        computed = tuple(output for output in outputs if work.pipeline.computed(output))
        encoding = film.seconds + changes.seconds
        seconds = {**work.pipeline.watch.seconds, "decode": work.decoding.seconds, "encode": encoding}
        peak = devices.peak_memory(torch.device(plan.numerics.device))
    return RenderResult(digest, len(outputs), computed, seconds, peak, changes_digest)


def _pump(
    work: Rendering,
    outputs: Span,
    film: _Sink,
    changes: _Sink,
    progress: Report,
    check: Callable[[], None],
) -> None:
    began = time.perf_counter()
    for done, output in enumerate(outputs, start=1):
        check()
        film.put(work.pipeline.frame(output))
        if changes.wanted:
            changes.put(work.pipeline.changed(output))
        rate = done / max(time.perf_counter() - began, 1e-6)
        progress(Progress(done, len(outputs), work.pipeline.watch.busiest(), rate))


class _Sink:
    """Encodes frames as a segment, in a thread; or takes none, where no path is given. Its frames count from 0, since a
    segment may serve at several places."""

    def __init__(self, path: str, chosen: Profile, plan: ShotPlan, colour: ColourTags) -> None:
        self.wanted = bool(path)
        self.seconds = 0.0
        self._frames = 0
        self._stack = ExitStack()
        self._open = partial(SegmentWriter, path, chosen, plan.output_format, plan.output_rate, colour, 0)
        self._writer: SegmentWriter
        self._behind: Behind[torch.Tensor]

    def __enter__(self) -> Self:
        if self.wanted:
            with ExitStack() as stack:
                self._writer = stack.enter_context(self._open())
                self._behind = stack.enter_context(Behind(self._encode, _ENCODED, "encode"))
                self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def put(self, frame: torch.Tensor) -> None:
        if self.wanted:
            self._behind.put(frame)

    def finish(self) -> None:
        """Waits until everything is encoded."""
        if self.wanted:
            self._behind.finish()

    def close(self) -> str:
        """The segment's digest; empty where none was wanted. Raises FrameCountMismatch."""
        return self._writer.close().digest if self.wanted else ""

    def _encode(self, frame: torch.Tensor) -> None:
        began = time.perf_counter()
        with torch.inference_mode():
            self._writer.write(frame)
        self.seconds += time.perf_counter() - began


def checking(cancelled: IsCancelled) -> Callable[[], None]:
    """A check that raises Cancelled once that is wished."""

    def check() -> None:
        if cancelled():
            raise Cancelled("it was cancelled")

    return check
