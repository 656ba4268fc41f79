"""Single damages of old film, each a random course over the frames and a pure function that applies one step of it.

Frames are (3, height, width) or (height, width) float32, 0..1, film's own (gamma-encoded) values. Courses are endless
iterators fed by a generator of their own, so that changing one damage leaves the others as they were. Lengths are in
fractions of the frame's height: the same settings look alike at every size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .pictures import Image

_SUBPIXEL = 4
"""Binary places that outlines are drawn with, below the pixel."""


def walk(rng: np.random.Generator, size: tuple[int, ...], deviation: float, memory: float) -> Iterator[Image]:
    """A bounded random walk: x' = memory * x + noise, whose standard deviation stays ``deviation``."""
    state = rng.standard_normal(size) * deviation
    step = deviation * float(np.sqrt(1 - memory**2))
    while True:
        yield state.astype(np.float32)
        state = memory * state + step * rng.standard_normal(size)


# Flicker


@dataclass(frozen=True)
class Flicker:
    """Exposure of one film frame: values become exp(field) * value ** gamma."""

    gamma: float
    field: Image
    """(rows, columns) log gains at evenly spaced points, corners included; smooth in between."""


def flickers(
    rng: np.random.Generator, gain: float, gamma: float, local: float, grid: tuple[int, int], memory: float
) -> Iterator[Flicker]:
    """``gain``, ``gamma`` and ``local`` are standard deviations, of logarithms."""
    gains = walk(rng, (1, 1), gain, memory)
    gammas = walk(rng, (1, 1), gamma, memory)
    fields = walk(rng, grid, local, memory)
    for log_gain, log_gamma, field in zip(gains, gammas, fields, strict=False):
        yield Flicker(float(np.exp(log_gamma[0, 0])), log_gain + field)


def apply_flicker(frame: Image, flicker: Flicker) -> Image:
    height, width = frame.shape[-2:]
    gains = np.exp(spread(flicker.field, height, width))
    exposed: Image = np.clip(gains * np.power(np.clip(frame, 0, 1), flicker.gamma), 0, 1).astype(np.float32)
    return exposed


def spread(points: Image, height: int, width: int) -> Image:
    """(height, width) from values at evenly spaced points, the outer ones on the frame's edge; bilinear."""
    rows = _interpolation(points.shape[0], height)
    columns = _interpolation(points.shape[1], width)
    return (rows @ points @ columns.T).astype(np.float32)


def _interpolation(points: int, size: int) -> Image:
    """(size, points) matrix of linear weights."""
    places = np.linspace(0, points - 1, size) if size > 1 else np.array([(points - 1) / 2])
    distance = np.abs(places[:, None] - np.arange(points)[None, :])
    weights: Image = np.clip(1 - distance, 0, 1).astype(np.float32)
    return weights


# Grain


def apply_grain(frame: Image, rng: np.random.Generator, strength: float, size: float) -> Image:
    """Adds one grain picture to all channels: deviation ``strength`` in mid tones, less in shadows and highlights.

    ``size`` is the sigma in pixels of the blur that gives grains their size. The same noise lies on every channel,
    as it does in black-and-white film.
    """
    if strength <= 0:
        return frame
    grain: Image = rng.standard_normal(frame.shape[-2:]).astype(np.float32)
    if size > 0:
        grain = cv2.GaussianBlur(grain, (0, 0), size).astype(np.float32)
        grain /= max(float(grain.std()), 1e-6)
    tone = 0.25 + 0.75 * np.sqrt(np.clip(4 * frame * (1 - frame), 0, 1))
    grainy: Image = np.clip(frame + strength * tone * grain, 0, 1).astype(np.float32)
    return grainy


# Dirt


@dataclass(frozen=True)
class Blotch:
    """A piece of dirt: an outline around the origin, and for how many more frames it stays."""

    outline: npt.NDArray[np.float64]
    """(n, 2) x, y in pixels."""
    level: float
    left: int


@dataclass(frozen=True)
class Layer:
    """Something that lies over the picture."""

    alpha: Image
    """(height, width) coverage, 0..1."""
    level: Image
    """(height, width) value where it covers."""


def dirt(rng: np.random.Generator, shape: tuple[int, int], rate: float, size: float, bright: float) -> Iterator[Layer]:
    """``rate`` new blotches a frame, median radius ``size`` heights, ``bright`` the share of bright ones."""
    living: list[Blotch] = []
    while True:
        living = [moved for blotch in living if (moved := _older(blotch, rng)) is not None]
        living += [_blotch(rng, shape, size, bright) for _ in range(rng.poisson(rate))]
        yield _drawn(living, shape)


def _older(blotch: Blotch, rng: np.random.Generator) -> Blotch | None:
    """Dirt that stays creeps a little."""
    if blotch.left <= 1:
        return None
    return Blotch(blotch.outline + rng.normal(0, 0.5, 2), blotch.level, blotch.left - 1)


