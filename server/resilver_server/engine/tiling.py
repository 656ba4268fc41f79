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
        self, module: torch.nn.Module, *, scale: int, halo: int, multiple: int, tile: int, check: Callable[[], None]
    ) -> None:
        super().__init__()
        self._module = module
        self._scale, self._halo, self._multiple, self._tile = scale, halo, multiple, tile
        self._check = check

    def forward(self, frame: torch.Tensor) -> torch.Tensor:
        """(1, 3, h, w) -> (1, 3, scale * h, scale * w). ``check`` is called before each tile and may raise."""
        height, width = frame.shape[-2:]
        rows, columns = cores(height, self._tile), cores(width, self._tile)
        if len(rows) == len(columns) == 1:
            return self._padded(frame)
        scale = self._scale
        result = frame.new_empty((1, 3, height * scale, width * scale))
        for row in rows:
            for column in columns:
                core = self._core(frame, row, column)
                result[..., row.start * scale : row.stop * scale, column.start * scale : column.stop * scale] = core
        return result

    def _core(self, frame: torch.Tensor, row: Span, column: Span) -> torch.Tensor:
        height, width = frame.shape[-2:]
        seen_rows = row.grow(self._halo, Span(0, height))
        seen_columns = column.grow(self._halo, Span(0, width))
        part = frame[..., seen_rows.start : seen_rows.stop, seen_columns.start : seen_columns.stop]
        enlarged = self._padded(part)
        scale = self._scale
        top, left = (row.start - seen_rows.start) * scale, (column.start - seen_columns.start) * scale
        return enlarged[..., top : top + len(row) * scale, left : left + len(column) * scale]

    def _padded(self, part: torch.Tensor) -> torch.Tensor:
        self._check()
        height, width = part.shape[-2:]
        down, right = -height % self._multiple, -width % self._multiple
        if down or right:
            part = F.pad(part, (0, right, 0, down), mode="replicate")
        enlarged: torch.Tensor = self._module(part.contiguous())
        return enlarged[..., : height * self._scale, : width * self._scale]


def cores(size: int, tile: int) -> list[Span]:
    """An axis cut into the fewest even parts of at most ``tile`` pixels (0: one part)."""
    count = ceil(size / tile) if tile else 1
    bounds = [size * index // count for index in range(count + 1)]
    return [Span(start, stop) for start, stop in pairwise(bounds)]
