"""Where dirt lies on a frame: places that differ, in one direction, from what the frames before and after agree on.

The test is that of the SDIp and ROD detectors (Kokaram, Morris, Fitzgerald, Rayner, "Detection of Missing Data in Image
Sequences", IEEE Transactions on Image Processing 4(11), 1995) on neighbours moved along the flow, with four additions:

- a place must be brighter (darker) than all that the neighbours show within a pixel: edges a little off are none;
- what it stands out by is counted in units of how far the neighbours disagree around it: where motion is understood
  little is enough, among hands, spokes and snow hardly anything is;
- a frame further away on either side must bear it out (five frames, after Corrigan, Harte, Kokaram, "Pathological
  Motion Detection for Robust Missing Data Treatment", EURASIP Journal on Advances in Signal Processing, 2008);
- dirt may stay for up to three frames: every span that holds the frame is tried, against the frames outside of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from resilver_server.stages.planes import around, box, highest, lowest, reduced

_LONGEST = 3
"""Frames that a piece of dirt stays at most."""
_FLOOR = 0.008
"""Disagreement of neighbours that is taken for granted: two code values of eight bits."""
_CAP = 0.1
"""Disagreement of one pixel counts at most as this: it may be dirt of a neighbour."""
_NEAR = 3
"""Pixels around within which disagreement counts in full."""
_LASTING = 1.25
"""How much more dirt must stand out that lasts: an object that passes by does so too."""
ONE_SIDED = 1.25
"""The same where there are frames on one side alone."""
_CELL = 4
_EDGE = 8
"""Pixels around within which motion is looked at for edges."""
_SMOOTH = 0.1
"""How much more dirt must stand out for each pixel by which motion differs around it."""
_STANDING = 0.4
"""The same for dirt that lasts: a foot that stands for three frames is like it, but a leg moves above."""
_COVERING = 0.2
"""The same where there are frames on one side alone: what covers and uncovers looks just like dirt there."""
_COVERING_LASTING = 0.5
"""And where it lasts besides."""
_SURE = 3.0
"""Standing out by so many disagreements is dirt, at sensitivity 0.5."""
_LIKELY = 1.0
"""As much is, where it touches such a place."""
_PLENTY = 25.0
"""As many disagreements in all over a connected place that likely is dirt make it sure: much that is faint."""
_FAINTEST = 0.08
"""Longest side of such places, as a share of the height: what is faint and large is brightness."""
_TRACE = 1.5
"""As much is on the rim of such pieces, there without regard to edges: dirt is soft at its own."""
_ACROSS = 0.5
"""Share of a row from which all of it is dirty, as where a splice left its mark."""
_BAND = 0.05
"""Height of such a mark, at most, as a share of the frame's."""
_FRINGE = 2
"""Pixels along the edges of the frame within which alone nothing is called dirt."""
_RIM = 2
"""Pixels."""


@dataclass(frozen=True)
class Span:
    """One answer to how long the dirt stays, and the frames that show the place without it."""

    first: int
    second: int
    """Offsets of the two that are compared with: one on either side, or both on the same."""
    further: tuple[int, ...]
    """Offsets of those behind them."""
    lasting: bool
    """Whether it is more than the one frame."""

    @property
    def factor(self) -> float:
        """How much more it takes."""
        return (_LASTING if self.lasting else 1.0) * (ONE_SIDED if self.one_sided else 1.0)

    @property
    def one_sided(self) -> bool:
        return self.first * self.second > 0


@dataclass(frozen=True)
class Pieces:
    """Connected pieces of dirt, at the size that was searched."""

    labels: npt.NDArray[np.int32]
    """(height, width) number of the piece that lies there, 0 for none."""
    boxes: npt.NDArray[np.int32]
    """(numbers, 4) first row, first column, rows and columns of each."""
    thickness: npt.NDArray[np.float32]
    """(numbers,) pixels across where each is thickest: that of a hair is its width, however long it is."""
    span: npt.NDArray[np.int64]
    """(numbers,) which of the spans that were tried holds for each."""
    bands: frozenset[int] = frozenset()
    """Those that are marks of a splice: nothing that moves lies across a whole frame for so short."""

    def numbers(self) -> list[int]:
        return [int(number) for number in np.unique(self.labels) if number]


def spans(offsets: Sequence[int]) -> list[Span]:
    """All that can be tried with neighbours at these offsets, the likeliest first."""
    before = sorted((o for o in offsets if o < 0), reverse=True)
    after = sorted(o for o in offsets if o > 0)
    lengths = [(earlier, length) for length in range(1, _LONGEST + 1) for earlier in range(length)]
    tried = (_span(before, after, earlier, length) for earlier, length in lengths)
    return [span for span in tried if span]


