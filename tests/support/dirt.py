"""Runs repair over a clip held in memory, makes dirty clips with known truth, and does what simple peers would do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.formats import FrameFormat
from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.pictures import Image, to_luma
from resilver_server.stages.contract import Made, StageContext, State, Window
from resilver_server.stages.deflicker import run as deflicker
from resilver_server.stages.deflicker.spec import DeflickerParameters
from resilver_server.stages.repair import run
from resilver_server.stages.repair.spec import SPEC, RepairParameters

from .flicker import analysis_frame, clock_of, measured, rendered, stacked

Flags = npt.NDArray[np.bool_]
RATE = Fraction(16)
SEEN = 12 / 255
"""Differences from the clean frame that dirt has at least, to be looked for."""
_AGE = replace(AgeSettings(), lost=0, repeated=0, scratches=0)


@dataclass(frozen=True)
class Dirty:
    """A clip after deflicker, with and without its dirt."""

    frames: list[Image]
    without: list[Image]
    """The same grain, weave and transfer."""
    clean: list[Image]
    """The same without grain: of the same brightness, which deflicker does not bring back to that of the scene."""
    dirt: list[Flags]
    """(height, width): where any dirt lies."""

    def truth(self, index: int) -> Flags:
        """(height, width): dirt that differs enough to be looked for."""
        difference = np.abs(self.frames[index] - self.without[index]).max(axis=0)
        return self.dirt[index] & (difference >= SEEN)


def dirty(frames: Sequence[Image], seed: int, dirt: float = 8.0, grain: float = _AGE.grain) -> Dirty:
    """Ages a clip with dirt, without, and without grain too; the flicker is taken out of all as it would be of the
    dirty one."""
    with_dirt = list(age(frames, replace(_AGE, dirt=dirt, grain=grain), seed))
    without = [aged.frame for aged in age(frames, replace(_AGE, dirt=0, grain=grain), seed)]
    clean = [aged.frame for aged in age(frames, replace(_AGE, dirt=0, grain=0), seed)]
    given = [aged.frame for aged in with_dirt]
    clock = clock_of(len(given), RATE)
    state = deflicker.solve(stacked(measured(given)), clock, RATE, DeflickerParameters())
    steady = (rendered(clip, clock, state) for clip in (given, without, clean))
    return Dirty(*steady, [aged.dirt_mask for aged in with_dirt])


def solved(frames: Sequence[Image], parameters: RepairParameters, walls: tuple[int, ...] = ()) -> State:
    analyser = run.Analyser(parameters)
    seen = [analysis_frame(index, frame) for index, frame in enumerate(frames)]
    rows = [analyser.measure(frame, seen[index - 1] if index else None) for index, frame in enumerate(seen)]
    return run.solve(stacked(rows), clock_of(len(frames), RATE, walls), RATE, parameters)


def made(
    frames: Sequence[Image],
    parameters: RepairParameters,
    only: Sequence[int] | None = None,
    maps: Sequence[npt.NDArray[np.float32]] | None = None,
) -> list[Made]:
    """The clip, one scene, after repair, with the origin of its pixels; ``only`` these of its frames. ``maps``
    (height, width) of each frame: white where it is damaged."""
    state, radius = solved(frames, parameters), SPEC.radius(parameters)
    form = FrameFormat(frames[0].shape[-1], frames[0].shape[-2])
    session = run.open_session(parameters, StageContext(form, form, torch.device("cpu"), torch.float32, {}))
    results = []
    for index in only if only is not None else range(len(frames)):
        around = slice(max(0, index - radius), index + radius + 1)
        rows = {name: values[around] for name, values in state.items()}
        pictures, defects = (torch.from_numpy(np.stack(p[around])) if p else None for p in (frames, maps))
        assert pictures is not None
        with torch.inference_mode():
            results.append(session.process(Window(pictures, index - around.start, rows, index, defects)))
    return results


def repaired(
    frames: Sequence[Image], parameters: RepairParameters | None = None, only: Sequence[int] | None = None
) -> list[Image]:
    """The clip, one scene, after repair; ``only`` these of its frames."""
    return [result.frame.numpy() for result in made(frames, parameters or RepairParameters(), only)]


Peer = Callable[[Sequence[Image], int], Image]


def median(radius: int) -> Peer:
    """A plain temporal median over 2 radius + 1 frames."""

    def of(frames: Sequence[Image], index: int) -> Image:
        return np.asarray(np.median(np.stack(frames[index - radius : index + radius + 1]), axis=0), np.float32)

    return of


def compensated_median(radius: int) -> Peer:
    """A median over frames moved onto the middle one, in the manner of SpotLess."""

    def of(frames: Sequence[Image], index: int) -> Image:
        offsets = [offset for offset in range(-radius, radius + 1) if offset]
        moved = [_moved(frames[index], frames[index + offset]) for offset in offsets]
        return np.asarray(np.median(np.stack([frames[index], *moved]), axis=0), np.float32)

    return of


def _moved(frame: Image, other: Image) -> Image:
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    greys = [np.round(to_luma(picture).clip(0, 1) * 255).astype(np.uint8) for picture in (frame, other)]
    flow = search.calc(greys[0], greys[1], np.zeros((*greys[0].shape, 2), np.float32))
    rows, columns = np.mgrid[: frame.shape[-2], : frame.shape[-1]].astype(np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    planes = [cv2.remap(plane, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE) for plane in other]
    return np.stack(planes).astype(np.float32)


def burnt(frames: Sequence[Image], start: int, count: int, seed: int = 0) -> list[Image]:
    """The clip with ``count`` frames burnt through: white-hot holes over most of the picture."""
    rng = np.random.default_rng(seed)
    result = list(frames)
    for index in range(start, start + count):
        height, width = frames[index].shape[-2:]
        noise, tone = (
            cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), height / part)
            for part in (14, 30)
        )
        holes = np.clip((noise / noise.std() + 0.6) * 3, 0, 1)
        level = 0.75 + 0.25 * np.clip(tone / tone.std() * 0.5, -1, 1)
        result[index] = (frames[index] * (1 - holes) + level * holes).astype(np.float32)
    return result


def blank(frames: Sequence[Image], start: int, count: int, level: float) -> list[Image]:
    """The clip with ``count`` frames of one tone."""
    lost = range(start, start + count)
    return [np.full_like(frame, level) if index in lost else frame for index, frame in enumerate(frames)]
