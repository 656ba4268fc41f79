"""Draws line scratches as a running film gets them, harder ones than ageing draws, with their truth; and what simple
filters make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
import torch

from resilver_server.lab.pictures import Image
from resilver_server.stages.contract import AnalysisFrame, State
from resilver_server.stages.repair.lines import LineAnalyser, remove, solve_lines
from support.flicker import analysis_frame, clock_of, stacked

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scratch:
    """A line along the running film. Where it is on the film's length, it is on one frame after the other."""

    x: float
    """Frame widths, on average."""
    width: float
    """Pixels between half heights of its profile."""
    opacity: float
    colour: tuple[float, float, float]
    """Levels of red, green and blue, 0..1."""
    wander: float = 1.5
    """Pixels r.m.s. by which it strays, over some frames."""
    on: float = 1.0
    """Share of the film's length on which it is; interrupted several times in some frames below 1."""


def scratched(frames: Sequence[Image], scratches: Sequence[Scratch], seed: int) -> tuple[list[Image], list[Mask]]:
    """Frames with lines, and where these cover a twentieth or more."""
    height, width = frames[0].shape[-2:]
    lines = [
        _course(scratch, len(frames) * height, height, np.random.default_rng([seed, k]))
        for k, scratch in enumerate(scratches)
    ]
    results, masks = [], []
    for k, frame in enumerate(frames):
        result, mask = frame.copy(), np.zeros((height, width), bool)
        rows = slice(k * height, (k + 1) * height)
        for scratch, (path, strength) in zip(scratches, lines, strict=True):
            offset = np.arange(width)[None] - (scratch.x * width + path[rows, None])
            alpha = np.clip((scratch.width + 1.4 - 2 * np.abs(offset)) / 1.8, 0, 1) * scratch.opacity
            alpha = (alpha * strength[rows, None]).astype(np.float32)
            level = np.asarray(scratch.colour, np.float32)[:, None, None]
            result = (result * (1 - alpha) + level * alpha).astype(np.float32)
            mask |= alpha > 0.05
        results.append(result)
        masks.append(mask)
    return results, masks


def _course(scratch: Scratch, length: int, height: int, rng: np.random.Generator) -> tuple[Image, Image]:
    """Pixels beside its column, and strength 0..1, for every row of the film."""
    path = _smooth(rng, length, 8 * height) * scratch.wander
    strength = 0.8 + 0.2 * np.clip(_smooth(rng, length, height / 3), -1, 1)
    if scratch.on < 1:
        level = _smooth(rng, length, height / 2)
        strength = strength * np.clip(4 * (np.quantile(level, scratch.on) - level) + 0.5, 0, 1)
    return path.astype(np.float32), strength.astype(np.float32)


def _smooth(rng: np.random.Generator, length: int, scale: float) -> npt.NDArray[np.float64]:
    """Noise of deviation 1 that changes over about ``scale`` rows."""
    points = rng.standard_normal(int(length / scale) + 5)
    noise = np.interp(np.arange(length) / scale + 1.5, np.arange(len(points)), points)
    noise = cv2.GaussianBlur(noise[:, None], (0, 0), scale / 4)[:, 0]
    return np.asarray((noise - noise.mean()) / max(float(noise.std()), 1e-6), np.float64)


def solved(frames: Sequence[Image], rate: Fraction, walls: tuple[int, ...] = ()) -> State:
    clock = clock_of(len(frames), rate, walls)
    return solve_lines(stacked(measured(frames)), clock, rate)


def measured(frames: Sequence[Image]) -> list[dict[str, npt.NDArray[np.generic]]]:
    analyser = LineAnalyser()
    seen: list[AnalysisFrame] = [analysis_frame(k, frame) for k, frame in enumerate(frames)]
    return [analyser.measure(frame, seen[k - 1] if k else None) for k, frame in enumerate(seen)]


def removed(frames: Sequence[Image], state: State, entry: int, radius: int = 3) -> tuple[Image, Mask]:
    """One frame without its lines, and where it was changed."""
    first, last = max(0, entry - radius), min(len(frames), entry + radius + 1)
    window = torch.from_numpy(np.stack(frames[first:last]))
    rows = {name: values[first:last] for name, values in state.items()}
    result, mask = remove(window, entry - first, rows)
    return result.numpy(), mask.numpy()


def temporal_median(frames: Sequence[Image], entry: int, radius: int = 2) -> Image:
    """The median of the frames around, without motion."""
    near = frames[max(0, entry - radius) : entry + radius + 1]
    return np.asarray(np.median(np.stack(near), axis=0), np.float32)


def removegrain(frame: Image, mode: int) -> Image:
    """FFmpeg's filter of that name on every channel."""
    graph = av.filter.Graph()
    height, width = frame.shape[-2:]
    source = graph.add_buffer(width=width, height=height, format="gbrp", time_base=Fraction(1, 25))
    arguments = f"m0={mode}:m1={mode}:m2={mode}"
    graph.link_nodes(source, graph.add("removegrain", arguments), graph.add("buffersink")).configure()
    pixels = np.round(np.clip(frame, 0, 1) * 255).astype(np.uint8)
    given = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)), format="gbrp")
    given.pts, given.time_base = 0, Fraction(1, 25)
    graph.push(given)
    graph.push(None)
    return np.asarray(graph.pull().to_ndarray().transpose(2, 0, 1), np.float32) / 255


def psnr_inside(frame: Image, truth: Image, mask: Mask) -> float:
    """dB over the pixels of a mask; NaN where it is empty."""
    if not mask.any():
        return float("nan")
    return float(-10 * np.log10(np.mean((frame - truth)[:, mask].astype(np.float64) ** 2)))
