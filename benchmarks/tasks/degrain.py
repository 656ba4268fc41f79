"""Grain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from resilver_server.domain.recipes import StageSettings
from resilver_server.lab.age import AgeSettings, age

from ..clips import SHORT, Clip, Planes, grey, present, taken
from ..figures import psnr, ssim
from ..task import RATE, Asked, Case, Figure, Measures, Task, mine, nothing, peer, varied

COUNT, WIDTH, SEED = 16, 448, 41
LIGHT, HEAVY = "light grain", "heavy grain"
_STRENGTHS = {LIGHT: 0.025, HEAVY: 0.05}
_AGE = replace(AgeSettings(), lost=0, repeated=0, dirt=0, scratches=0, flicker_gain=0, flicker_gamma=0, flicker_local=0)


def cases() -> Sequence[Case]:
    return [_case(clip, group) for group in _STRENGTHS for clip in present(SHORT)]


def _case(clip: Clip, group: str) -> Case:
    frames = taken(clip, COUNT, WIDTH)
    given = grey([film.frame for film in age(frames, replace(_AGE, grain=_STRENGTHS[group]), SEED)])
    truth = grey([film.aligned for film in age(frames, replace(_AGE, grain=0), SEED)])

    def measure(made: Planes) -> Measures:
        return {"psnr": psnr(made, truth), "ssim": ssim(made, truth)}

    return Case(group, clip.name, clip.tuning, given, measure)


TASK = Task(
    name="degrain",
    title="Grain",
    how=(
        f"{COUNT} frames of {WIDTH} pixels' width at {RATE} a second with grain (deviation of 2.5 % and of 5 % "
        "in mid tones), weave, transfer noise and JPEG. Truth is the film without any of them. By default "
        "Resilver takes out half of the grain, since film shall stay film; the second line takes out all of "
        "it, as peers do."
    ),
    wrong=(
        "- Grain that a codec froze cannot be told from texture, and stays.\n"
        "- PSNR likes pictures that are too smooth. The amount is a matter of taste, and half is the default."
    ),
    figures=(
        Figure("psnr", "PSNR, dB", "against the film without grain"),
        Figure("ssim", "SSIM", "likewise", 4),
    ),
    headline="psnr",
    cases=cases,
    seeds=(SEED,),
    tools=(
        mine("Resilver", StageSettings("degrain")),
        mine("Resilver, all of it", StageSettings("degrain", {"amount": 1.0})),
        peer("FFmpeg hqdn3d", "ffmpeg", varied(luma_spatial=(4, 8, 16), luma_tmp=(6, 12, 24)), filter="hqdn3d"),
        peer("FFmpeg nlmeans", "ffmpeg", varied(s=(2, 4, 6, 9, 14), p=(7,), r=(11,)), filter="nlmeans"),
        peer("FFmpeg fftdnoiz", "ffmpeg", varied(sigma=(4, 8, 16, 30), prev=(0, 1), next=(1,)), filter="fftdnoiz"),
        peer("FFmpeg bm3d", "ffmpeg", varied(sigma=(10, 20, 40, 80)), filter="bm3d"),
        peer("TTempSmooth", "temporal-smooth", varied(radius=(2, 4), threshold=(16, 32, 64))),
        peer("mvtools Degrain", "degrain", varied(radius=(1, 2, 3), block=(8, 16), sad=(400, 800, 1600))),
        nothing(),
    ),
    asked=(
        Asked("nearer to the truth than the best peer", "Resilver, all of it", "psnr", LIGHT, margin=0.0),
        Asked("the same", "Resilver, all of it", "psnr", HEAVY, margin=0.0),
    ),
)
