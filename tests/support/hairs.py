"""Draws hairs and the marks of splices, with their truth: what ageing does not draw."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from resilver_server.lab.pictures import Image

Flags = npt.NDArray[np.bool_]
_FINER = 4
"""Hairs are drawn at this many times the size, so that their width may be a fraction of a pixel."""
_SUBPIXEL = 4


def with_hairs(frames: Sequence[Image], seed: int, each: int = 2) -> tuple[list[Image], list[Flags]]:
    """``each`` hairs on every frame, bright or dark, for that frame alone; and where they lie, (height, width)."""
    rng = np.random.default_rng(seed)
    results, places = [], []
    for frame in frames:
        place = np.zeros(frame.shape[-2:], np.bool_)
        for _ in range(each):
            alpha = _hair(rng, *frame.shape[-2:]) * np.float32(rng.uniform(0.7, 1.0))
            frame = (frame * (1 - alpha) + _level(rng) * alpha).astype(np.float32)
            place |= alpha > 0
        results.append(frame)
        places.append(place)
    return results, places


def with_splices(frames: Sequence[Image], seed: int, at: Sequence[int]) -> tuple[list[Image], list[Flags]]:
    """A band across the whole frame, 4 to 8 pixels high, for one or two frames from each of ``at``; and where it is."""
    rng = np.random.default_rng(seed)
    results, places = list(frames), [np.zeros(frame.shape[-2:], np.bool_) for frame in frames]
    height = frames[0].shape[-2]
    for start in at:
        thick = int(rng.integers(4, 9))
        top = int(rng.integers(2, height - thick - 2))
        rows, level, alpha = slice(top, top + thick), _level(rng), np.float32(rng.uniform(0.7, 1.0))
        for index in range(start, start + int(rng.integers(1, 3))):
            results[index] = results[index].copy()
            results[index][:, rows] = results[index][:, rows] * (1 - alpha) + level * alpha
            places[index][rows] = True
    return results, places


def _level(rng: np.random.Generator) -> np.float32:
    return np.float32(rng.uniform(0.85, 1.0) if rng.uniform() < 0.5 else rng.uniform(0.0, 0.15))


def _hair(rng: np.random.Generator, height: int, width: int) -> Image:
    """(height, width) coverage of a curve, 60 to 250 pixels long and 1 to 2 wide, that bends as it likes."""
    steps, length = 40, rng.uniform(60, 250)
    bends = rng.normal(0, 0.5) / 60 + np.cumsum(rng.normal(0, 0.005, steps))
    angles = rng.uniform(0, 2 * np.pi) + np.cumsum(bends) * length / steps
    points = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1), axis=0) * length / steps
    points += rng.uniform(0.15, 0.85, 2) * (width, height) - points.mean(axis=0)
    drawn = np.zeros((_FINER * height, _FINER * width), np.uint8)
    fixed = np.round(points * _FINER * (1 << _SUBPIXEL)).astype(np.int32)
    cv2.polylines(drawn, [fixed], False, 255, round(_FINER * rng.uniform(1, 2)), cv2.LINE_AA, _SUBPIXEL)
    return np.asarray(cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA), np.float32) / 255
