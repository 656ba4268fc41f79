"""Runs stabilise over a clip held in memory, and tells where its picture truly was."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.domain.formats import FrameFormat
from resilver_server.lab.age import AgedFrame
from resilver_server.lab.pictures import Image
from resilver_server.stages.contract import StageContext, State, Window
from resilver_server.stages.stabilise import run
from resilver_server.stages.stabilise.spec import SPEC, StabiliseParameters
from support.flicker import analysis_frame, clock_of, stacked

Array = npt.NDArray[np.float64]
DEFAULT = StabiliseParameters()


def measured(
    frames: Sequence[Image], start: int = 0, parameters: StabiliseParameters = DEFAULT
) -> list[dict[str, npt.NDArray[np.generic]]]:
    analyser = run.Analyser(parameters)
    seen = [analysis_frame(start + k, frame) for k, frame in enumerate(frames)]
    return [analyser.measure(frame, seen[k - 1] if k else None) for k, frame in enumerate(seen)]


def solved(
    frames: Sequence[Image], clock: Clock, rate: Fraction, parameters: StabiliseParameters = DEFAULT
) -> dict[str, npt.NDArray[np.generic]]:
    return dict(run.solve(stacked(measured(frames, 0, parameters)), clock, rate, parameters))


def rendered(
    frames: Sequence[Image], clock: Clock, state: State, parameters: StabiliseParameters = DEFAULT
) -> list[Image]:
    """The clock's frames after stabilise, as they would be stored: 0..1."""
    form = FrameFormat(frames[0].shape[-1], frames[0].shape[-2])
    session = run.open_session(parameters, StageContext(form, form, torch.device("cpu"), torch.float32, {}))
    results = []
    for entry in range(len(clock)):
        scene, radius = clock.scene(entry), SPEC.radius(parameters)
        near = range(max(scene.start, entry - radius), min(scene.stop, entry + radius + 1))
        rows = {name: values[near.start : near.stop] for name, values in state.items()}
        pictures = torch.stack([torch.from_numpy(frames[clock.frames[k]]) for k in near])
        results.append(np.clip(session.process(Window(pictures, entry - near.start, rows)).numpy(), 0, 1))
    return results


def stabilised(
    frames: Sequence[Image], rate: Fraction, parameters: StabiliseParameters = DEFAULT, walls: tuple[int, ...] = ()
) -> list[Image]:
    clock = clock_of(len(frames), rate, walls)
    return rendered(frames, clock, solved(frames, clock, rate, parameters), parameters)


def places(aged: Sequence[AgedFrame]) -> Array:
    """(n, 2) where the picture truly lies, pixels right and down.

    OpenCV's bicubic kernel (a = -0.75), by which the laboratory moves pictures, moves them by up to 0.047 pixel more or
    less than it is asked to: its weights' first moment is not the shift. Seen on a ramp.
    """
    return np.array([[_truly(float(value)) for value in frame.weave] for frame in aged])


def _truly(shift: float) -> float:
    ramp = np.tile(np.arange(64, dtype=np.float32), (3, 1))
    matrix = np.array([[1, 0, abs(shift)], [0, 1, 0]], np.float64)
    moved = cv2.warpAffine(ramp, matrix, (64, 3), flags=cv2.INTER_CUBIC)
    return float(np.sign(shift) * (ramp - moved)[1, 32])


def fast(course: Array, rate: Fraction, above: float = 2.0) -> Array:
    """What of a course (n, k) is faster than ``above`` Hz. It is continued beyond its ends, turned about them: neither
    where it ends nor which way it goes counts as a jump."""
    line = np.linspace(course[0], course[-1], len(course))
    level = course - line
    round_ = np.concatenate([level, -level[-2:0:-1]])
    spectrum = np.fft.rfft(round_, axis=0)
    spectrum[np.fft.rfftfreq(len(round_), 1 / float(rate)) < above] = 0
    return np.asarray(np.fft.irfft(spectrum, len(round_), axis=0)[: len(course)], np.float64)


def deviation(course: Array) -> float:
    """Root of the mean square of (n, k), the worse of the k."""
    return float(np.sqrt((course**2).mean(axis=0)).max())


def panned(still: Image, course: Array, height: int, width: int) -> list[Image]:
    """Cuttings of a large still whose picture moves along ``course`` (n, 2), pixels right and down, to sub-pixels: cut
    at twice the size, where linear interpolation moves by what it is asked to, and halved."""
    frames = []
    for x, y in course:
        matrix = np.array([[1, 0, 2 * x], [0, 1, 2 * y]], np.float64)
        planes = [cv2.warpAffine(plane, matrix, (2 * width, 2 * height), flags=cv2.INTER_LINEAR) for plane in still]
        halved = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA) for plane in planes]
        frames.append(np.stack(halved).astype(np.float32))
    return frames
