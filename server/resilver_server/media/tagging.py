"""Colour tags: the rules for what is not said, and H.273's numbers that codecs and frames carry.

Nothing heavy is imported here, so that plans can be made without codecs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from resilver_server.domain.formats import ColourTags, FrameFormat

from .layout import Model, layout_of

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
MATRICES = {
    0: "gbr",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    11: "smpte2085",
    12: "chroma-derived-nc",
    13: "chroma-derived-c",
    14: "ictcp",
}
UNSPECIFIED = frozenset({"unspecified", "unknown", "reserved", ""})
WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}
"""Kr and Kb by matrix name (H.273 table 4)."""
LARGEST_SD_HEIGHT = 576
_UNSPECIFIED = 2
_FULL, _LIMITED = 2, 1


@dataclass(frozen=True)
class Codes:
    """Tags as numbers of H.273, with FFmpeg's number for the range."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    range: int = 0


def codes_of(source: VideoFrame | VideoCodecContext) -> Codes:
    """What a frame, or a container (through the context of its stream, before anything is decoded), says."""
    return Codes(int(source.color_primaries), int(source.color_trc), int(source.colorspace), int(source.color_range))


def tags_of(frame: VideoFrame, container: Codes | None = None, codec: str = "") -> ColourTags:
    """The tags of a decoded frame, filled up from its container. RGB and untagged grey are full range, as is yuvj."""
    layout = layout_of(frame.format.name)
    said, behind = codes_of(frame), container or Codes()
    if codec == "dnxhd":  # its decoder says BT.709 by itself
        said, behind = replace(said, matrix=behind.matrix), said
    transfer = _known(said.transfer, behind.transfer)
    return ColourTags(
        primaries=PRIMARIES.get(_known(said.primaries, behind.primaries), "unspecified"),
        transfer="linear" if layout.floating else TRANSFERS.get(transfer, "unspecified"),
        matrix="gbr" if layout.model is Model.RGB else _matrix(_known(said.matrix, behind.matrix)),
        full_range=_full_range(layout.model, said.range or behind.range, frame.format.name),
    )


def _known(first: int, second: int) -> int:
    return second if first in (_UNSPECIFIED, 0) else first


def _matrix(code: int) -> str:
    """Zero means RGB, which YUV pixels cannot be: FFmpeg leaves it there where nothing was said."""
    return MATRICES.get(code, "unspecified") if code else "unspecified"


def _full_range(model: Model, claim: int, name: str) -> bool:
    if model is Model.RGB:
        return claim != _LIMITED
    if claim:
        return claim == _FULL
    return model is Model.GREY or name.startswith("yuvj")


def put_tags(target: VideoFrame | VideoCodecContext, tags: ColourTags) -> None:
    """Write the tags onto a frame or an encoder. Codecs such as ProRes take them from each frame."""
    target.color_primaries = _code(PRIMARIES, tags.primaries)
    target.color_trc = _code(TRANSFERS, tags.transfer)
    target.colorspace = _code(MATRICES, tags.matrix)
    target.color_range = _FULL if tags.full_range else _LIMITED


def _code(names: dict[int, str], name: str) -> int:
    return next((code for code, known in names.items() if known == name), _UNSPECIFIED)


def resolved(tags: ColourTags, format: FrameFormat, model: Model | None = None) -> ColourTags:
    """Tags with every unspecified entry decided by rule, see ``docs/decisions/0100-unspecified-colour.md``.

    Up to 576 lines the matrix is BT.601 (the 625-line flavour above 486 lines), else BT.709; primaries and transfer
    follow it. RGB media keep the matrix "gbr" and are taken for BT.709.
    """
    sd = format.height <= LARGEST_SD_HEIGHT and model is not Model.RGB
    family = ("bt470bg" if format.height > 486 else "smpte170m") if sd else "bt709"
    curve = "smpte170m" if sd else "bt709"
    return replace(
        tags,
        matrix="gbr" if model is Model.RGB else _either(tags.matrix, family),
        primaries=_either(tags.primaries, family),
        transfer=_either(tags.transfer, curve),
    )


def delivery_tags(tags: ColourTags, format: FrameFormat, pixel_format: str) -> ColourTags:
    """Tags of a result made from media with ``tags`` and written as ``pixel_format``.

    Primaries and transfer are kept (or decided by ``resolved``); RGB sources get the BT.709 matrix where the result is
    YUV. YUV results are limited range, RGB ones full range.
    """
    layout = layout_of(pixel_format)
    source = Model.RGB if tags.matrix == "gbr" else None
    known = resolved(tags, format, source)
    if known.transfer == "linear":
        known = replace(known, transfer="iec61966-2-1")
    if layout.floating:
        known = replace(known, transfer="linear")
    if layout.model is Model.RGB:
        return fitting(known, pixel_format)
    matrix = known.matrix if known.matrix in WEIGHTS else "bt2020nc" if known.primaries == "bt2020" else "bt709"
    return replace(known, matrix=matrix, full_range=False)


def fitting(tags: ColourTags, pixel_format: str, codec: str = "") -> ColourTags:
    """``tags`` as this pixel format and codec can carry them.

    RGB is full range and has no matrix, whatever was said. Decoders take DNxHR for BT.709 whatever the container says,
    so that is the matrix it is written with; primaries and transfer stay.
    """
    if layout_of(pixel_format).model is Model.RGB:
        return replace(tags, matrix="gbr", full_range=True)
    return replace(tags, matrix="bt709") if codec == "dnxhd" else tags


def _either(name: str, otherwise: str) -> str:
    return otherwise if name in UNSPECIFIED else name
