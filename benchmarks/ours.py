"""Resilver's side: a clip through the engine, from file to frames, as a worker would do it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch

from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.shots import Shot
from resilver_server.engine.chain import Chains
from resilver_server.engine.device import devices, libraries
from resilver_server.engine.render import rendering
from resilver_server.engine.tasks import run
from resilver_server.lab.pictures import Frame, Image, as_array, to_luma
from resilver_server.media.probe import probe
from resilver_server.media.profiles import profile
from resilver_server.media.writer import SegmentWriter
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import AnalyseTask, Progress, SolveTask
from resilver_server.stages.plan import plan_shot

from .clips import Planes, rounded

_LOSSLESS_RGB = ColourTags("bt709", "bt709", "gbr", full_range=True)


@dataclass(frozen=True)
class Made:
    """What a tool made of a clip."""

    planes: Planes
    seconds: float


def restored(planes: Planes, rate: Fraction, stages: Sequence[StageSettings]) -> Made:
    """The clip after the stages. Seconds are of analysis, solve and rendering, decoding included."""
    with tempfile.TemporaryDirectory() as folder:
        plan = _planned(_written(planes, rate, Path(folder) / "film.mkv"), stages)
        begun = time.perf_counter()
        state = _solved(plan, Path(folder))
        return Made(_rendered(plan, state), time.perf_counter() - begun)


def coloured(planes: Planes, keys: Mapping[int, Planes], rate: Fraction, stage: StageSettings) -> Made:
    """The clip as (n, 3, height, width) after a stage that is given (3, height, width) key frames by their numbers."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "keys").mkdir()
        for number, key in keys.items():
            cv2.imwrite(str(Path(folder) / "keys" / f"{number:04d}.png"), key[::-1].transpose(1, 2, 0))
        settings = replace(stage, key_frames=str(Path(folder) / "keys"))
        plan = _planned(_written(planes, rate, Path(folder) / "film.mkv"), [settings])
        begun = time.perf_counter()
        state = _solved(plan, Path(folder))
        return Made(_rendered(plan, state, as_array), time.perf_counter() - begun)


def alike(given: Planes, others: Sequence[Planes], rate: Fraction, stages: Sequence[StageSettings]) -> list[Planes]:
    """``given`` after the stages, then ``others`` after just what was decided for it: truths that lie where it does."""
    with tempfile.TemporaryDirectory() as folder:
        made, state = [], ""
        for index, planes in enumerate([given, *others]):
            plan = _planned(_written(planes, rate, Path(folder) / f"film{index}.mkv"), stages)
            state = state or _solved(plan, Path(folder))
            made.append(_rendered(plan, state))
    return made


def _written(planes: Planes, rate: Fraction, path: Path) -> MediaInfo:
    height, width = planes.shape[1:]
    with SegmentWriter(str(path), profile("ffv1"), FrameFormat(width, height), rate, _LOSSLESS_RGB, 0) as writer:
        for plane in planes:
            writer.write(torch.from_numpy(plane.astype(np.float32) / 255).expand(3, height, width))
        writer.close()
    return probe(str(path), rate)


def _planned(media: MediaInfo, stages: Sequence[StageSettings]) -> ShotPlan:
    shot = Shot("bench", media.path, media.rate, Fraction(0), media.duration)
    return plan_shot(shot, media, Recipe(tuple(stages), Delivery("ffv1")), devices()[-1], libraries())


def _solved(plan: ShotPlan, folder: Path) -> str:
    measured, state = str(folder / "measured"), str(folder / "state")
    if plan.analysed:
        run(AnalyseTask(plan, plan.source, measured), _silent, _never)
    run(SolveTask(plan, (measured,) if plan.analysed else (), (), state), _silent, _never)
    return state


def _rendered(plan: ShotPlan, state: str, taken: Callable[[Frame], Image] = to_luma) -> Planes:
    outputs = list(plan.outputs)
    with rendering(plan, state, outputs, Chains(), _idle) as work:
        return np.stack([rounded(taken(work.pipeline.frame(output))) for output in outputs])


def _idle() -> None:
    return


def _never() -> bool:
    return False


def _silent(progress: Progress) -> None:
    return
