"""A hole filled patch by patch, from its rim inwards, edges that run into it first.

Criminisi, Pérez, Toyama, "Region Filling and Object Removal by Exemplar-Based Image Inpainting", IEEE Transactions on
Image Processing 13(9), 2004; but of patches that are as like, near ones are preferred. For small pictures, on the CPU.
"""

from __future__ import annotations

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
_Kind = TypeVar("_Kind", bound=np.generic)

REACH = 3
"""Pixels of a patch to each side of its middle."""
_AWAY = 0.05
"""Root mean square difference that a patch on the other side of the picture has to make up for."""
_LEAST = 1e-3
"""Of what edges add to the order."""
_SIZE = 2 * REACH + 1


def picks(picture: Array, hole: Flags, sources: Flags) -> tuple[Whole, Whole]:
    """(h, w) row and column each: of the pixel of (h, w, 3) ``picture`` that each one of the ``hole`` is filled with,
    elsewhere the pixel's own. ``sources``: middles of patches that may be taken, one at least."""
    rows, columns = (np.pad(plane, REACH, "edge") for plane in np.indices(hole.shape))
    values = np.pad(picture, ((REACH, REACH), (REACH, REACH), (0, 0)), "edge")
    inside = np.pad(np.ones(hole.shape, np.bool_), REACH)
    belief = np.pad(~hole, REACH, "constant").astype(np.float32)
    offered = np.argwhere(sources) + REACH
    patches = np.stack([_cut(values, place).ravel() for place in offered])
    left = np.pad(hole, REACH)
    while left.any():
        place, sure = _next(values, left, belief, inside)
        known = _cut(inside & ~left, place)
        chosen = offered[_most_alike(patches, offered, _cut(values, place), known, place, hole.shape)]
        here, there = _window(place), _window(chosen)
        fresh = left[here]
        for plane in (values, rows, columns):
            plane[here][fresh] = plane[there][fresh]
        belief[here][fresh] = sure
        left[here] = False
    inner = slice(REACH, -REACH)
    return rows[inner, inner], columns[inner, inner]


def _window(place: Whole) -> tuple[slice, slice]:
    return slice(place[0] - REACH, place[0] + REACH + 1), slice(place[1] - REACH, place[1] + REACH + 1)


def _cut(plane: npt.NDArray[_Kind], place: Whole) -> npt.NDArray[_Kind]:
    return plane[_window(place)]


def _next(values: Array, left: Flags, belief: Array, inside: Flags) -> tuple[Whole, float]:
    """The middle of the patch to fill next, and how sure it is."""
    wide = cv2.dilate((~left & inside).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rim = np.argwhere(left & wide)
    sure = cv2.boxFilter(belief, -1, (_SIZE, _SIZE), borderType=cv2.BORDER_CONSTANT)[rim[:, 0], rim[:, 1]]
    order = sure * (_edges(values, left | ~inside, rim) + _LEAST)
    best = int(np.argmax(order))
    return rim[best], float(sure[best])


def _edges(values: Array, unknown: Flags, rim: Whole) -> Array:
    """(n,) how strongly edges run into the hole at n places of its rim."""
    grey = values.mean(axis=2)
    sound = cv2.erode((~unknown).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *step, scale=1 / 8) * sound for step in ((1, 0), (0, 1)))
    filled = cv2.GaussianBlur(unknown.astype(np.float32), (5, 5), 0)
    right, below = (cv2.Sobel(filled, cv2.CV_32F, *step) for step in ((1, 0), (0, 1)))
    found = np.zeros(len(rim), np.float32)
    for index, place in enumerate(rim):
        x, y = _cut(across, place), _cut(down, place)
        strongest = np.argmax(x * x + y * y)
        normal = right[tuple(place)], below[tuple(place)]
        length = max(float(np.hypot(*normal)), 1e-6)
        found[index] = abs(-y.flat[strongest] * normal[0] + x.flat[strongest] * normal[1]) / length
    return found


def _most_alike(
    patches: Array, offered: Whole, wanted: Array, known: Flags, place: Whole, shape: tuple[int, int]
) -> int:
    """Which of the (n, size) patches is most like ``wanted`` where that is ``known``."""
    counts = np.repeat(known.ravel(), 3).astype(np.float32)
    seen = wanted.ravel() * counts
    apart = (patches * patches) @ counts - 2 * patches @ seen + seen @ seen
    distance = np.hypot(*(offered - place).T) / max(shape)
    return int(np.argmin(apart / max(1.0, counts.sum()) + (_AWAY * distance) ** 2))
