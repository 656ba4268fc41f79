"""Brightness that flickers, of the whole frame and in parts of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from resilver_server.domain.recipes import StageSettings
from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.pictures import Image

from ..clips import LONG, Clip, Planes, grey, present, taken
from ..figures import psnr
from ..task import RATE, Asked, Case, Figure, Measures, Task, mine, nothing, peer, varied

COUNT, WIDTH, SEED, BLOCK = 64, 320, 37, 32
STEADY, FADE = "steady scene", "scene that fades"
_AGE = replace(AgeSettings(), lost=0, repeated=0, dirt=0, scratches=0)
_STILL = replace(_AGE, flicker_gain=0, flicker_gamma=0, flicker_local=0)
_DARKEST = 0.35
Values = npt.NDArray[np.float64]


def cases() -> Sequence[Case]:
    return [_case(clip, group) for group in (STEADY, FADE) for clip in present(LONG)]


def _case(clip: Clip, group: str) -> Case:
    frames = taken(clip, COUNT, WIDTH)
    frames = _faded(frames) if group == FADE else frames
    given = grey([film.frame for film in age(frames, _AGE, SEED)])
    truth = grey([film.frame for film in age(frames, _STILL, SEED)])
    return Case(group, clip.name, clip.tuning, given, lambda made: _measured(made, truth))


def _faded(frames: Sequence[Image]) -> list[Image]:
    """Down to a third of its light over the second half, as was meant."""
    levels = np.interp(np.arange(len(frames)), [0, len(frames) / 2, len(frames) - 1], [1, 1, _DARKEST])
    return [(frame * level).astype(np.float32) for frame, level in zip(frames, levels, strict=True)]


def _measured(made: Planes, truth: Planes) -> Measures:
    whole = _ratios(made, truth, truth.shape[1:])[:, 0]
    parts = _ratios(made, truth, (BLOCK, BLOCK))
    level = float(np.exp(-whole.mean()))
    return {
        "error": 100 * float((whole - whole.mean()).std()),
        "fast": 100 * float(_fast(whole[:, None]).std()),
        "parts": 100 * float(_fast(parts).std()),
        "psnr": psnr(np.clip(np.round(made * level), 0, 255).astype(np.uint8), truth),
    }


def _ratios(made: Planes, truth: Planes, size: tuple[int, ...]) -> Values:
    """(frames, blocks) log of a block's mean over the true one's."""
    rows, columns = (truth.shape[1] // size[0], truth.shape[2] // size[1])
    means = [
        planes[:, : rows * size[0], : columns * size[1]]
        .reshape(len(planes), rows, size[0], columns, size[1])
        .mean(axis=(2, 4), dtype=np.float64)
        for planes in (made, truth)
    ]
    return np.asarray(np.log((means[0] + 1) / (means[1] + 1)).reshape(len(made), -1), np.float64)


def _fast(values: Values) -> Values:
    """What a centred mean over half a second leaves, along the first axis."""
    size = round(float(RATE) / 2) // 2 * 2 + 1
    padded = np.pad(values, ((size // 2, size // 2), (0, 0)), mode="reflect")
    sums = np.cumsum(np.pad(padded, ((1, 0), (0, 0))), axis=0)
    return np.asarray(values - (sums[size:] - sums[:-size]) / size, np.float64)


TASK = Task(
    name="deflicker",
    title="Flicker",
    how=(
        f"{COUNT} frames of {WIDTH} pixels' width at {RATE} a second, aged with flicker of the whole frame (6 "
        "%), of its gamma and in parts of it (4 %), grain, weave, transfer noise and JPEG. Brightness is "
        "compared with that of the film without flicker, as a ratio. In `scene that fades` the scene itself "
        "goes down to a third in its second half, which has to stay."
    ),
    wrong=(
        "- Flicker slower than a scene's own changes of light is kept in part.\n"
        "- The brightness of the whole clip is not brought back to the scene's, which nothing in the film "
        "tells."
    ),
    figures=(
        Figure(
            "error",
            "brightness, %",
            "standard deviation of the mean brightness over the true one",
            2,
            more_is_better=False,
        ),
        Figure(
            "fast",
            "fast, %",
            "what of it a mean over half a second leaves: what flickers to the eye",
            2,
            more_is_better=False,
        ),
        Figure("parts", "parts, %", f"the same in blocks of {BLOCK} pixels", 2, more_is_better=False),
        Figure(
            "psnr",
            "PSNR, dB",
            "against the film without flicker, its grain included, after one gain for the whole clip",
        ),
    ),
    headline="psnr",
    cases=cases,
    seeds=(SEED,),
    tools=(
        mine("Resilver", StageSettings("deflicker")),
        peer(
            "FFmpeg deflicker",
            "ffmpeg",
            varied(mode=("am", "gm", "median", "pm"), size=(5, 9, 15, 31, 63)),
            filter="deflicker",
        ),
        nothing(),
    ),
    asked=(
        Asked("nearer to the truth than the best peer", "Resilver", "psnr", STEADY, margin=0.0),
        Asked("the same", "Resilver", "psnr", FADE, margin=0.0),
        Asked("less fast flicker than the best peer", "Resilver", "fast", STEADY, margin=0.0),
    ),
)
