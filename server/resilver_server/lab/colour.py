"""How good colours are, and what simpler ways of carrying them reach: the baselines of every figure about colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from .pictures import Frame, Image, as_array, to_luma

_BINS = 256
_STEPS = (1, 2, 4)
_MOVES = 0.04
"""Difference of brightness over a clip above which a place moves."""


def distribution_change(frames: Iterable[Frame]) -> float:
    """CDC: how much the distribution of colours changes over 1, 2 and 4 frames, mean Jensen-Shannon divergence of the
    three channels' histograms; 0 where it does not (Liu et al., "Temporally Consistent Video Colorization with Deep
    Feature Propagation and Self-regularization Learning", 2021). NaN for a single frame."""
    shares = [_shares(as_array(frame)) for frame in frames]
    steps = [step for step in _STEPS if step < len(shares)]
    means = [np.mean([_divergence(a, b) for a, b in zip(shares, shares[step:], strict=False)]) for step in steps]
    return float(np.mean(means)) if means else math.nan


def copied(frames: Iterable[Frame], key: Frame) -> Iterator[Image]:
    """Baseline: each frame's luma with the key frame's chroma where it lay."""
    colour = chroma(key)
    for frame in frames:
        yield to_luma(frame) + colour


def chained(frames: Iterable[Frame], key: Frame) -> Iterator[Image]:
    """Baseline: chroma of the key frame, which lies just before the frames, warped from each frame to the next along
    DIS flow (medium preset, at full size)."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    colour = np.ascontiguousarray(chroma(key).transpose(1, 2, 0))
    for before, after in pairwise([key, *frames]):
        here, there = _eight(after), _eight(before)
        flow = search.calc(here, there, np.zeros((*here.shape, 2), np.float32))
        rows, columns = np.mgrid[: here.shape[0], : here.shape[1]].astype(np.float32)
        x, y = columns + flow[..., 0], rows + flow[..., 1]
        moved = cv2.remap(colour, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        colour = np.asarray(moved, np.float32)
        yield to_luma(after) + colour.transpose(2, 0, 1)


def transferred(frames: Iterable[Frame], key: Frame, samples: int = 200, radius: int = 2) -> Iterator[Image]:
    """Baseline: each frame by itself takes the key frame's chroma where brightness and its deviation, over a square of
    2 ``radius`` + 1 pixels, are most alike among ``samples`` places of a jittered grid (Welsh, Ashikhmin and Mueller,
    "Transferring Color to Greyscale Images", SIGGRAPH 2002: both weighted alike, the key's luma brought to the frame's
    mean and deviation)."""
    light = to_luma(key)
    places = _jittered(light.shape, samples)
    colour = chroma(key)[:, places[0], places[1]]
    for frame in frames:
        here = to_luma(frame)
        level = (light - light.mean()) * (here.std() / max(float(light.std()), 1e-3)) + here.mean()
        known = _texture(level, radius)[:, places[0], places[1]]
        own = _texture(here, radius).reshape(2, -1)
        apart = np.square(own[:, :, None] - known[:, None, :]).sum(axis=0)
        yield here + colour[:, apart.argmin(axis=1)].reshape(3, *here.shape)


def chroma(frame: Frame) -> Image:
    """(3, height, width): R', G' and B' less luma."""
    image = as_array(frame)
    return image - to_luma(image)


def unrest(frames: Sequence[Frame], still: npt.NDArray[np.bool_]) -> float:
    """R.m.s. over time, in 8-bit codes, of the chroma (Cb and Cr of BT.709) of (height, width) places that stand
    still."""
    pixels = [chroma(frame)[:, still] for frame in frames]
    scaled = np.stack([[part[2] / 1.8556, part[0] / 1.5748] for part in pixels]) * 224
    return float(np.sqrt(np.mean(np.var(scaled, axis=0))))


def still(frames: Sequence[Frame]) -> npt.NDArray[np.bool_]:
    """(height, width): where nothing moves in clean frames, some pixels around what does left out."""
    spread = np.ptp(np.stack([as_array(frame).mean(axis=0) for frame in frames]), axis=0)
    moving = cv2.GaussianBlur(spread, (0, 0), 1.5) > _MOVES
    return np.asarray(cv2.dilate(moving.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0)


def _jittered(shape: tuple[int, ...], samples: int) -> npt.NDArray[np.int64]:
    """(2, n) rows and columns: one place in each cell of a grid, the same ones each time."""
    random, edge = np.random.default_rng(1), math.sqrt(shape[0] * shape[1] / samples)
    rows, columns = (np.arange(0, side, edge) for side in shape)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij")).reshape(2, -1)
    placed = grid + random.random(grid.shape) * edge
    return np.asarray(np.minimum(placed, np.array(shape)[:, None] - 1), np.int64)


def _texture(light: Image, radius: int) -> Image:
    """(2, height, width): luma and its deviation around."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean, squares = cv2.blur(light, size), cv2.blur(light * light, size)
    return np.stack([light, np.sqrt(np.maximum(squares - mean * mean, 0))]).astype(np.float32)


def _shares(image: Image) -> npt.NDArray[np.float64]:
    codes = np.round(image.clip(0, 1) * (_BINS - 1)).astype(np.int64)
    return np.stack([np.bincount(plane.ravel(), minlength=_BINS) / plane.size for plane in codes])


def _divergence(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    middle = (a + b) / 2
    return float(np.mean([(_relative(x, m) + _relative(y, m)) / 2 for x, y, m in zip(a, b, middle, strict=True)]))


def _relative(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    held = a > 0
    return float(np.sum(a[held] * np.log(a[held] / b[held])))


def _eight(frame: Frame) -> npt.NDArray[np.uint8]:
    return np.asarray((to_luma(frame).clip(0, 1) * 255).round(), np.uint8)
