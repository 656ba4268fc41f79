"""Whether fills look like the film around them: clean places are held out, filled, and compared with what is there.

A ring around a place holds another picture than the place itself; the pixels that were there are the only fair measure.
Statistics are of luma in squares of SIDE pixels without their mean and slope: mean square, in all and in three bands of
the DCT. Means of their own: nothing here is shared with the stages that are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from resilver_server.lab.pictures import Image, to_luma

Array = npt.NDArray[np.float64]
Filler = Callable[[Image], Image]
"""From (height, width) 1 where a frame is to be filled: the frame, filled there."""

SIDE = 16
"""Edge of a square in pixels."""
BANDS = ("coarse", "middle", "fine")
"""Below a quarter, below half, and from half of the highest frequency."""
_APART = 80
"""Pixels from one square to the next."""
_EDGE = 32
"""Pixels of a frame's edge where no square is put."""
_BLOTCH = 12 / 255
"""What differs as much from all neighbours is damage; a fill that differs as much shows another picture."""
_EMPTY = (0.25 / 255) ** 2
"""Mean square below which there is nothing to compare."""
_SHAPES = ((3, 3), (1, 7), (7, 1))
"""Pixels over which damage is averaged: specks and thin lines, upright and lying."""
_WIDE = (41, 41)
"""Pixels around a square from which its motion and its brightness are taken."""
_CELL = 4
"""Pixels, each way, whose mean shows the picture rather than its grain."""
_BLACK, _WHITE = 0.06, 0.94
"""Tones beyond are cut off."""


@dataclass(frozen=True)
class Held:
    """n squares that were held out."""

    tone: Array
    """(n,) mean luma of what is there."""
    there: Array
    """(n, 3) mean square of each band in the pixels that are there."""
    shown: Array
    """(n, 3) the same in the fill."""
    structure: Array
    """(n,) mean square of the plain fill in cells: low where little but grain is to be seen."""
    clean: npt.NDArray[np.bool_]
    """(n,) neither damaged nor empty nor cut off."""
    right: npt.NDArray[np.bool_]
    """(n,) the plain fill shows the same picture: where it does not, motion was missed, and grain tells nothing."""

    @staticmethod
    def joined(parts: Iterable[Held]) -> Held:
        """Of several frames."""
        every = list(parts)
        names = ("tone", "there", "shown", "structure", "clean", "right")
        return Held(*(np.concatenate([getattr(part, name) for part in every]) for name in names))

    @property
    def sound(self) -> npt.NDArray[np.bool_]:
        """(n,) clean, and rightly filled."""
        return self.clean & self.right

    @property
    def even(self) -> npt.NDArray[np.bool_]:
        """(n,) the half of the sound squares with the least structure."""
        return self.sound & (self.structure <= np.median(self.structure[self.sound]))

    def ratios(self, chosen: npt.NDArray[np.bool_]) -> Array:
        """(4,) power of fills over that of what is there, in all and by band, summed over the chosen squares."""
        shown, there = self.shown[chosen].sum(axis=0), self.there[chosen].sum(axis=0)
        return np.concatenate([[shown.sum() / there.sum()], shown / there])