def _blotch(rng: np.random.Generator, shape: tuple[int, int], size: float, bright: float) -> Blotch:
    """A closed curve whose radius wanders: irregular, at times a thread."""
    height, width = shape
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wander = sum(rng.normal(0, 0.35 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi)) for k in range(1, 6))
    radius = size * height * np.exp(rng.normal(0, 0.6)) * np.exp(wander)
    stretch = np.exp(rng.normal(0, 0.5))
    turn = rng.uniform(0, np.pi)
    x, y = radius * np.cos(angles) * stretch, radius * np.sin(angles) / stretch
    centre = rng.uniform(0, 1, 2) * (width, height)
    outline = np.stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], 1) + centre
    level = rng.uniform(0.85, 1.0) if rng.uniform() < bright else rng.uniform(0.0, 0.15)
    return Blotch(outline, float(level), int(rng.choice([1, 2, 3], p=[0.8, 0.15, 0.05])))


def _drawn(blotches: list[Blotch], shape: tuple[int, int]) -> Layer:
    alpha, level = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for blotch in blotches:
        one = np.zeros(shape, np.uint8)
        points = np.round(blotch.outline * (1 << _SUBPIXEL)).astype(np.int32)
        cv2.fillPoly(one, [points], 255, cv2.LINE_AA, _SUBPIXEL)
        covers = one > 0
        level[covers] = blotch.level
        alpha[covers] = np.maximum(alpha[covers], one[covers] / np.float32(255))
    return Layer(alpha, level)


# Scratches


@dataclass(frozen=True)
class Scratch:
    """A line worn into the film by one place of a machine, hence upright and lasting."""

    x: float
    drift: float
    tilt: float
    width: float
    opacity: float
    bright: bool
    left: int
    phase: float


def scratches(
    rng: np.random.Generator, shape: tuple[int, int], count: float, life: float, width: float
) -> Iterator[Layer]:
    """``count`` lines at a time on average, each for ``life`` frames on average, ``width`` heights wide."""
    living = [_scratch(rng, shape, life, width) for _ in range(rng.poisson(count))]
    while True:
        yield _lined(living, shape)
        living = [_drifted(line, rng) for line in living if line.left > 1]
        living += [_scratch(rng, shape, life, width) for _ in range(rng.poisson(count / life))]


def _scratch(rng: np.random.Generator, shape: tuple[int, int], life: float, width: float) -> Scratch:
    return Scratch(
        x=float(rng.uniform(0, shape[1])),
        drift=0.0,
        tilt=float(rng.normal(0, 0.003)),
        width=float(max(0.5, width * shape[0] * rng.uniform(0.7, 1.6))),
        opacity=float(rng.uniform(0.3, 0.8)),
        bright=bool(rng.uniform() < 0.6),
        left=1 + int(rng.exponential(life)),
        phase=float(rng.uniform(0, 2 * np.pi)),
    )


def _drifted(line: Scratch, rng: np.random.Generator) -> Scratch:
    drift = 0.9 * line.drift + float(rng.normal(0, 0.15))
    return Scratch(
        line.x + drift,
        drift,
        line.tilt,
        line.width,
        line.opacity,
        line.bright,
        line.left - 1,
        line.phase + float(rng.normal(0, 0.4)),
    )


def _lined(lines: list[Scratch], shape: tuple[int, int]) -> Layer:
    height, width = shape
    alpha, level = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    for line in lines:
        centre = line.x + line.tilt * (rows - height / 2)
        fading = 0.7 + 0.3 * np.sin(2 * np.pi * 1.5 * rows / height + line.phase)
        one = line.opacity * fading * np.clip(line.width / 2 + 0.5 - np.abs(columns - centre), 0, 1)
        stronger = one > alpha
        alpha = np.where(stronger, one, alpha).astype(np.float32)
        level[stronger] = 0.95 if line.bright else 0.05
    return Layer(alpha, level)


def apply_layer(frame: Image, layer: Layer) -> Image:
    return (frame * (1 - layer.alpha) + layer.level * layer.alpha).astype(np.float32)


# Gate and transfer


def shift(image: Image, dx: float, dy: float) -> Image:
    """Moves the picture right by ``dx`` and down by ``dy`` pixels (bicubic; edges mirrored). Any leading channels."""
    if dx == 0 and dy == 0:
        return image
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    planes = image.reshape(-1, *image.shape[-2:])
    size = (image.shape[-1], image.shape[-2])
    moved = [
        cv2.warpAffine(plane, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT) for plane in planes
    ]
    return np.clip(np.stack(moved).reshape(image.shape), 0, 1).astype(np.float32)


def apply_noise(frame: Image, rng: np.random.Generator, strength: float) -> Image:
    """White noise of the transfer, new in every output frame."""
    if strength <= 0:
        return frame
    noise = rng.standard_normal(frame.shape[-2:]).astype(np.float32)
    return np.clip(frame + strength * noise, 0, 1).astype(np.float32)


def recompress(frame: Image, quality: int) -> Image:
    """Once through JPEG at ``quality`` 1..100 (8 bits, 8x8 blocks): what a tape or a disc did. 0 leaves the frame."""
    if quality <= 0:
        return frame
    pixels = np.round(np.clip(frame, 0, 1) * 255).astype(np.uint8)
    grey = bool((pixels[0] == pixels[1]).all() and (pixels[0] == pixels[2]).all())
    picture = pixels[0] if grey else np.ascontiguousarray(pixels.transpose(1, 2, 0)[..., ::-1])
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR))
    planes = np.stack([decoded] * 3) if grey else decoded[..., ::-1].transpose(2, 0, 1)
    return np.asarray(planes / 255, np.float32)
