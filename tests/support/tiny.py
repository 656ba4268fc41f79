"""Tiny clips and shots for the engine: real files, real plans, small enough to render hundreds of times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.recipes import Recipe
from resilver_server.domain.shots import Shot
from resilver_server.engine.chain import Chains
from resilver_server.engine.render import rendering
from resilver_server.engine.tasks import run
from resilver_server.media.probe import probe
from resilver_server.media.profiles import profile
from resilver_server.media.writer import SegmentWriter
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import AnalyseTask, Device, Progress, Result, SolveResult, SolveTask, Task
from resilver_server.stages.plan import plan_shot

CPU = Device("cpu", "cpu", 8 << 30, 4 << 30, half_precision=False)
LIBRARIES = {"torch": torch.__version__}
FULL_RANGE_RGB = ColourTags("bt709", "bt709", "gbr", full_range=True)
Pictures = npt.NDArray[np.float32]
"""(n, height, width, 3), 0..1."""


def moving(count: int, width: int, height: int, seed: int = 0, cut: int | None = None) -> Pictures:
    """A textured ground with a disc that crosses it, a little flicker, and from ``cut`` on another scene."""
    random = np.random.default_rng(seed)
    grounds = random.random((2, height, width, 3), np.float32) * 0.3 + np.array([[[[0.1]]], [[[0.6]]]], np.float32)
    y, x = np.mgrid[:height, :width]
    pictures = np.empty((count, height, width, 3), np.float32)
    for k in range(count):
        ground = grounds[int(cut is not None and k >= cut)]
        disc = (x - width * (0.2 + 0.05 * k)) ** 2 + (y - height / 2) ** 2 < (height / 4) ** 2
        pictures[k] = np.where(disc[..., None], 0.9, ground) * (1 + 0.05 * random.standard_normal())
    return pictures.clip(0, 1)


def write_clip(path: Path, pictures: Pictures, rate: Fraction, name: str = "ffv1") -> MediaInfo:
    """Write pictures as media (lossless to 16 bits by default) and probe it."""
    height, width = pictures.shape[1:3]
    chosen = profile(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with SegmentWriter(str(path), chosen, FrameFormat(width, height), rate, FULL_RANGE_RGB, 0) as writer:
        for picture in pictures:
            writer.write(torch.from_numpy(picture).permute(2, 0, 1))
        writer.close()
    return probe(str(path / f"%08d{chosen.suffix}") if chosen.is_sequence else str(path), rate)


def whole(media: MediaInfo, **changes: object) -> Shot:
    """The shot that shows all of some media."""
    values = {"start": Fraction(0), "duration": media.duration, **changes}
    return Shot("tiny", media.path, media.rate, **values)  # type: ignore[arg-type]


def planned(shot: Shot, media: MediaInfo, recipe: Recipe) -> ShotPlan:
    return plan_shot(shot, media, recipe, CPU, LIBRARIES)


def do(task: Task) -> Result:
    return run(task, ignore, lambda: False)


def ignore(progress: Progress) -> None:
    return


def solved(plan: ShotPlan, folder: Path, chunk: int = 1000) -> tuple[Path, SolveResult]:
    """Analyse in chunks of so many frames, and solve. The state's path and the result."""
    folder.mkdir(parents=True, exist_ok=True)
    measurements = []
    for index, span in enumerate(plan.source.split(chunk) if plan.analysed else ()):
        measurements.append(str(folder / f"measured{index}"))
        do(AnalyseTask(plan, span, measurements[-1]))
    state = folder / "state"
    result = do(SolveTask(plan, tuple(measurements), (), str(state)))
    assert isinstance(result, SolveResult)
    return state, result


def frames_of(plan: ShotPlan, state: Path, outputs: list[int], chains: Chains) -> tuple[torch.Tensor, list[int]]:
    """The frames that the encoder would be given, and the media frames that were read for them."""
    with rendering(plan, str(state), outputs, chains, lambda: None) as work:
        frames = [work.pipeline.frame(output).clone() for output in outputs]
        read = sorted(work.decoding.frames)
        assert read == list(work.demand.frames(outputs)), "what was read is not what was demanded"
    return torch.stack(frames), read
