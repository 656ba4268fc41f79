"""A scanner's map of defects, as a stage sees it: at the size of its frames, beside them."""

from __future__ import annotations

from collections.abc import Callable

import torch

from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.spans import Span

from .mattes import Matte, laid


class DefectMaps:
    """The maps over a stage's frames. Those of the last window are kept: the next one sees most of them again."""

    def __init__(
        self,
        maps: Matte,
        media_frame: Callable[[int], int],
        size: FrameFormat,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self._maps, self._media_frame = maps, media_frame
        self._size, self._device, self._dtype = size, device, dtype
        self._last: dict[int, torch.Tensor] = {}

    def over(self, span: Span) -> torch.Tensor:
        """(n, height, width), 0..1: white is where the scanner saw a defect."""
        numbers = [self._maps.frame(self._media_frame(index)) for index in span]
        self._last = {number: self._map(number) for number in numbers}
        return torch.stack([self._last[number] for number in numbers])

    def _map(self, number: int) -> torch.Tensor:
        if number in self._last:
            return self._last[number]
        return laid(self._maps.luma(number), self._size, self._device)[0].to(self._dtype)
