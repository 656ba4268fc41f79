"""Colour: one frame is given in colour, the others in grey."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch

from resilver_server.domain.recipes import StageSettings
from resilver_server.lab import colour as lab
from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.measure import psnr
from resilver_server.lab.pictures import Image
from resilver_server.models.architectures import TaughtParameters
from resilver_server.models.colourise import joined, taught_chroma
from resilver_server.models.loader import load
from resilver_server.models.nets.taught import Taught
from resilver_server.models.store import require
from resilver_server.training.crops import Crops
from resilver_server.training.references import read_references
from resilver_server.training.training import Lesson, train

from ..clips import BUNNY, FLOWER, PEOPLE, Clip, Planes, grey, present, rounded, taken
from ..others import Settings
from ..ours import Made, coloured
from ..task import RATE, Asked, Case, Figure, Measures, Task, Tool, varied

COUNT, AGED, WIDTH, SEED = 49, 25, 320, 47
MOVING, STANDING, FILM = "one key frame", "one key frame, camera stands", "with flicker and grain, camera stands"
_MOVING = (
    replace(BUNNY, name="bunny, early", first=0, tuning=True),
    replace(BUNNY, name="bunny, from 60", first=60),
    replace(FLOWER, name="flower, from 0", first=0),
    replace(FLOWER, name="flower, from 90", first=90),
)
_STANDING = (replace(PEOPLE, name="people, from 200", first=200), replace(PEOPLE, name="people, from 600", first=600))
_AGE = replace(AgeSettings(), lost=0, repeated=0, dirt=0, scratches=0, weave=0)
_SECOND, _SPAN, _EACH, _STEPS = 24, 36, 2, 120
_SIDE = 96
"""Pixels of the pieces that the network learns from."""


_ALL = {clip.name: clip for clip in (*_MOVING, *_STANDING)}


def cases() -> Sequence[Case]:
    moving, standing = present(_MOVING), present(_STANDING)
    keyed = [*(_keyed(clip, MOVING) for clip in moving), *(_keyed(clip, STANDING) for clip in standing)]
    return [*keyed, *(_aged(clip) for clip in standing)]


def _keyed(clip: Clip, group: str) -> Case:
    return _case(clip, group, taken(clip, COUNT, WIDTH))


def _aged(clip: Clip) -> Case:
    """Truth is the aged luma with the clean film's chroma, as far as that fits."""
    clean = taken(clip, AGED, WIDTH)
    aged = [film.frame for film in age(clean, _AGE, SEED)]
    return _case(clip, FILM, [_within(frame + lab.chroma(true)) for frame, true in zip(aged, clean, strict=True)])


def _case(clip: Clip, group: str, truth: Sequence[Image]) -> Case:
    steady = lab.still(taken(clip, len(truth), WIDTH))

    def measure(made: Planes) -> Measures:
        frames = [plane.astype(np.float32) / 255 for plane in made]
        each = [psnr(frame, true) for frame, true in zip(frames[1:], truth[1:], strict=True)]
        figures = {"mean": float(np.mean(each)), "last": each[-1], "cdc": 1000 * lab.distribution_change(frames)}
        return {**figures, "unrest": lab.unrest(frames, steady)} if steady.any() else figures

    return Case(group, clip.name, clip.tuning, grey(truth), measure, keys={0: rounded(truth[0])})


def _within(frame: Image) -> Image:
    return np.asarray(frame.clip(0, 1), np.float32)


def _resilver(case: Case, settings: Settings) -> Made:
    return coloured(case.given, case.keys, RATE, StageSettings("colour"))


def _simple(name: str, way: Callable[..., Iterable[Image]], grid: tuple[Settings, ...] = ({},)) -> Tool:
    """A baseline of the laboratory, in this process."""

    def make(case: Case, settings: Settings) -> Made:
        key = case.keys[0].astype(np.float32) / 255
        frames = [plane.astype(np.float32) / 255 for plane in case.given[1:]]
        begun = time.perf_counter()
        found = [rounded(frame) for frame in way(frames, key, **settings)]
        return Made(np.stack([case.keys[0], *found]), time.perf_counter() - begun)

    return Tool(name, make, grid=grid)


def _untouched(case: Case, settings: Settings) -> Made:
    return Made(np.repeat(case.given[:, None], 3, axis=1), 0.0)


