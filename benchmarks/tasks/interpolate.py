"""Frames between frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from resilver_server.domain.recipes import StageSettings

from ..clips import FLOWER, PEOPLE, RISING, TUNING, Clip, Planes, grey, present, taken
from ..figures import psnr, ssim
from ..others import Settings
from ..ours import Made
from ..task import RATE, Asked, Case, Figure, Measures, Task, Tool, mine, peer, varied

COUNT, WIDTH = 21, 448
GROUP = "every second frame left out"


def cases() -> Sequence[Case]:
    return [_case(clip) for clip in present((TUNING, RISING, PEOPLE, FLOWER))]


def _case(clip: Clip) -> Case:
    whole = grey(taken(clip, COUNT, WIDTH))
    given, truth = whole[::2], whole[1::2]

    def measure(made: Planes) -> Measures:
        between = made[1 : COUNT - 1 : 2]
        scores = [psnr(one, other) for one, other in zip(between, truth, strict=True)]
        return {"psnr": float(np.mean(scores)), "worst": min(scores), "ssim": ssim(between, truth)}

    return Case(GROUP, clip.name, clip.tuning, given, measure)


def _blended(case: Case, settings: Settings) -> Made:
    given = case.given.astype(np.uint16)
    made = np.repeat(case.given, 2, axis=0)[:-1]
    made[1::2] = ((given[:-1] + given[1:] + 1) // 2).astype(np.uint8)
    return Made(made, 0.0)


TASK = Task(
    name="interpolate",
    title="Frames between frames",
    how=(
        f"Of {COUNT} frames of {WIDTH} pixels' width every second is left out and computed again from the "
        f"others (undamaged, {RATE} to {2 * RATE} a second). People are filmed at ten frames a second: they "
        "step far."
    ),
    wrong=(
        "- Where little moves, or moves evenly, FFmpeg's overlapped blocks come nearer to the truth by half a "
        "dB to one.\n"
        "- Limbs that move by more than their own width from frame to frame dissolve.\n"
        "- PSNR hardly sees whether what moves fast is sharp at a slightly wrong place, or smeared at the "
        "right one."
    ),
    figures=(
        Figure("psnr", "PSNR, dB", "mean over the computed frames"),
        Figure("worst", "worst, dB", "PSNR of the worst of them"),
        Figure("ssim", "SSIM", "mean", 4),
    ),
    headline="psnr",
    cases=cases,
    tools=(
        mine("Resilver", StageSettings("interpolate", {"rate": str(2 * RATE)})),
        peer("FFmpeg minterpolate", "ffmpeg-minterpolate", varied(mc_mode=("obmc", "aobmc"), vsbmc=(0, 1)), times=2),
        peer("mvtools FlowFPS", "flow-fps", varied(block=(8, 16, 32), mask=(0, 1, 2)), times=2),
        peer("mvtools BlockFPS", "block-fps", varied(block=(8, 16, 32), mode=(0, 3)), times=2),
        Tool("mean of both frames", _blended),
    ),
    asked=(Asked("nearer to the truth than the best peer", "Resilver", "psnr", GROUP, margin=0.0),),
)
