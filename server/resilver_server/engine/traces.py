"""Change maps that go with the frames through all stages: what was changed in each, and from where it was taken.

Stages that make a frame anew, of another size or between two, are not counted: they change every pixel.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import torch
from torch.nn import functional

from resilver_server.domain.formats import FrameFormat
from resilver_server.stages.contract import Origin
from resilver_server.stages.upscale.geometry import Placement

_EMPHASIS = 4
"""Grey is white where a quarter of the range was changed, as in the maps of a preview."""
_CODES = 255
_COLOURS = {
    Origin.PREVIOUS: (0, 114, 178),
    Origin.NEXT: (230, 159, 0),
    Origin.BOTH: (0, 158, 115),
    Origin.SPATIAL: (204, 121, 167),
}
"""Blue, orange, green and pink of Okabe and Ito, "Color Universal Design" (2008): told apart by colour-blind people."""


@dataclass(frozen=True)
class Trace:
    """What the stages so far changed in a frame."""

    amount: torch.Tensor
    """(height, width): the largest change of a channel that one of them made; 0 is untouched, bit for bit."""
    origin: torch.Tensor
    """(height, width) uint8: the last ``Origin`` that a stage told of a pixel it changed."""

    def after(self, earlier: Trace | None) -> Trace:
        """Both together, this one the later."""
        if earlier is None:
            return self
        origin = torch.where(self.origin > 0, self.origin, earlier.origin)
        return Trace(torch.maximum(self.amount, earlier.amount), origin)


class Tracer:
    """One layer's traces, remembered as long as its frames are."""

    def __init__(self, capacity: int, laid: Callable[[Trace], Trace] | None = None, counts: bool = True) -> None:
        """``laid`` brings a trace to the layer's size; without ``counts`` its own changes are none."""
        self._capacity = max(1, capacity)
        self._laid, self._counts = laid, counts
        self._traces: OrderedDict[int, Trace | None] = OrderedDict()

    def find(self, index: int) -> Trace | None:
        return self._traces.get(index)

    def passed(self, index: int, earlier: Trace | None) -> None:
        """The layer left frame ``index`` alone."""
        self._traces[index] = self._laid(earlier) if self._laid and earlier else earlier
        while len(self._traces) > self._capacity:
            self._traces.popitem(last=False)

    def made(
        self,
        index: int,
        earlier: Trace | None,
        plain: Callable[[], torch.Tensor],
        result: torch.Tensor,
        origin: torch.Tensor | None,
    ) -> None:
        """The layer made ``result`` of frame ``index``, which was ``plain``, both (3, height, width)."""
        if self._counts:
            earlier = traced(plain(), result, origin).after(earlier)
        self.passed(index, earlier)


def traced(plain: torch.Tensor, result: torch.Tensor, origin: torch.Tensor | None) -> Trace:
    amount = (result - plain).abs().amax(dim=0)
    known = torch.zeros_like(amount, dtype=torch.uint8) if origin is None else origin.to(amount.device, torch.uint8)
    return Trace(amount, torch.where(amount > 0, known, 0))


def placed(trace: Trace, placement: Placement, output: FrameFormat) -> Trace:
    """A trace at another size: the nearest pixel's, of a reduced picture the largest of those around."""
    factor = ceil(max(placement.height / placement.rows, placement.width / placement.columns))
    amount, origin = (_pooled(plane, factor) for plane in (trace.amount, trace.origin))
    rows = _nearest(amount.shape[0], placement.top, placement.height, placement.rows, amount.device)
    columns = _nearest(amount.shape[1], placement.left, placement.width, placement.columns, amount.device)
    return Trace(*(_canvas(plane[rows][:, columns], placement, output) for plane in (amount, origin)))


def picture(trace: Trace | None, output: FrameFormat, device: torch.device) -> torch.Tensor:
    """(3, height, width), 0..1, whose 8-bit codes are exact: black is untouched, grey is changed by so much, a colour
    says from where a pixel was taken."""
    if trace is None:
        return torch.zeros((3, output.height, output.width), device=device)
    grey = (trace.amount * (_EMPHASIS * _CODES)).ceil().clamp(0, _CODES)
    table = torch.zeros((len(Origin), 3), device=device)
    for code, colour in _COLOURS.items():
        table[code] = torch.tensor(colour, dtype=table.dtype)
    coloured = table[trace.origin.long()].permute(2, 0, 1)
    return torch.where(trace.origin > 0, coloured, grey) / _CODES


def _pooled(plane: torch.Tensor, factor: int) -> torch.Tensor:
    if factor <= 1:
        return plane
    edge = factor // 2
    return functional.max_pool2d(plane[None].float(), 2 * edge + 1, 1, edge)[0].to(plane.dtype)


def _nearest(size: int, start: Fraction, length: Fraction, outputs: int, device: torch.device) -> torch.Tensor:
    """(outputs,) indices of the samples under the middles of output pixels."""
    middles = (torch.arange(outputs, dtype=torch.float64) + 0.5) * (float(length) / outputs) + float(start)
    return middles.floor().long().clamp(0, size - 1).to(device)


def _canvas(content: torch.Tensor, placement: Placement, output: FrameFormat) -> torch.Tensor:
    canvas = content.new_zeros((output.height, output.width))
    canvas[placement.y : placement.y + placement.rows, placement.x : placement.x + placement.columns] = content
    return canvas
