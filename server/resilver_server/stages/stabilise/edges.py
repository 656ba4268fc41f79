"""What comes in at the edges of a moved picture: taken from neighbouring frames, moved to the same place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import avg_pool1d

from .warp import Part, Places, moved

_FEATHER = 6.0
"""Pixels over which a picture goes over into what fills it."""
_BAND = 24
"""Pixels beside the gap in which brightness is compared: frames are not yet rid of flicker here."""
_BRIGHTER = 2.0
"""Brightness is matched up to this factor, either way."""


@dataclass(frozen=True)
class Worn:
    """Pixels of the picture's own edges that are better taken from neighbours: beside a black border it is soft and
    dark."""

    above: float = 0.0
    below: float = 0.0
    left: float = 0.0
    right: float = 0.0


@dataclass(frozen=True)
class Neighbour:
    """A frame and how it is moved onto the frame in hand."""

    picture: torch.Tensor
    places: Places


def blackened(picture: torch.Tensor, places: Places, part: Part) -> torch.Tensor:
    """The moved picture, black where it has nothing to show."""
    shown = (_depth(places, picture.shape, part, picture, Worn()) + 1).clamp(0, 1)
    return moved(picture, places, part) * shown


def filled(picture: torch.Tensor, places: Places, neighbours: Sequence[Neighbour], worn: Worn) -> torch.Tensor:
    """The moved picture, its gaps and worn edges filled from ``neighbours``, the first of them that saw a place coming
    first. What none of them saw is its own, and mirrored beyond."""
    height, width = picture.shape[1:]
    result = moved(picture, places, Part(0, height, 0, width))
    gaps = _gaps(places, height, width, worn)
    for side, part in enumerate(_strips(gaps, height, width)):
        if part is None:
            continue
        helpful = [other for other in neighbours if _gaps(other.places, height, width, worn)[side] < gaps[side]]
        near = result[:, part.top : part.bottom, part.left : part.right].clone()
        whole = _filled(near, picture.shape, places, part, side < 2, helpful, worn)
        result[:, part.top : part.bottom, part.left : part.right] = whole
    return result


def _filled(
    near: torch.Tensor,
    shape: torch.Size,
    places: Places,
    part: Part,
    lying: bool,
    neighbours: Sequence[Neighbour],
    worn: Worn,
) -> torch.Tensor:
    """A strip: first the picture itself, then one neighbour under the other."""
    own = _depth(places, shape, part, near, worn)
    shown = (own / _FEATHER).clamp(0, 1)
    found, left = near * shown, 1 - shown
    for neighbour in neighbours:
        depth = _depth(neighbour.places, shape, part, near, worn)
        other = moved(neighbour.picture, neighbour.places, part)
        both = ((own > 0) & (depth > 0)).to(near.dtype)
        share = left * (depth / _FEATHER).clamp(0, 1)
        found = found + share * _matched(other, near, both, lying)
        left = left - share
    return found + left * near


def _gaps(p: Places, height: int, width: int, worn: Worn) -> tuple[float, float, float, float]:
    """Pixels above, below, left and right where the moved picture has nothing sound to show; none at 0 and less."""
    far_x, far_y = width - 1, height - 1
    return (
        worn.above + max(-p.row(x, 0) for x in (0, far_x)),
        worn.below + max(p.row(x, far_y) - far_y for x in (0, far_x)),
        worn.left + max(-p.column(0, y) for y in (0, far_y)),
        worn.right + max(p.column(far_x, y) - far_x for y in (0, far_y)),
    )


def _strips(gaps: tuple[float, float, float, float], height: int, width: int) -> list[Part | None]:
    """Strips along the edges, as thick as the gaps and a band of film; those above and below lie."""
    above, below = (_thickness(gap, height) for gap in gaps[:2])
    left, right = (_thickness(gap, width) for gap in gaps[2:])
    parts = [
        Part(0, above, 0, width),
        Part(height - below, height, 0, width),
        Part(0, height, 0, left),
        Part(0, height, width - right, width),
    ]
    return [part if gap > 0 else None for part, gap in zip(parts, gaps, strict=True)]


def _thickness(gap: float, size: int) -> int:
    return min(size, math.ceil(gap + _FEATHER) + _BAND)


def _depth(p: Places, shape: torch.Size, part: Part, like: torch.Tensor, worn: Worn) -> torch.Tensor:
    """(rows, columns): how many pixels inside its own sound edges the moved picture is at a place; below 0 outside."""
    y = torch.arange(part.top, part.bottom, device=like.device).to(like.dtype)[:, None]
    x = torch.arange(part.left, part.right, device=like.device).to(like.dtype)[None, :]
    column = p.xx * x + (p.xy * y + p.x0)
    row = p.yx * x + (p.yy * y + p.y0)
    across = torch.minimum(column - worn.left, shape[2] - 1 - worn.right - column)
    return torch.minimum(across, torch.minimum(row - worn.above, shape[1] - 1 - worn.below - row))


def _matched(other: torch.Tensor, near: torch.Tensor, both: torch.Tensor, lying: bool) -> torch.Tensor:
    """``other`` as bright as ``near`` where both are film, smoothly along the strip."""
    axis = 0 if lying else 1
    ours, theirs = ((picture.mean(dim=0).clamp(min=0) * both).sum(dim=axis) for picture in (near, other))
    size = max(1, len(ours) // 8) * 2 + 1
    ours, theirs = (avg_pool1d(line[None], size, 1, size // 2, count_include_pad=False)[0] for line in (ours, theirs))
    gain = torch.where(theirs > 1e-3, ours / theirs.clamp(min=1e-3), torch.ones_like(ours))
    gain = gain.clamp(1 / _BRIGHTER, _BRIGHTER)
    return other * (gain[None, :] if lying else gain[:, None])