def _span(before: Sequence[int], after: Sequence[int], earlier: int, length: int) -> Span | None:
    """The span of ``length`` frames, ``earlier`` of them before the frame itself."""
    later = length - 1 - earlier
    if earlier > len(before) or later > len(after):
        return None
    before, after = before[earlier:], after[later:]
    if before and after:
        return Span(before[0], after[0], (*before[1:2], *after[1:2]), length > 1)
    side = before or after
    if len(side) < 2:
        return None
    return Span(side[0], side[1], tuple(side[2:3]), length > 1)


def scores(
    current: torch.Tensor,
    moved: Mapping[int, torch.Tensor],
    flows: Mapping[int, torch.Tensor],
    tried: Sequence[Span],
) -> tuple[torch.Tensor, torch.Tensor]:
    """(spans, h, w): by how many disagreements each place stands out, negative where it does not, 0 where one of the
    two frames compared with does not show it; and (h, w) the most by which it does where edges a little off are not
    allowed for.

    ``current`` and each of ``moved`` (by offset): (1, h, w), smoothed, of one brightness.
    """
    above = {offset: current - highest(plane, 1) for offset, plane in moved.items()}
    below = {offset: lowest(plane, 1) - current for offset, plane in moved.items()}
    rough = {offset: _roughness(flow) for offset, flow in flows.items()}
    seen = {offset: _inside(flow) for offset, flow in flows.items()}
    found, plain = [], []
    for span in tried:
        unit = _disagreement(moved, span) * _caution(rough, span)
        outstanding = torch.maximum(_least(above, span), _least(below, span))
        one, other = current - moved[span.first], current - moved[span.second]
        found.append(outstanding / unit * (seen[span.first] & seen[span.second]))
        plain.append(torch.maximum(torch.minimum(one, other), -torch.maximum(one, other)) / unit)
    return torch.cat(found), torch.cat(plain).amax(0)


def _inside(flow: torch.Tensor) -> torch.Tensor:
    """(1, h, w) whether a place lies in the neighbour as well, of (1, 2, h, w) flow."""
    height, width = flow.shape[-2:]
    rows = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    columns = torch.arange(width, device=flow.device, dtype=flow.dtype)
    x, y = columns + flow[:, 0], rows + flow[:, 1]
    return (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)


def _least(difference: Mapping[int, torch.Tensor], span: Span) -> torch.Tensor:
    """By how much a place stands out from both frames and from those behind them: from all where dirt lasts, else from
    one."""
    near = torch.minimum(difference[span.first], difference[span.second])
    if not span.further:
        return near
    further = torch.stack([difference[offset] for offset in span.further])
    return torch.minimum(near, further.amin(0) if span.lasting else further.amax(0))


def _disagreement(moved: Mapping[int, torch.Tensor], span: Span) -> torch.Tensor:
    """How far the neighbours are apart: far around, or close around, whichever is more."""
    apart = (moved[span.first] - moved[span.second]).abs()
    wide = around(apart.clamp(max=_CAP)[None], 4, 3)[0] + _FLOOR
    if span.lasting:
        for offset in span.further:
            nearer = span.first if offset * span.first > 0 else span.second
            apart = torch.maximum(apart, (moved[offset] - moved[nearer]).abs())
    return torch.maximum(wide * span.factor, box(apart[None], _NEAR)[0])


