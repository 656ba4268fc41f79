"""Brightness ratios between a frame and the one before, block by block, along the motion between them.

The idea of comparing matched regions of neighbouring frames and trusting only those that match after a change of gain
is that of Roosmalen, "Restoration of Archived Film and Video", TU Delft 1999, chapter 3 (intensity flicker
correction); flow is OpenCV's DIS (Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search",
ECCV 2016), whose patches are compared without their means, so that flicker does not pass for motion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

ROWS, COLUMNS = 24, 32
"""Blocks of a frame."""
WIDTH = 320
"""Pixels to which a frame is reduced: grain averages out, and the analysis costs the same for 4K."""
_BLACK = 0.002
"""Means below are taken for this."""
_NOISE = 0.02
"""Differences below this are never called outliers."""


@dataclass(frozen=True)
class Ratios:
    """(ROWS, COLUMNS) float32 each."""

    log_ratio: Plane
    """log(frame / previous frame along the motion)."""
    log_tone: Plane
    """log of the mean of both."""
    weight: Plane
    """0..1, how far the block can be trusted: 0 where it moved apart from its surroundings or is black or burnt out."""


def nothing_known() -> Ratios:
    """What is said of a frame that has none before it."""
    zero = np.zeros((ROWS, COLUMNS), np.float32)
    return Ratios(zero, zero, zero)


def reduce(luma: Plane) -> Plane:
    """The frame as it is analysed: at most WIDTH pixels wide, at least as large as its blocks."""
    height, width = luma.shape
    scale = min(1.0, WIDTH / width)
    rows = max(1, round(height * scale / ROWS)) * ROWS
    columns = max(1, round(width * scale / COLUMNS)) * COLUMNS
    smaller = rows <= height and columns <= width
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(luma, (columns, rows), interpolation=method), np.float32)


def compare(current: Plane, previous: Plane) -> Ratios:
    """Ratios of two reduced frames of one size."""
    flow = _flow(current, previous)
    aligned = _follow(previous, flow)
    gain = (float(np.median(current)) + _BLACK) / (float(np.median(aligned)) + _BLACK)
    now, then = _blocks(current), _blocks(aligned)
    difference = now - gain * then
    centre = np.median(difference, axis=-1, keepdims=True)
    spread = 1.4826 * np.median(np.abs(difference - centre), axis=-1, keepdims=True)
    good = (np.abs(difference - centre) <= np.maximum(3 * spread, _NOISE)).astype(np.float32)
    count = good.sum(axis=-1)
    mean_now = (now * good).sum(axis=-1) / count
    mean_then = (then * good).sum(axis=-1) / count
    return Ratios(
        log_ratio=np.log(np.maximum(mean_now, _BLACK) / np.maximum(mean_then, _BLACK)).astype(np.float32),
        log_tone=(0.5 * np.log(np.maximum(mean_now, _BLACK) * np.maximum(mean_then, _BLACK))).astype(np.float32),
        weight=_weight(mean_now, mean_then, good.mean(axis=-1), spread[..., 0], now, flow),
    )


def _weight(now: Plane, then: Plane, share: Plane, spread: Plane, pixels: Plane, flow: Plane) -> Plane:
    darker, lighter = np.minimum(now, then), np.maximum(now, then)
    exposed = np.clip((darker - 0.01) / 0.06, 0, 1) * np.clip((0.985 - lighter) / 0.04, 0, 1)
    moving = _blocks(np.hypot(*(flow[..., k] - np.median(flow[..., k]) for k in (0, 1)))).mean(axis=-1)
    steady = np.exp(-((moving / 1.0) ** 2))
    matched = np.clip((share - 0.6) / 0.3, 0, 1)
    return np.asarray(exposed * steady * matched, np.float32)


def _flow(current: Plane, previous: Plane) -> Plane:
    """(rows, columns, 2): where in ``previous`` each pixel of ``current`` was, relative, in pixels."""
    if min(current.shape) < 24:
        return np.zeros((*current.shape, 2), np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    pictures = [np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8) for plane in (current, previous)]
    return np.asarray(dis.calc(pictures[0], pictures[1], np.zeros((*current.shape, 2), np.float32)), np.float32)


def _follow(plane: Plane, flow: Plane) -> Plane:
    rows, columns = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]].astype(np.float32)
    places = columns + flow[..., 0], rows + flow[..., 1]
    return np.asarray(cv2.remap(plane, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _blocks(plane: Plane) -> Plane:
    """(ROWS, COLUMNS, pixels of a block)."""
    height, width = plane.shape[0] // ROWS, plane.shape[1] // COLUMNS
    return plane.reshape(ROWS, height, COLUMNS, width).transpose(0, 2, 1, 3).reshape(ROWS, COLUMNS, height * width)
