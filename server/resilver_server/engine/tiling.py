"""Networks on frames larger than memory allows: cut into tiles that overlap by the network's halo.

Each tile sees ``halo`` pixels more on every side that is not the frame's own edge, and gives back its core alone. Where
the halo covers what the network can see (compact networks) the result is that of the whole frame; where it cannot
(RRDB) the cores are laid over each other with a ramp, so that what little difference there is has no edge.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import ceil

import torch
from torch.nn import functional as F

from resilver_server.domain.spans import Span


class Tiled(torch.nn.Module):
    """A network with padding and tiling around it; called like the network on (1, 3, h, w)."""

    def __init__(
        self,
        module: torch.nn.Module,
        *,
        scale: int,
        halo: int,
        multiple: int,
        tile: int,
        ramp: int,
        check: Callable[[], None],
    ) -> None:
        """``tile``: largest edge of a core, 0 for the whole frame. ``ramp``: input pixels on either side of a joint
        over which neighbours are mixed, 0 for a plain joint. ``check`` is called before each tile and may raise."""
        super().__init__()
        self._module = module
        self._scale, self._halo, self._multiple, self._tile, self._ramp = scale, halo, multiple, tile, ramp
        self._check = check
        self._dtype = next((weights.dtype for weights in module.parameters()), torch.float32)

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """(1, 3, h, w) -> (1, 3, scale * h, scale * w) in the frame's dtype, whatever the network calculates in."""
        height, width = frame.shape[-2:]
        rows, columns = parts(height, self._tile, self._ramp), parts(width, self._tile, self._ramp)
        if len(rows) == len(columns) == 1:
            return self._padded(frame)
        scale = self._scale
        result = frame.new_zeros((1, 3, height * scale, width * scale))
        for row in rows:
            for column in columns:
                place = result[..., row.start * scale : row.stop * scale, column.start * scale : column.stop * scale]
                share = _rise(row, height, self._ramp, scale, frame)[:, None] * _rise(
                    column, width, self._ramp, scale, frame
                )
                place += self._part(frame, row, column) * share
        return result

    def _part(self, frame: torch.Tensor, row: Span, column: Span) -> torch.Tensor:
        """The network's result for a part of the frame, computed with the halo around it."""
        height, width = frame.shape[-2:]
        seen_rows = row.grow(self._halo, Span(0, height))
        seen_columns = column.grow(self._halo, Span(0, width))
        seen = frame[..., seen_rows.start : seen_rows.stop, seen_columns.start : seen_columns.stop]
        enlarged = self._padded(seen)
        scale = self._scale
        top, left = (row.start - seen_rows.start) * scale, (column.start - seen_columns.start) * scale
        return enlarged[..., top : top + len(row) * scale, left : left + len(column) * scale]

    def _padded(self, part: torch.Tensor) -> torch.Tensor:
        self._check()
        height, width = part.shape[-2:]
        down, right = -height % self._multiple, -width % self._multiple
        if down or right:
            part = F.pad(part, (0, right, 0, down), mode="replicate")
        enlarged: torch.Tensor = self._module(part.to(self._dtype).contiguous()).to(part.dtype)
        return enlarged[..., : height * self._scale, : width * self._scale]


def parts(size: int, tile: int, ramp: int) -> list[Span]:
    """An axis cut into the fewest even parts of at most ``tile`` pixels (0: one part), each grown by ``ramp``."""
    count = ceil(size / tile) if tile else 1
    bounds = [size * index // count for index in range(count + 1)]
    return [Span(start, stop).grow(ramp, Span(0, size)) for start, stop in pairwise(bounds)]


def _rise(part: Span, size: int, ramp: int, scale: int, like: torch.Tensor) -> torch.Tensor:
    """Share of each output pixel of a part: 1, but rising from and falling to 0 at joints. Neighbours' shares add up
    to 1."""
    share = torch.ones(len(part) * scale, device=like.device, dtype=like.dtype)
    width = 2 * ramp * scale
    if width:
        rise = ((torch.arange(width, device=like.device) + 0.5) / width).to(like.dtype)
        if part.start > 0:
            share[:width] = rise
        if part.stop < size:
            share[-width:] = 1 - rise
    return share