def _by_network(case: Case, settings: Settings) -> Made:
    """Each frame by itself, the first one too."""
    network = _taught(_ALL[case.clip])
    begun = time.perf_counter()
    made = []
    for plane in case.given:
        light = torch.from_numpy(plane.astype(np.float32) / 255)
        made.append(rounded(joined(light, taught_chroma(network, light, WIDTH)).numpy()))
    return Made(np.stack(made), time.perf_counter() - begun)


@cache
def _taught(clip: Clip) -> Taught:
    """A network that knows other frames of the film, a second away and more."""
    torch.manual_seed(SEED)
    network = Taught(TaughtParameters())
    network.encoder.load_state_dict(load(require("efficientnet-lite0"), "cpu").module.state_dict())
    with tempfile.TemporaryDirectory() as folder:
        for number, frame in enumerate(_lessons(clip)):
            cv2.imwrite(str(Path(folder) / f"{number}.png"), rounded(frame)[::-1].transpose(1, 2, 0))
        crops = Crops(read_references(Path(folder)), SEED, side=_SIDE)
        train(network, Lesson(crops, _STEPS, clip.name), Path(folder) / "kept", torch.device("cpu"), _silent)
    return network.eval()


def _lessons(clip: Clip) -> list[Image]:
    """From before the clip where there is enough, else from behind it."""
    before = clip.first - _SPAN - _SECOND
    first = before if before >= 0 else clip.first + COUNT + _SECOND
    return taken(replace(clip, first=first), _SPAN, WIDTH)[::_EACH]


def _silent(done: int, total: int) -> None:
    return


TASK = Task(
    name="colour",
    title="Colour",
    how=(
        f"Clips of {COUNT} frames of {WIDTH} pixels' width are turned grey; the first one is given in colour. "
        f"`{FILM}`: {AGED} frames under flicker (6 %, and 4 % in parts) and grain, the given frame too; truth is "
        "the aged film's brightness with the clean film's colours. These peers are simple ways of our own "
        "laboratory, run in the same process: the given frame's colours left where they lay; the same warped from "
        "frame to frame by optical flow (DIS, medium); and two that colour each frame by itself, from the given one "
        "by brightness and texture (Welsh et al. 2002), and by the small network of `resilver colour train`, here "
        f"taught in {_STEPS} short steps on {_SPAN // _EACH} frames of the same film, none nearer than a second. It "
        "sees no given frame. No published network is among them, since their weights are in no package."
    ),
    wrong=(
        "- What comes into the picture, or turns, has no colours in the given frame: there the stage guesses from "
        "what lies around, hardly better than stretched flow. Give another key frame where the advice says.\n"
        "- Where light changes, colours of the given frame are carried as they were.\n"
        "- These are small pictures; whole ones are in `docs/decisions/1210-colour-goes-over-stones.md`."
    ),
    figures=(
        Figure("mean", "mean, dB", "mean of the frames' RGB PSNR, without the given one"),
        Figure("last", "last, dB", "RGB PSNR of the last frame"),
        Figure(
            "cdc",
            "CDC x 1000",
            "change of the distribution of colours over 1, 2 and 4 frames (Jensen-Shannon); the less the calmer, "
            "and a film's own is not 0",
            more_is_better=False,
        ),
        Figure(
            "unrest", "unrest, codes", "r.m.s. over time of Cb and Cr where nothing moves, 8 bits", more_is_better=False
        ),
    ),
    headline="mean",
    cases=cases,
    seeds=(SEED,),
    tools=(
        Tool("Resilver", _resilver, "ours"),
        _simple("copied", lab.copied),
        _simple("warped from frame to frame", lab.chained),
        _simple("each frame by brightness", lab.transferred, varied(samples=(50, 200, 800), radius=(1, 2, 4))),
        Tool("each frame by a network", _by_network),
        Tool("nothing done", _untouched, "nothing"),
    ),
    asked=(
        Asked("mean of at least 35 dB", "Resilver", "mean", MOVING, at_least=35.0),
        Asked("the same", "Resilver", "mean", STANDING, at_least=35.0),
        Asked("last frame at least 2 dB above the best peer", "Resilver", "last", MOVING, margin=2.0),
        Asked("chroma unrest below 0.5 codes", "Resilver", "unrest", FILM, at_most=0.5),
    ),
)
