"""Frames that are burnt or missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from resilver_server.domain.recipes import StageSettings
from resilver_server.lab.age import AgeSettings, age

from .. import others
from ..clips import FLOWER, PEOPLE, RISING, TUNING, Clip, Planes, grey, present, taken
from ..figures import changed, psnr, ssim
from ..others import Settings
from ..ours import Made
from ..task import Asked, Case, Figure, Measures, Task, Tool, mine, nothing, varied

WIDTH, SEED, START, AROUND = 448, 35, 11, 10
LENGTHS = (1, 2, 4)
FILM = "4 frames burnt, film with grain and weave"
_AGE = replace(AgeSettings(), lost=0, repeated=0, dirt=0, scratches=0, flicker_gain=0, flicker_gamma=0, flicker_local=0)
_CLEAN = replace(_AGE, grain=0, noise=0, weave=0, recompression=0)


def group_of(length: int) -> str:
    return f"{length} frame{'s' * (length > 1)} burnt"


def cases() -> Sequence[Case]:
    clips = present((TUNING, RISING, PEOPLE, FLOWER))
    smooth = [_case(clip, group_of(length), length, _CLEAN) for length in LENGTHS for clip in clips]
    return [*smooth, *(_case(clip, FILM, LENGTHS[-1], _AGE) for clip in clips)]


def _case(clip: Clip, group: str, length: int, settings: AgeSettings) -> Case:
    frames = taken(clip, START + length + AROUND, WIDTH)
    bad = list(range(START, START + length))
    whole = [index for index in range(len(frames)) if index not in bad]
    film = grey([film.frame for film in age(frames, settings, SEED)])
    clean = grey([film.frame for film in age(frames, replace(settings, grain=0, noise=0), SEED)])
    given = film.copy()
    given[bad] = _burnt(film[bad])

    def measure(made: Planes) -> Measures:
        touched = np.array([changed(one, other).any() for one, other in zip(made, given, strict=True)])
        figures = {"psnr": psnr(made[bad], clean[bad]), "ssim": ssim(made[bad], clean[bad])}
        grain = {"detail": 100 * _detail(made[bad]) / _detail(film[bad])}
        return {**figures, **(grain if settings.grain else {}), "others": float(touched[whole].sum())}

    return Case(group, clip.name, clip.tuning, given, measure, {"bad": tuple(bad)})


def _detail(frames: Planes) -> float:
    """Deviation of what is finer than about three pixels, where pictures are even: mostly grain."""
    fine = [plane - cv2.GaussianBlur(plane, (0, 0), 1.5) for plane in frames.astype(np.float32)]
    return float(np.median([np.sqrt(np.maximum(cv2.blur(plane**2, (16, 16)), 0)) for plane in fine]))


def _burnt(frames: Planes) -> Planes:
    """White-hot holes over most of the picture, others in every frame."""
    rng = np.random.default_rng(SEED)
    result = []
    for frame in frames:
        height = frame.shape[0]
        noise = cv2.GaussianBlur(rng.standard_normal(frame.shape), (0, 0), height / 14)
        holes = np.clip((noise / noise.std() + 0.6) * 3, 0, 1)
        result.append(np.round(frame * (1 - holes) + 235 * holes).astype(np.uint8))
    return np.stack(result)


def _between(name: str, program: str, grid: Sequence[Settings]) -> Tool:
    """A peer that makes films faster: it sees every (length + 1)-th frame, the two beside the burst among them, and
    makes those between."""

    def make(case: Case, settings: Settings) -> Made:
        bad = case.facts["bad"]
        times = len(bad) + 1
        phase = (bad[0] - 1) % times
        seen = case.given[phase::times]
        made = others.made(program, seen, {"times": times, **settings})
        place = bad[0] - phase
        planes = case.given.copy()
        planes[list(bad)] = made.planes[place : place + len(bad)]
        return Made(planes, made.seconds)

    return Tool(name, make, grid=tuple(grid))


def _faded(case: Case, settings: Settings) -> Made:
    bad, planes = case.facts["bad"], case.given.copy()
    first, last = (planes[index].astype(np.float64) for index in (bad[0] - 1, bad[-1] + 1))
    for step, index in enumerate(bad, start=1):
        share = step / (len(bad) + 1)
        planes[index] = np.round((1 - share) * first + share * last).astype(np.uint8)
    return Made(planes, 0.0)


TASK = Task(
    name="bursts",
    title="Burnt and missing frames",
    how=(
        f"One, two or four frames in a row are burnt through, in clips of {WIDTH} pixels' width, without any "
        "other damage and in film with grain, weave, transfer noise and JPEG. Resilver has to find them; "
        "peers cannot, and are told. Truth is the film without grain: in `film` a smooth frame then counts "
        "for more than one whose grain is like that of its neighbours, and where the gate held the frame "
        "nobody can know."
    ),
    wrong=(
        "- A single burnt frame is rebuilt a little worse than by FFmpeg's overlapped blocks or mvtools'.\n"
        "- What moved in a curve or turned while it was burnt comes out on a straight way between both sides.\n"
        "- A frame burnt over a part only counts as dirt if that part is small enough, else it is left.\n"
        "- Bursts of more than four frames are left alone."
    ),
    figures=(
        Figure("psnr", "PSNR, dB", "of the rebuilt frames"),
        Figure("ssim", "SSIM", "of the rebuilt frames", 4),
        Figure(
            "detail", "grain, %", "fine detail of the rebuilt frames beside that of the film itself, in even places", 0
        ),
        Figure("others", "others", "whole frames that were changed, on average", 1, more_is_better=False),
    ),
    headline="psnr",
    cases=cases,
    seeds=(SEED,),
    tools=(
        mine("Resilver", StageSettings("repair", {"dirt": False, "lines": False})),
        _between("FFmpeg minterpolate", "ffmpeg-minterpolate", varied(mc_mode=("obmc", "aobmc"), vsbmc=(0, 1))),
        _between("mvtools FlowFPS", "flow-fps", varied(block=(8, 16, 32), mask=(0, 1, 2))),
        _between("mvtools BlockFPS", "block-fps", varied(block=(8, 16, 32), mode=(0, 3))),
        Tool("cross-fade", _faded),
        nothing(),
    ),
    asked=tuple(
        Asked("nearer to the truth than the best peer", "Resilver", "psnr", group_of(length), margin=0.0)
        for length in LENGTHS
    ),
)
