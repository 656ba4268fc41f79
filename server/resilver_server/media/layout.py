"""How FFmpeg's pixel formats lie in memory, by their names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from resilver_client.errors import MediaUnreadable

Plane = npt.NDArray[np.generic]
"""(height, width) of one component, native byte order; may be a strided view of a decoded frame."""

_CHROMA = {"410": (4, 4), "411": (4, 1), "420": (2, 2), "422": (2, 1), "440": (1, 2), "444": (1, 1)}
_PACKED_YUV = {"yuyv422": (0, 1, 3), "uyvy422": (1, 0, 2), "yvyu422": (0, 3, 1)}
WIDENED = {"pal8": "rgba", "monob": "gray", "monow": "gray", "rgb565le": "rgb24", "rgb555le": "rgb24"}
"""Rare RGB and palette formats that FFmpeg widens to 8 bits by table look-up: no matrix and no range is involved."""


class Model(StrEnum):
    YUV = "yuv"
    RGB = "rgb"
    GREY = "grey"


@dataclass(frozen=True)
class Layout:
    """A pixel format as component planes: Y, U, V, R, G, B or grey alone. Alpha is known of, never read."""

    model: Model
    bits: int
    """Significant bits of a component; 16 or 32 where ``floating``."""
    chroma: tuple[int, int] = (1, 1)
    """Luma samples per chroma sample, across and down."""
    floating: bool = False
    alpha: bool = False
    big_endian: bool = False
    slots: tuple[tuple[int, int, int], ...] = ()
    """For each component: plane of the frame, first item, items from pixel to pixel."""
    shift: int = 0
    """Bits below the significant ones (p010)."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Native dtype of a component."""
        if self.floating:
            return np.dtype(np.float16 if self.bits == 16 else np.float32)
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)

    @property
    def peak(self) -> int:
        """Largest code of an integer component."""
        return (1 << self.bits) - 1


def layout_of(name: str) -> Layout:
    """The layout of an FFmpeg pixel format. Raises MediaUnreadable for one that is not known here."""
    for parser in (_planar_yuv, _semi_planar, _packed_yuv, _grey, _planar_rgb, _packed_rgb):
        layout = parser(name)
        if layout is not None:
            return layout
    raise MediaUnreadable(
        f"pixels of format {name} cannot be read", remedy="convert the media to ProRes, FFV1 or 16-bit TIFF first"
    )


def readable(name: str) -> bool:
    """Whether frames of this pixel format can be read, directly or widened by table."""
    try:
        layout_of(WIDENED.get(name, name))
    except MediaUnreadable:
        return False
    return True


def _integers(text: str | None) -> int:
    return int(text) if text else 8


def _planar_yuv(name: str) -> Layout | None:
    match = re.fullmatch(r"yuv(a|j)?(4\d\d)p(\d+)?(le|be)?", name)
    if not match or match[2] not in _CHROMA:
        return None
    slots = ((0, 0, 1), (1, 0, 1), (2, 0, 1))
    return Layout(
        Model.YUV,
        _integers(match[3]),
        _CHROMA[match[2]],
        alpha=match[1] == "a",
        big_endian=match[4] == "be",
        slots=slots,
    )


def _semi_planar(name: str) -> Layout | None:
    eight = {"nv12": ("420", 1), "nv21": ("420", 0), "nv16": ("422", 1), "nv24": ("444", 1), "nv42": ("444", 0)}
    if name in eight:
        sampling, u_first = eight[name]
        return Layout(Model.YUV, 8, _CHROMA[sampling], slots=((0, 0, 1), (1, 1 - u_first, 2), (1, u_first, 2)))
    match = re.fullmatch(r"p([024])(10|12|16)(le|be)", name)
    if not match:
        return None
    bits = int(match[2])
    sampling = {"0": "420", "2": "422", "4": "444"}[match[1]]
    return Layout(
        Model.YUV,
        bits,
        _CHROMA[sampling],
        big_endian=match[3] == "be",
        slots=((0, 0, 1), (1, 0, 2), (1, 1, 2)),
        shift=16 - bits,
    )


def _packed_yuv(name: str) -> Layout | None:
    if name not in _PACKED_YUV:
        return None
    luma, blue, red = _PACKED_YUV[name]
    return Layout(Model.YUV, 8, (2, 1), slots=((0, luma, 2), (0, blue, 4), (0, red, 4)))


def _grey(name: str) -> Layout | None:
    if match := re.fullmatch(r"grayf(16|32)(le|be)", name):
        return Layout(Model.GREY, int(match[1]), floating=True, big_endian=match[2] == "be", slots=((0, 0, 1),))
    if match := re.fullmatch(r"gray(\d+)?(le|be)?", name):
        return Layout(Model.GREY, _integers(match[1]), big_endian=match[2] == "be", slots=((0, 0, 1),))
    if match := re.fullmatch(r"ya(8|16)(le|be)?", name):
        return Layout(Model.GREY, int(match[1]), alpha=True, big_endian=match[2] == "be", slots=((0, 0, 2),))
    return None


def _planar_rgb(name: str) -> Layout | None:
    match = re.fullmatch(r"gbr(a)?p(f)?(\d+)?(le|be)?", name)
    if not match:
        return None
    return Layout(
        Model.RGB,
        _integers(match[3]),
        floating=match[2] == "f",
        alpha=match[1] == "a",
        big_endian=match[4] == "be",
        slots=((2, 0, 1), (0, 0, 1), (1, 0, 1)),
    )


def _packed_rgb(name: str) -> Layout | None:
    match = re.fullmatch(r"([rgba0]{3,4})(24|48|64)?(le|be)?", name)
    if not match or not set("rgb") <= set(match[1]):
        return None
    step = len(match[1])
    bits = 16 if match[2] in ("48", "64") else 8
    slots = tuple((0, match[1].index(letter), step) for letter in "rgb")
    return Layout(Model.RGB, bits, alpha="a" in match[1], big_endian=match[3] == "be", slots=slots)


def chroma_shape(shape: tuple[int, int], chroma: tuple[int, int]) -> tuple[int, int]:
    """(height, width) of a chroma plane beside luma of ``shape``: rounded up."""
    return -(-shape[0] // chroma[1]), -(-shape[1] // chroma[0])
