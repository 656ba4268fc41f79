"""Where dirt lies on a frame, told from neighbours that are moved onto it and brought to its brightness."""

from __future__ import annotations

import torch

from resilver_server.stages.contract import Window
from resilver_server.stages.planes import around, reduced, smooth

from . import bursts, dirt, motion, sizes, things
from .spec import DIRT_REACH, RepairParameters

_THINGS = 0.04
"""Share of the height within which things are looked for in the frames around."""
_DOUBTFUL = 0.1
"""Share of the height by which dirt may be thick for which only frames of one side speak."""
_SEEN = 3
"""Frames that are looked at on either side; one more where there are none on the other."""
_NEAREST = 4
"""Pixels, at least."""
_ALIKE = 0.08
"""Differences above are no matter of brightness."""
_FEW = 1e-3
"""Share of alike pixels around, below which brightness is left as it is."""
_BLOCK = 16
"""Pixels whose mean is compared, for the exposure of the whole frame."""
_FLAT = 1e-3
"""Variance (of tones 0..1) below which contrast says nothing."""
_STEEPEST = 1.6
"""Largest change of contrast."""


def found(view: View, tried: list[dirt.Span], parameters: RepairParameters) -> dirt.Pieces:
    """Pieces of dirt on the frame of a view, at its size."""
    sensitivity, smoothed = parameters.sensitivity, smooth(view.current)[0]
    score, trace = dirt.scores(smoothed, view.smoothed, view.flow, tried)
    pieces = dirt.pieces(score, sensitivity, parameters.largest * view.height / view.factor)
    pieces = dirt.within(dirt.with_bands(pieces), tried, max(_NEAREST, _DOUBTFUL * smoothed.shape[-2]))
    reach = max(_NEAREST, round(_THINGS * smoothed.shape[-2]))
    pieces = things.standing_alone(pieces, tried, smoothed, view.smoothed, sensitivity)
    pieces = things.without_things(pieces, tried, smoothed, view.smoothed, reach)
    return dirt.with_rims(pieces, trace, sensitivity)


class View:
    """A frame and its neighbours, moved onto it, at the size dirt is sought at."""

    def __init__(self, window: Window, offsets: list[int]) -> None:
        self.window = window
        height, width = window.frames.shape[-2:]
        self.height = height
        self.factor = sizes.detection(height, width)
        lumas = reduced(motion.luma(window.frames), self.factor)
        coarser = sizes.flow(height, width) // self.factor
        centre = window.centre
        pictures = motion.guides(reduced(lumas, coarser))
        found = motion.flows(pictures, centre, [centre + offset for offset in offsets])
        rows, columns = lumas.shape[-2:]
        flow = motion.enlarged(found, coarser, rows, columns, lumas)
        self.current = lumas[centre : centre + 1]
        plain = motion.moved(lumas[[centre + offset for offset in offsets]], flow)
        level = _levelled(smooth(self.current), smooth(plain))
        self.smoothed = dict(zip(offsets, level, strict=True))
        self.plain = dict(zip(offsets, plain[:, None], strict=True))
        self.flow = dict(zip(offsets, flow[:, None], strict=True))


def offsets(window: Window) -> list[int]:
    """Neighbours that may tell what the frame showed: near, and not to be rebuilt themselves."""
    reach = range(-DIRT_REACH, DIRT_REACH + 1)
    near = (offset for offset in reach if offset and 0 <= window.centre + offset < len(window.frames))
    whole = [offset for offset in near if bursts.gap(window.state, window.centre + offset) is None]
    one_sided = not whole or whole[0] > 0 or whole[-1] < 0
    return whole if one_sided else [offset for offset in whole if abs(offset) <= _SEEN]


def _levelled(current: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) neighbours brought to the brightness and the contrast of the frame around each place, by a line
    through what is alike: as flicker, fog and fades differ from frame to frame, dirt does not."""
    moved = moved * _exposure(current, moved)
    alike = ((current - moved).abs() < _ALIKE).to(moved.dtype)

    def mean(planes: torch.Tensor) -> torch.Tensor:
        return (around(alike * planes, 8, 5) + _FEW / 2) / share

    share = around(alike, 8, 5) + _FEW
    here, there = mean(current), mean(moved)
    both, own = mean(current * moved) - here * there, mean(moved * moved) - there * there
    slope = ((both + _FLAT) / (own + _FLAT)).clamp(1 / _STEEPEST, _STEEPEST)
    return here + slope * (moved - there)


def _exposure(current: torch.Tensor, moved: torch.Tensor) -> torch.Tensor:
    """(n, 1, 1, 1) by how much all of the frame is brighter than its neighbours: the median over blocks."""
    here, there = reduced(current, _BLOCK), reduced(moved, _BLOCK)
    ratio = ((here + _FEW) / (there + _FEW)).flatten(1).median(dim=1).values
    return ratio[:, None, None, None]
