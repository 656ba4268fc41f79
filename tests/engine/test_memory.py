"""Memory stays flat in the length of a clip."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.media.probe import probe
from resilver_server.planning.plans import ModelUse, ShotPlan
from resilver_server.planning.tasks import RenderTask
from resilver_server.stages import memory
from support.tiny import CPU, do, moving, planned, solved, whole, write_clip

RATE = Fraction(16)
STAGES = (
    StageSettings("upscale", {"model": "none", "width": 512, "height": 288}),
    StageSettings("interpolate", {"model": "blend", "rate": "24"}),
)


def render_and_tell(media_path: str, frames: int, folder: str) -> None:
    """Run in a process of its own: render so many frames, print the most memory it ever held."""
    import resource

    media = probe(media_path)
    shot = whole(media, duration=frames / RATE, handles=False)
    plan = planned(shot, media, Recipe(STAGES, Delivery("prores-422hq")))
    state, result = solved(plan, Path(folder), chunk=16)
    for chunk in result.chunks:
        do(RenderTask(plan, str(state), chunk, f"{folder}/{chunk.index}.mov"))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak as Linux counts it")
def test_ten_times_as_long_needs_no_more(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "film.mkv", moving(80, 320, 180), RATE)
    peaks = []
    for frames in (8, 80):
        call = f"render_and_tell({media.path!r}, {frames}, {str(tmp_path / str(frames))!r})"
        found = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(found)}
        done = subprocess.run(
            [sys.executable, "-c", f"import test_memory; test_memory.{call}"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.1 * peaks[0], f"{peaks[0] >> 10} MiB became {peaks[1] >> 10}"


@pytest.mark.parametrize("edge", memory.TILES)
def test_smaller_tiles_need_less(edge: int, tmp_path: Path) -> None:
    plan = _huge(tmp_path)
    assert memory.network_memory(plan.stages, edge, CPU) <= memory.network_memory(plan.stages, 0, CPU)


def test_the_tile_on_a_cpu_ignores_free_memory(tmp_path: Path) -> None:
    plan = _huge(tmp_path)
    tiles = {memory.tile(plan.stages, replace(CPU, free_memory=free)) for free in (1 << 20, 1 << 30, 1 << 40)}
    assert len(tiles) == 1


def test_a_gpu_takes_the_largest_tile_that_fits(tmp_path: Path) -> None:
    plan = _huge(tmp_path)
    gpu = replace(CPU, id="cuda:0", half_precision=True)
    tiles = [
        memory.tile(plan.stages, replace(gpu, free_memory=mib << 20)) for mib in (7800, 8192, 80000)
    ]  # the frames alone are 6 GB
    assert 0 < tiles[0] < tiles[1]
    assert tiles[2] == 0


def _huge(folder: Path) -> ShotPlan:
    media = write_clip(folder / "film.mkv", moving(2, 16, 16), RATE)
    big = replace(media, format=replace(media.format, width=2048, height=1556))
    stage = StageSettings("upscale", {"model": "realesr-animevideov3", "scale": 4.0}, strength=0.0)
    plan = planned(whole(big), big, Recipe((stage,), Delivery("ffv1")))
    used = ModelUse("realesr-animevideov3", "0" * 64, "BSD-3-Clause")
    return replace(plan, stages=(replace(plan.stages[0], models=(used,)),))