class Around:
    """A frame and its neighbours, three at least. Its ``filled`` is a plain fill, without grain."""

    def __init__(self, frames: Sequence[Image], centre: int, reach: int = 2) -> None:
        self.frame = frames[centre]
        others = [k for k in range(max(0, centre - reach), min(len(frames), centre + reach + 1)) if k != centre]
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        here, shape = _eight(self.frame), (*self.frame.shape[-2:], 2)
        self._flows = [search.calc(here, _eight(frames[k]), np.zeros(shape, np.float32)) for k in others]
        self._pictures = [np.ascontiguousarray(frames[k].transpose(1, 2, 0)) for k in others]
        near = [abs(k - centre) <= 2 for k in others]
        self.damaged = _damaged(self.frame, self.moved(np.zeros(shape[:2], np.float32))[near].mean(axis=-1))
        """(height, width) whether a pixel is beyond all that two neighbours on either side show within two pixels."""

    def moved(self, mask: Image) -> Image:
        """(n, height, width, 3) neighbours moved onto the frame, cubic; the motion of masked places is that around."""
        known = 1 - cv2.dilate(mask, np.ones((9, 9)))
        share = np.maximum(cv2.blur(known, _WIDE), 1e-6)[..., None]
        rows, columns = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float32)
        found = []
        for flow, picture in zip(self._flows, self._pictures, strict=True):
            around = cv2.blur(flow * known[..., None], _WIDE) / share
            move = np.where(mask[..., None] > 0, around, flow).astype(np.float32)
            to = columns + move[..., 0], rows + move[..., 1]
            found.append(cv2.remap(picture, *to, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
        return np.stack(found)

    def filled(self, mask: Image) -> Image:
        """The mean of the neighbours but for the brightest and the darkest, brought to the brightness around."""
        moved = self.moved(mask)
        mean = (moved.sum(axis=0) - moved.max(axis=0) - moved.min(axis=0)) / (len(moved) - 2)
        clean, frame = (1 - mask)[..., None], self.frame.transpose(1, 2, 0)
        here, there = (cv2.blur(clean * picture, _WIDE) for picture in (frame, mean))
        level = mean * (here + 1e-3) / (there + 1e-3)
        return np.asarray(np.where(mask[..., None] > 0, level, frame).transpose(2, 0, 1), np.float32)


def held_out(around: Around, fill: Filler, shift: tuple[int, int]) -> Held:
    """Squares of one frame as ``fill`` fills them, _APART from each other, the first ``shift`` further down and right.

    Even places are told by a fill without grain, not by what is there: or squares with little grain by chance would be
    preferred.
    """
    height, width = around.frame.shape[-2:]
    corners = places(height, width, shift)
    mask = np.zeros((height, width), np.float32)
    for row, column in corners:
        mask[row : row + SIDE, column : column + SIDE] = 1
    here, shown, plain = (_cut(to_luma(p), corners) for p in (around.frame, fill(mask), around.filled(mask)))
    tone, there = here.mean(axis=(1, 2)), _bands(_levelled(here))
    damaged = _cut(around.damaged, corners).any(axis=(1, 2))
    clean = ~damaged & (there.sum(axis=1) > _EMPTY) & (tone > _BLACK) & (tone < _WHITE)
    right = np.abs(_cells(here - plain)).max(axis=(1, 2)) <= _BLOTCH
    structure = np.square(_cells(_levelled(plain))).mean(axis=(1, 2))
    return Held(tone, there, _bands(_levelled(shown)), structure, clean, right)


def places(height: int, width: int, shift: tuple[int, int]) -> npt.NDArray[np.int64]:
    """(n, 2) rows and columns of squares."""
    rows = np.arange(_EDGE + shift[0] % _APART, height - _EDGE - SIDE, _APART)
    columns = np.arange(_EDGE + shift[1] % _APART, width - _EDGE - SIDE, _APART)
    return np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)


def _damaged(frame: Image, moved: Image) -> npt.NDArray[np.bool_]:
    """(height, width) from (n, height, width) neighbours."""
    high = cv2.dilate(moved.max(axis=0), np.ones((5, 5)))
    low = cv2.erode(moved.min(axis=0), np.ones((5, 5)))
    beyond = [np.maximum(own - high, low - own) for own in (cv2.blur(to_luma(frame), shape) for shape in _SHAPES)]
    return np.asarray(np.max(beyond, axis=0) > _BLOTCH)


def _eight(frame: Image) -> npt.NDArray[np.uint8]:
    return np.asarray(np.round(np.clip(cv2.GaussianBlur(to_luma(frame), (0, 0), 1.0), 0, 1) * 255), np.uint8)


def _cells(squares: Array) -> Array:
    """(n, SIDE / _CELL, SIDE / _CELL) means."""
    side = SIDE // _CELL
    return np.asarray(squares.reshape(-1, side, _CELL, side, _CELL).mean(axis=(2, 4)))


def _cut(plane: npt.NDArray[np.generic], corners: npt.NDArray[np.int64]) -> Array:
    """(n, SIDE, SIDE)."""
    return np.stack([plane[r : r + SIDE, c : c + SIDE] for r, c in corners]).astype(np.float64)


def _levelled(squares: Array) -> Array:
    """Without mean and slope."""
    line = np.arange(SIDE) - (SIDE - 1) / 2
    plane = np.stack([np.ones((SIDE, SIDE)), np.tile(line, (SIDE, 1)), np.tile(line[:, None], (1, SIDE))])
    basis = plane.reshape(3, -1) / np.linalg.norm(plane.reshape(3, -1), axis=1, keepdims=True)
    pixels = squares.reshape(len(squares), -1)
    return np.asarray((pixels - (pixels @ basis.T) @ basis).reshape(squares.shape))


def _bands(squares: Array) -> Array:
    """(n, 3) mean squares."""
    waves = np.stack([cv2.dct(square) for square in squares]) ** 2 / SIDE**2
    steps = np.arange(SIDE) / SIDE
    fineness = np.hypot(steps[:, None], steps[None, :])
    edges = ((0.0, 0.25), (0.25, 0.5), (0.5, 2.0))
    return np.stack([waves[:, (fineness >= low) & (fineness < high)].sum(axis=1) for low, high in edges], axis=1)
