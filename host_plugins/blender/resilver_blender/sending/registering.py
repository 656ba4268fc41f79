"""Pictures that Blender rendered, laid onto the pixels of the film that a strip shows. numpy, no bpy.

Pictures are arrays (height, width, channels) of uint8 whose first row is the lowest, as Blender counts.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Point = tuple[float, float]
Places = npt.NDArray[np.floating[Any]]


def read_targa(path: Path) -> Picture:
    """A TARGA as Blender writes it without compression. Raises ValueError for another."""
    data = path.read_bytes()
    skip, kind, width, height, bits, order = data[0], data[2], *struct.unpack_from("<HHBB", data, 12)
    if kind != 2 or bits not in (24, 32):
        raise ValueError(f"{path} is no plain TARGA")
    samples = bits // 8
    pixels = np.frombuffer(data, np.uint8, width * height * samples, 18 + skip).reshape(height, width, samples)
    return pixels[:: -1 if order & 0x20 else 1, :, 2::-1]


def with_last_pixel(picture: Picture) -> Picture:
    """The picture with its last pixel, the upper right one, taken from the one beside it.

    Blender 4.2 leaves that pixel of a mask strip as it finds it in memory (its loop ends one early): mostly black or
    white, at times neither. 5.2 was not seen to.
    """
    mended = picture.copy()
    mended[-1, -1] = picture[-1, -2:][0]
    return mended


def write_png(path: Path, picture: Picture) -> None:
    """Write a picture as PNG: grey where it has no colour."""
    grey = bool((picture == picture[:, :, :1]).all())
    rows = picture[::-1, :, :1] if grey else picture[::-1]
    height, width, samples = rows.shape
    filtered = np.zeros((height, 1 + width * samples), np.uint8)
    filtered[:, 1:] = rows.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 0 if grey else 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered.tobytes(), 1)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, body) for name, body in chunks))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


class Registration:
    """Takes pictures of the scene onto the pixels of the film, bilinearly. Film outside the scene becomes black."""

    def __init__(self, place: Callable[[Point], Point], film: tuple[int, int], scene: tuple[int, int]) -> None:
        """``place`` says where a point of the film (pixels, from its lower left corner) lies in the scene; it is a
        scaling, turning, moving and mirroring, so three points tell it. Sizes are width and height."""
        zero, right, up = place((0.0, 0.0)), place((1.0, 0.0)), place((0.0, 1.0))
        x, y = np.arange(film[0]) + 0.5, np.arange(film[1])[:, None] + 0.5
        across = _line(zero[0], right[0] - zero[0], up[0] - zero[0], x, y)
        upward = _line(zero[1], right[1] - zero[1], up[1] - zero[1], x, y)
        self._apart = across.shape[0] == 1 and upward.shape[1] == 1
        if self._apart:
            across, upward = np.broadcast_to(across, (1, film[0])), np.broadcast_to(upward, (film[1], 1))
        self._columns, self._rows = _Samples(across, scene[0]), _Samples(upward, scene[1])
        inside = self._columns.inside & self._rows.inside
        self._outside = None if inside.all() else ~inside

    def __call__(self, picture: Picture) -> Picture:
        """The film's picture, (film height, film width, channels), for one of the scene."""
        grey = bool((picture == picture[:, :, :1]).all())
        found = self._sampled(picture[:, :, :1] if grey else picture)
        if self._outside is not None:
            found[np.broadcast_to(self._outside, found.shape[:2])] = 0
        return np.broadcast_to(found, (*found.shape[:2], 3)) if grey else found

    def _sampled(self, picture: Picture) -> Picture:
        columns, rows = self._columns, self._rows
        if self._apart:  # neither turned nor sheared: rows and columns one after the other
            tall = _between(picture[rows.low[:, 0]], picture[rows.high[:, 0]], rows.share[:, :, None])
            mixed = _between(tall[:, columns.low[0]], tall[:, columns.high[0]], columns.share[0][None, :, None])
        else:
            below, above = (
                _between(picture[row, columns.low], picture[row, columns.high], columns.share[..., None])
                for row in (rows.low, rows.high)
            )
            mixed = _between(below, above, rows.share[..., None])
        return np.asarray(mixed + 0.5, np.uint8)


class _Samples:
    """Between which two pixels of a row or column each place lies, and how near to the second."""

    def __init__(self, places: Places, size: int) -> None:
        self.inside = (places >= 0) & (places <= size)
        middle = np.clip(places - 0.5, 0, size - 1)
        self.low = np.floor(middle + 1e-6).astype(np.intp)
        self.high = np.minimum(self.low + 1, size - 1)
        share = np.clip(middle - self.low, 0, 1)
        self.share = np.where(share < 1e-4, 0, share).astype(np.float32)


def _line(zero: float, by_x: float, by_y: float, x: Places, y: Places) -> Places:
    """``zero + by_x * x + by_y * y``, as a row or a column where it depends on one of them only."""
    row = np.full((1, 1), zero) if abs(by_x) < 1e-12 else zero + by_x * x[None, :]
    return row if abs(by_y) < 1e-12 else row + by_y * y


def _between(one: npt.NDArray[np.generic], other: npt.NDArray[np.generic], share: npt.NDArray[np.float32]) -> Picture:
    if not share.any():
        return np.asarray(one, np.float32)
    first = np.asarray(one, np.float32)
    return first + (np.asarray(other, np.float32) - first) * share
