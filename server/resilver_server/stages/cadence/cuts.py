"""Cuts: PySceneDetect scores each pair of pictures after brightness and motion have been evened out; the decision
compares a score with its neighbours and asks whether the scene stays changed."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scenedetect import ContentDetector, FrameTimecode, StatsManager

Bytes = npt.NDArray[np.uint8]

THUMBNAIL = (18, 24)
"""Rows and columns of the picture kept of every frame."""
_WIDTH = 128
_LEAST_HEIGHT = 64
"""Below about 30 rows the optical flow reads outside of its pictures."""
_CONTRAST = 48.0
_ADAPTIVE_RATIO = 3.0
"""PySceneDetect's own default for AdaptiveDetector."""
_SAME_SCENE = 0.75
"""Correlation of thumbnails before and after above which a change has not lasted."""


def standard_picture(rgb: Bytes) -> Bytes:
    """(height, width, 3) of any size at 128 wide, mean 128 and one contrast: flicker, fades and flashes vanish."""
    height = max(_LEAST_HEIGHT, round(rgb.shape[0] * _WIDTH / rgb.shape[1]))
    small = cv2.resize(rgb, (_WIDTH, min(height, 4 * _WIDTH)), interpolation=cv2.INTER_AREA).astype(np.float32)
    luma = small.mean(axis=2)
    scaled = (small - luma.mean()) * (_CONTRAST / max(8.0, float(luma.std()))) + 128
    return np.asarray(scaled.clip(0, 255), dtype=np.uint8)


def thumbnail(standard: Bytes) -> Bytes:
    """(18, 24) grey."""
    grey = cv2.cvtColor(standard, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA), dtype=np.uint8)


def content_change(before: Bytes, after: Bytes) -> float:
    """PySceneDetect's content score (0..255) of two standard pictures, the earlier one moved along the optical flow.

    The larger of the luma and the saturation score: hue means nothing in black and white.
    """
    moved = _along_flow(before, after)
    detector = ContentDetector()
    detector.stats_manager = StatsManager()
    first, second = FrameTimecode(0, 25.0), FrameTimecode(1, 25.0)
    detector.process_frame(first, np.ascontiguousarray(moved[..., ::-1]))
    detector.process_frame(second, np.ascontiguousarray(after[..., ::-1]))
    luma, saturation = detector.stats_manager.get_metrics(second, ["delta_lum", "delta_sat"])
    return float(max(luma, saturation))


def _along_flow(before: Bytes, after: Bytes) -> Bytes:
    old, new = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after))
    flow = np.zeros((*new.shape, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(new, old, flow)
    rows, columns = np.mgrid[: new.shape[0], : new.shape[1]].astype(np.float32)
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    return np.asarray(cv2.remap(before, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def find_cuts(change: npt.NDArray[np.float32], thumbnails: Bytes, threshold: float, reach: int) -> list[int]:
    """Rows that begin a new scene: the change is above ``threshold``, stands out among the changes within ``reach``
    rows, and lasts (a flash or a torn frame comes back to the scene it left)."""
    pictures = _centred(thumbnails)
    return [
        int(row)
        for row in np.flatnonzero(change >= threshold)
        if row > 0 and _stands_out(change, int(row), reach) and _lasts(pictures, int(row))
    ]


def _stands_out(change: npt.NDArray[np.float32], row: int, reach: int) -> bool:
    around = np.delete(change[max(0, row - reach) : row + reach + 1], min(row, reach))
    return not around.size or bool(change[row] >= _ADAPTIVE_RATIO * np.median(around[around > 0.5 * np.median(around)]))


def _centred(thumbnails: Bytes) -> npt.NDArray[np.float32]:
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    length = np.sqrt((flat * flat).sum(axis=1, keepdims=True))
    return np.asarray(flat / np.maximum(length, 1e-3), dtype=np.float32)


def _lasts(pictures: npt.NDArray[np.float32], row: int) -> bool:
    """No frame of the next five is like any of the five before: bursts of four burnt frames are no scenes."""
    before, after = pictures[max(0, row - 5) : row], pictures[row : row + 5]
    return float((before @ after.T).max()) < _SAME_SCENE
