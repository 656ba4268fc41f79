"""The one door of the engine: every task a worker can be asked to do."""

from __future__ import annotations

import time
from collections.abc import Callable

from resilver_server.domain.formats import MediaKind
from resilver_server.media.probe import ensure_usable, probe
from resilver_server.media.profiles import profile
from resilver_server.models import store
from resilver_server.planning.tasks import (
    AnalyseTask,
    DevicesResult,
    DevicesTask,
    InstallResult,
    InstallTask,
    JoinTask,
    PlanResult,
    PlanTask,
    PreviewTask,
    ProbeResult,
    ProbeTask,
    Progress,
    RenderTask,
    Result,
    SolveTask,
    Task,
)
from resilver_server.stages.plan import output_bytes, plan_shot

from . import device as devices
from .analysis import analyse, solve
from .calibration import per_pixel
from .chain import Chains
from .heap import give_back
from .joining import join_segments
from .preview import preview
from .render import checking, render

_INTERVAL = 0.25
"""Seconds between two reports of progress."""
_CHAINS = Chains()
"""A worker is one process for one shot at a time: its networks stay loaded from chunk to chunk."""

Report = Callable[[Progress], None]
IsCancelled = Callable[[], bool]


def run(task: Task, progress: Report, cancelled: IsCancelled) -> Result:
    """Do a task. ``progress`` is called at most four times a second, and once at the end; ``cancelled`` is asked
    before every frame, and within frames before every tile.

    Raises the typed errors of ``resilver_client.errors``; after an error or a cancel nothing half-written is left.
    """
    give_back()
    try:
        return _done(task, _Throttled(progress), cancelled)
    finally:
        give_back()


def _done(task: Task, report: Report, cancelled: IsCancelled) -> Result:
    match task:
        case AnalyseTask():
            return analyse(task, report, cancelled)
        case SolveTask():
            return solve(task)
        case RenderTask():
            return render(task, _CHAINS, report, cancelled)
        case PreviewTask():
            return preview(task, _CHAINS, report, cancelled)
        case JoinTask():
            return join_segments(task)
        case InstallTask():
            return _install(task, report, cancelled)
        case _:
            return _asked(task)


def _asked(task: ProbeTask | DevicesTask | PlanTask) -> Result:
    """Questions that are answered at once."""
    match task:
        case ProbeTask():
            info = probe(task.path, task.rate, task.fields, task.numbers)
            ensure_usable(info, task.fields)
            return ProbeResult(info)
        case DevicesTask():
            return DevicesResult(devices.devices(), devices.libraries())
        case PlanTask():
            taken = per_pixel(task.device)
            plan = plan_shot(task.shot, task.media, task.recipe, task.device, task.libraries, taken)
            chosen = profile(plan.delivery.profile, plan.media)
            one_picture = task.media.kind is MediaKind.STILL and plan.total_frames == 1
            sequence = chosen.is_sequence and not one_picture
            return PlanResult(plan, chosen.suffix, sequence, output_bytes(plan))


def _install(task: InstallTask, report: Report, cancelled: IsCancelled) -> InstallResult:
    check = checking(cancelled)

    def fetched(done: int, total: int) -> None:
        check()
        report(Progress(done, total, "install"))

    found = store.install(task.model, task.accept_licence, fetched)
    return InstallResult(found.id, found.digest)


class _Throttled:
    """Passes on at most four reports a second, and the last one."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last = float("-inf")

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.done >= progress.total or now - self._last >= _INTERVAL:
            self._last = now
            self._report(progress)
