"""Upright line scratches that stay for seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from resilver_server.domain.recipes import StageSettings
from resilver_server.lab.age import AgeSettings, age

from ..clips import SHORT, Clip, Planes, grey, present, taken
from ..figures import BORDER, Flags, changed, psnr, share
from ..task import RATE, Asked, Case, Figure, Measures, Task, mine, nothing, peer, varied

COUNT, WIDTH, SEED, SEEN = 32, 448, 33, 12
GROUP = "three at a time"
_AGE = replace(
    AgeSettings(), lost=0, repeated=0, dirt=0, flicker_gain=0, flicker_gamma=0, flicker_local=0, scratches=3.0
)


def cases() -> Sequence[Case]:
    return [_case(clip) for clip in present(SHORT)]


def _case(clip: Clip) -> Case:
    frames = taken(clip, COUNT, WIDTH)
    aged = list(age(frames, _AGE, SEED))
    given = grey([film.frame for film in aged])
    truth = grey([film.frame for film in age(frames, replace(_AGE, scratches=0), SEED)])
    lines = np.stack([film.scratch_mask for film in aged])
    return Case(GROUP, clip.name, clip.tuning, given, lambda made: _measured(made, given, truth, lines))


def _measured(made: Planes, given: Planes, truth: Planes, lines: Flags) -> Measures:
    made, given, truth = (planes[BORDER] for planes in (made, given, truth))
    lines = lines[BORDER]
    before, after = (np.abs(planes.astype(np.int16) - truth) for planes in (given, made))
    seen = lines & (before >= SEEN)
    return {
        "inside": psnr(made, truth, lines),
        "gone": share((after <= before / 2)[seen]),
        "outside": psnr(made, given, ~lines),
        "false": share(changed(made, given)[~lines]),
    }


TASK = Task(
    name="lines",
    title="Line scratches",
    how=(
        f"{COUNT} frames of {WIDTH} pixels' width at {RATE} a second, aged with three scratches at a time, "
        "grain, weave, transfer noise and JPEG. Truth is the same film without scratches, its grain included."
    ),
    wrong=(
        "- A scratch that stands still on a scene that stands still stays (a shot from a tripod without any "
        "weave).\n"
        "- At both ends of a scratch's life some frames are missed where it was too faint.\n"
        "- A thin upright of the scene that stays on the screen while everything around it moves would be "
        "taken for one."
    ),
    figures=(
        Figure("inside", "inside, dB", "PSNR in the pixels that lines cover by a twentieth or more"),
        Figure(
            "gone", "gone, %", "of the pixels that a line moved by 12/255 or more, those whose error is at most half", 1
        ),
        Figure("outside", "outside, dB", "PSNR against the film as given, where there is no line: 99 is untouched"),
        Figure("false", "false, %", "pixels without a line that were changed", 3, more_is_better=False),
    ),
    headline="inside",
    cases=cases,
    seeds=(SEED,),
    tools=(
        mine("Resilver", StageSettings("repair")),
        peer("FFmpeg removegrain", "ffmpeg-removegrain", varied(mode=(1, 2, 3, 4, 5, 11, 17, 19, 20))),
        peer("FFmpeg tmedian", "ffmpeg-median", varied(radius=(1, 2, 3, 5))),
        peer("VerticalCleaner", "vertical-cleaner", varied(mode=(1, 2))),
        peer(
            "DeScratch", "descratch", varied(contrast=(2, 5, 10, 20), width=(1, 3, 5), keep=(50, 100), length=(30, 100))
        ),
        nothing(),
    ),
    asked=(Asked("more of the lines gone than by the best peer", "Resilver", "inside", GROUP, margin=0.0),),
)
