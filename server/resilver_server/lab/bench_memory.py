"""Whether memory stays flat: one recipe over a clip and over one ten times as long, each in its own process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.shots import Shot
from resilver_server.engine.device import devices, libraries
from resilver_server.engine.tasks import run
from resilver_server.media.probe import probe
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import AnalyseTask, Progress, RenderTask, Result, SolveResult, SolveTask, Task
from resilver_server.stages.plan import plan_shot

from .bench import RATE, textured
from .clips import write_clip

_ANALYSED_AT_ONCE = 240
_SHORTEST = 96
LONGER = 10


def peaks(size: tuple[int, int]) -> tuple[int, int]:
    """Peak resident bytes of restoring 96 frames of ``size`` (width, height), and ten times as many."""
    short, long = (_measured(frames, size) for frames in (_SHORTEST, _SHORTEST * LONGER))
    return short, long


def _measured(frames: int, size: tuple[int, int]) -> int:
    """In a process of its own, so that one run's peak says nothing about the other's. The clip is written here."""
    with tempfile.TemporaryDirectory() as folder:
        write_clip(Path(folder) / "clip.mkv", textured(size, frames), RATE)
        command = [sys.executable, "-m", "resilver_server.lab.bench_memory", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return int(done.stdout.split()[-1])


def restore_all(folder: Path) -> None:
    """Analysis, solve and every chunk of ``clip.mkv`` in ``folder``, as a worker does them: four stages, no network."""
    media = probe(str(folder / "clip.mkv"))
    width, height = media.format.width * 2, media.format.height * 2
    stages = (
        StageSettings("cadence"),
        StageSettings("deflicker"),
        StageSettings("upscale", {"model": "none", "width": width, "height": height}),
        StageSettings("interpolate", {"model": "blend", "rate": "60"}),
    )
    shot = Shot("bench", media.path, media.rate, Fraction(0), media.duration)
    plan = plan_shot(shot, media, Recipe(stages, Delivery("dnxhr-hq", keep_audio=False)), devices()[0], libraries())
    solved = _solved(plan, folder)
    for chunk in solved.chunks:
        _do(RenderTask(plan, str(folder / "state"), chunk, str(folder / f"segment{chunk.index}")))


def _solved(plan: ShotPlan, folder: Path) -> SolveResult:
    measured = []
    for index, span in enumerate(plan.source.split(_ANALYSED_AT_ONCE)):
        measured.append(str(folder / f"measured{index}"))
        _do(AnalyseTask(plan, span, measured[-1]))
    solved = _do(SolveTask(plan, tuple(measured), (), str(folder / "state")))
    assert isinstance(solved, SolveResult)
    return solved


def _do(task: Task) -> Result:
    return run(task, _silent, lambda: False)


def _silent(progress: Progress) -> None:
    return


def _peak() -> int:
    """Peak resident bytes of this process."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    restore_all(Path(sys.argv[1]))
    print(_peak())
