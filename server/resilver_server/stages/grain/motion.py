"""Motion between two frames, for grain: coarse enough that grain averages out.

OpenCV's DIS (Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016). It has no
torch form, and its result does not depend on the number of threads (tried).
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

WIDTH = 480
"""Pixels to which a frame is reduced at most."""
_LEAST = 24
"""Edge of a frame in which motion is looked for."""


def reduced(luma: Plane) -> npt.NDArray[np.uint8]:
    """The frame as motion is looked for in it: 8 bits, at most WIDTH wide, its grain softened."""
    height, width = luma.shape
    scale = min(1.0, WIDTH / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    small = luma if scale == 1 else cv2.resize(luma, (columns, rows), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(np.asarray(small), (0, 0), 1.0)
    return np.asarray(np.round(np.clip(soft, 0, 1) * 255), np.uint8)


def between(current: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> Plane:
    """(rows, columns, 2): where in ``other`` each pixel of ``current`` lies, relative, x before y, in reduced
    pixels."""
    if min(current.shape) < _LEAST:
        return np.zeros((*current.shape, 2), np.float32)
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    dis.setFinestScale(1)
    return np.asarray(dis.calc(current, other, np.zeros((*current.shape, 2), np.float32)), np.float32)


def flow(current: Plane, other: Plane) -> Plane:
    """The same for frames of full size; the flow stays reduced."""
    return between(reduced(current), reduced(other))
