"""Larger pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from resilver_server.domain.recipes import StageSettings
from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.pictures import Image

from ..clips import SHORT, Clip, Planes, grey, present, taken
from ..figures import psnr, ssim
from ..task import Asked, Case, Figure, Measures, Task, Tool, mine, peer, varied

COUNT, WIDTH, SEED = 4, 640, 43
TWICE, FOURFOLD, FILM = "clean, twice the size", "clean, four times the size", "film, twice the size"
_TIMES = {TWICE: 2, FOURFOLD: 4, FILM: 2}
_AGE = replace(
    AgeSettings(), lost=0, repeated=0, dirt=0, scratches=0, flicker_gain=0, flicker_gamma=0, flicker_local=0, weave=0
)


def cases() -> Sequence[Case]:
    return [_case(clip, group) for group in _TIMES for clip in present(SHORT)]


def _case(clip: Clip, group: str) -> Case:
    frames = [frame * np.float32(_AGE.white) for frame in taken(clip, COUNT, WIDTH)]
    small = [_reduced(frame, _TIMES[group]) for frame in frames]
    if group == FILM:
        small = [film.frame for film in age([frame / np.float32(_AGE.white) for frame in small], _AGE, SEED)]
    truth = grey(frames)

    def measure(made: Planes) -> Measures:
        return {"psnr": psnr(made, truth), "ssim": ssim(made, truth)}

    return Case(group, clip.name, clip.tuning, grey(small), measure)


def _reduced(frame: Image, times: int) -> Image:
    size = (frame.shape[2] // times, frame.shape[1] // times)
    small = cv2.resize(frame.transpose(1, 2, 0), size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small.transpose(2, 0, 1), np.float32)


def _tools(group: str) -> list[Tool]:
    """Everybody is told the size."""
    times = _TIMES[group]
    tools = [
        mine("Resilver", StageSettings("upscale", {"scale": float(times)})),
        peer("FFmpeg bicubic", "ffmpeg-scale", times=times, flags="bicubic"),
        peer("FFmpeg Lanczos", "ffmpeg-scale", times=times, flags="lanczos"),
        peer("Spline36", "spline", times=times),
        peer("nnedi3", "nnedi3", varied(neurons=(1, 3), window=(0, 4)), times=times),
    ]
    return [replace(tool, groups=(group,)) for tool in tools]


TASK = Task(
    name="upscale",
    title="Larger pictures",
    how=(
        f"{COUNT} frames of {WIDTH} pixels' width are reduced by averaging to a half and a quarter, and "
        "enlarged again; `film`: aged by grain, transfer noise and JPEG at the small size. Resilver takes the "
        "network that it takes on a CPU when nobody says which."
    ),
    wrong=(
        "- Four times the size, and on film with its grain, plain filters are nearer to the truth.\n"
        "- The networks invent detail that looks right and is not there: PSNR punishes that, the eye does "
        "not.\n"
        "- Grain is enlarged, or painted over, by networks that never saw film: reduce it before, and lay it "
        "on again after."
    ),
    figures=(
        Figure("psnr", "PSNR, dB", "against the large picture"),
        Figure("ssim", "SSIM", "likewise", 4),
    ),
    headline="psnr",
    cases=cases,
    seeds=(SEED,),
    tools=tuple(tool for group in _TIMES for tool in _tools(group)),
    asked=(Asked("nearer to the truth than the best peer", "Resilver", "psnr", TWICE, margin=0.0),),
)