def _roughness(flow: torch.Tensor) -> torch.Tensor:
    """(1, h, w) pixels by which motion differs around a place, of (1, 2, h, w) flow; by cells, for flow is smooth."""
    height, width = flow.shape[-2:]
    cells = reduced(flow, _CELL)
    apart = (highest(cells, _EDGE // _CELL) - lowest(cells, _EDGE // _CELL)).amax(dim=1, keepdim=True)
    return F.interpolate(apart, scale_factor=_CELL, mode="bilinear", align_corners=False)[0, :, :height, :width]


def _caution(rough: Mapping[int, torch.Tensor], span: Span) -> torch.Tensor:
    """(1, h, w) from 1: how much more it takes where motion differs around. Where one thing covers another it does, and
    frames of one side cannot tell that from dirt."""
    apart = torch.maximum(rough[span.first], rough[span.second])
    if span.one_sided:
        return 1 + (_COVERING_LASTING if span.lasting else _COVERING) * apart
    return 1 + (_STANDING if span.lasting else _SMOOTH) * apart


def pieces(score: torch.Tensor, sensitivity: float, largest: float) -> Pieces:
    """Connected places that likely are dirt and surely are somewhere or in sum, at most ``largest`` pixels thick.

    On the CPU: labels spread from pixel to pixel, which is no work for tensors. ``score`` is that of ``scores``.
    """
    scale = factor(sensitivity)
    planes = score.float().cpu().numpy()
    best = planes.max(axis=0)
    likely = (best > _LIKELY * scale).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(likely, connectivity=8)
    boxes = stats[:, [cv2.CC_STAT_TOP, cv2.CC_STAT_LEFT, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_WIDTH]]
    kept = np.zeros(count, np.bool_)
    kept[np.unique(labels[best > _SURE * scale])] = True
    mass = np.bincount(labels.ravel(), weights=best.ravel(), minlength=count)
    sides = boxes[:, 2:].max(axis=1)
    kept |= (mass > _PLENTY * scale) & (sides <= _FAINTEST * best.shape[0])
    kept[0] = False
    kept &= ~_fringe(boxes, *best.shape)
    thickness = _thickness(likely, labels, count)
    kept &= thickness <= max(1.0, largest)
    found = np.asarray(np.where(kept[labels], labels, 0), np.int32)
    return Pieces(found, boxes, thickness, _votes(planes, found, count))


def _fringe(boxes: npt.NDArray[np.int32], height: int, width: int) -> npt.NDArray[np.bool_]:
    """(numbers,) whether a piece is but the frame's edge, which comes and goes as the picture weaves."""
    row, column, rows, columns = boxes.T
    near = (row + rows <= _FRINGE) | (column + columns <= _FRINGE)
    return np.asarray(near | (row >= height - _FRINGE) | (column >= width - _FRINGE), np.bool_)


def _thickness(mask: npt.NDArray[np.uint8], labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.float32]:
    """(labels,) twice the longest way out of each."""
    out = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)
    thickness = np.zeros(count, np.float32)
    np.maximum.at(thickness, labels.ravel(), out.ravel())
    return np.asarray(2 * thickness - 1, np.float32)


def with_bands(found: Pieces) -> Pieces:
    """The pieces, and a new one for every few rows that they cover most of: where a splice left its mark."""
    height, width = found.labels.shape
    covered = (found.labels > 0).mean(axis=1) > _ACROSS
    edges = np.flatnonzero(np.diff(np.concatenate([[False], covered, [False]]))).reshape(-1, 2)
    bands = [(int(first), int(stop - first)) for first, stop in edges if stop - first <= max(1.0, _BAND * height)]
    if not bands:
        return found
    count, labels, spans_held = len(found.boxes), found.labels.copy(), []
    for number, (first, rows) in enumerate(bands, count):
        inside = found.labels[first : first + rows]
        spans_held.append(found.span[np.bincount(inside[inside > 0]).argmax()])
        labels[first : first + rows] = number
    boxes = np.array([(first, 0, rows, width) for first, rows in bands], np.int32)
    return Pieces(
        labels,
        np.concatenate([found.boxes, boxes]),
        np.concatenate([found.thickness, boxes[:, 2].astype(np.float32)]),
        np.concatenate([found.span, np.array(spans_held, np.int64)]),
        frozenset(range(count, count + len(bands))),
    )


def within(found: Pieces, tried: Sequence[Span], largest: float) -> Pieces:
    """The pieces but those that only frames of one side speak for and that are thicker than ``largest`` pixels."""
    doubtful = np.array([span.one_sided for span in tried])[found.span]
    dropped = doubtful & (found.thickness > largest)
    return replace(found, labels=np.where(dropped[found.labels], 0, found.labels))


def with_rims(found: Pieces, trace: torch.Tensor, sensitivity: float) -> Pieces:
    """The pieces grown by what is soft at their edges. ``trace`` is that of ``scores``."""
    size = 2 * _RIM + 1
    rim = cv2.dilate(found.labels.astype(np.float32), np.ones((size, size), np.uint8)).astype(np.int32)
    soft = (found.labels == 0) & (trace.float().cpu().numpy() > _TRACE * factor(sensitivity))
    return replace(found, labels=np.where(soft, rim, found.labels))


def factor(sensitivity: float) -> float:
    """What everything is multiplied with that dirt has to reach."""
    return float(16 ** (0.5 - sensitivity))


def _votes(score: npt.NDArray[np.float32], labels: npt.NDArray[np.int32], count: int) -> npt.NDArray[np.int64]:
    """(labels,) the span that holds best for all of a piece."""
    inside = labels > 0
    owners = labels[inside]
    sums = [np.bincount(owners, weights=np.maximum(plane[inside], 0), minlength=count) for plane in score]
    return np.asarray(np.argmax(sums, axis=0), np.int64)
