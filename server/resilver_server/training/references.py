"""Colour pictures to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from resilver_client.errors import InvalidReference, ResilverError
from resilver_server.domain.formats import PICTURE_SUFFIXES, MediaInfo
from resilver_server.domain.spans import Span
from resilver_server.media import colour
from resilver_server.media.identity import file_digest
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from resilver_server.models.colourise import differences, luma_of

LONGEST = 512
"""Pixels of a reference's longer side, as it is learned from."""
_LARGEST = 1 << 28
"""Pixels of a picture that is read at most: four times the largest film scan."""
_GREY = 1 / 255
"""Mean colour difference below which a picture has none."""


@dataclass(frozen=True)
class Reference:
    path: Path
    digest: str
    """sha256 of the file."""
    luma: torch.Tensor
    """(1, h, w) BT.709, 0..1."""
    chroma: torch.Tensor
    """(2, h, w) Cb and Cr, -0.5..0.5."""


def read_references(folder: Path) -> list[Reference]:
    """The pictures of a folder by name, hidden files aside.

    Raises InvalidReference naming a picture that cannot be read or has no colours, or a folder without any.
    """
    if not folder.is_dir():
        raise InvalidReference("there is no such folder", where=str(folder), remedy="name a folder of colour pictures")
    suited = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    found = [_reference(file) for file in suited if not file.name.startswith(".")]
    if not found:
        remedy = f"put pictures there: {', '.join(sorted(PICTURE_SUFFIXES))}"
        raise InvalidReference("the folder holds no pictures", where=str(folder), remedy=remedy)
    return found


def _reference(file: Path) -> Reference:
    rgb = _reduced(_read(file))
    reference = Reference(file, file_digest(file), luma_of(rgb)[None], differences(rgb))
    if float(reference.chroma.abs().amax(dim=0).mean()) < _GREY:
        raise InvalidReference("the picture has no colours", where=str(file), remedy="take it out of the folder")
    return reference


def _read(file: Path) -> torch.Tensor:
    try:
        info: MediaInfo = probe(str(file))
        if info.format.pixels > _LARGEST:
            raise InvalidReference("the picture is too large", where=str(file), remedy="make it smaller")
        with Reader(info) as reader:
            (picture,) = reader.read(Span(0, 1))
    except InvalidReference:
        raise
    except ResilverError as error:
        raise InvalidReference(error.what, where=str(file), remedy=error.remedy) from error
    return colour.to_rgb(picture, torch.device("cpu"), torch.float32).clamp(0, 1)


def _reduced(rgb: torch.Tensor) -> torch.Tensor:
    height, width = rgb.shape[-2:]
    share = min(1.0, LONGEST / max(height, width))
    size = (max(1, round(height * share)), max(1, round(width * share)))
    return F.interpolate(rgb[None], size, mode="bilinear", align_corners=False, antialias=True)[0]
