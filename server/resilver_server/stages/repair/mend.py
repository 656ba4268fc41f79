"""Damage of a frame, from wherever it is known, filled from the frames that saw the places and from around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from resilver_server.stages import grain as grains
from resilver_server.stages.contract import Made, Origin, Window
from resilver_server.stages.planes import highest, reduced, spread

from . import bursts, dirt, fill, motion, sizes, surroundings

_RIM = 2
"""Pixels, at the size dirt is sought at, by which it may be larger than what was found."""
_SURELY = 2.5
"""Errors from which a difference is no chance: an error is that of two frames, 1.4 times the grain and more."""
_AT_ONCE = 1 << 17
"""Places that are filled in one piece: as many as memory is declared for."""
_EDGE, _WHOLE = 0.25, 0.5
"""Tones of a defect map from which a pixel is mixed with its fill, and replaced by it."""


@dataclass(frozen=True)
class Damage:
    """What of a frame is to be replaced."""

    cover: torch.Tensor
    """(height, width) 0..1: by how much; 0 is left alone bit for bit."""
    rim: torch.Tensor
    """(height, width) bool: beside dirt, where it may go on."""
    seen: Mapping[int, torch.Tensor]
    """By offset of the neighbour, (height, width) bool: whether what lies over the frame may be gone there."""


def covers(defects: torch.Tensor) -> torch.Tensor:
    """(n, height, width) by how much each pixel is replaced, of maps of the same shape.

    Scanners say how much of the infrared a pixel lost (Kodak's Digital ICE calls it a "per-pixel defect matte"), and
    painted masks have soft edges: what has lost half of its light is taken for lost, what has lost a quarter or less,
    which the haze of dyes does, for film. In between it is mixed.
    """
    return ((defects - _EDGE) / (_WHOLE - _EDGE)).clamp(0, 1)


def damage(window: Window, cover: torch.Tensor | None, found: dirt.Pieces | None, tried: list[dirt.Span]) -> Damage:
    """Dirt ``found`` on the frame of a window, and what its map says, (height, width) ``cover``."""
    frame = window.frames[window.centre]
    height, width = frame.shape[-2:]
    total = frame.new_zeros((height, width)) if cover is None else cover
    near = neighbours(window)
    if found is None or not tried:
        everywhere = torch.ones((height, width), dtype=torch.bool, device=frame.device)
        return Damage(total, ~everywhere, dict.fromkeys(near, everywhere))
    factor = sizes.detection(height, width)
    size = 2 * _RIM + 1
    larger = cv2.dilate(found.labels.astype(np.float32), np.ones((size, size), np.uint8))
    labels, wide = (
        _enlarged(torch.from_numpy(plane.astype(np.int64)).to(frame.device), factor, height, width)
        for plane in (found.labels, larger)
    )
    spans = torch.from_numpy(np.asarray(found.span, np.int64)).to(frame.device)[wide]
    seen = {}
    for offset in near:
        clean = torch.tensor([_outside(offset, span) for span in tried], device=frame.device)
        seen[offset] = clean[spans] | (wide == 0)
    cover = torch.where(labels > 0, 1.0, total)
    return Damage(cover, (wide > 0) & (cover == 0), seen)


def neighbours(window: Window) -> list[int]:
    """Offsets of the other frames of a window that are not to be rebuilt themselves."""
    around = (entry for entry in range(len(window.frames)) if entry != window.centre)
    return [entry - window.centre for entry in around if bursts.gap(window.state, entry) is None]


def _outside(offset: int, span: dirt.Span) -> bool:
    """Whether dirt of that span is gone from the frame at ``offset``."""
    first, last = min(span.first, span.second), max(span.first, span.second)
    if span.one_sided:
        return offset >= first > 0 or offset <= last < 0
    return offset <= first or offset >= last


def _enlarged(plane: torch.Tensor, factor: int, height: int, width: int) -> torch.Tensor:
    return plane.repeat_interleave(factor, dim=0).repeat_interleave(factor, dim=1)[:height, :width]


def mended(
    window: Window,
    seeing: Window,
    damaged: Damage,
    hidden: torch.Tensor | None,
    flows: Mapping[int, torch.Tensor],
    grain: bool,
) -> Made:
    """The frame with its damage filled; not a bit changed elsewhere.

    ``seeing``: the same window for seeking motion, with what maps show hidden by what is around it.
    ``hidden`` (n, height, width): above 0 where a frame of the window is damaged, as far as maps say, or None.
    ``flows`` (1, 2, h, w) by offset, those that are known already, at the size dirt is sought at. With ``grain`` the
    fill has that of the frame.
    """
    frame, mask = window.frames[window.centre], damaged.cover > 0
    height, width = mask.shape
    corners = grains.samples(damaged.cover + damaged.rim) if grain else torch.zeros((0, 2), dtype=torch.int64)
    held_out = grains.squares(corners, height, width, frame.device)
    seen = _as_most(damaged, mask, held_out)
    wanted = mask | damaged.rim | held_out
    known = _guidance(seeing, wanted, flows, list(seen)) if seen else None
    others = {offset: window.frames[window.centre + offset] for offset in seen}
    masks = {} if hidden is None else {offset: hidden[window.centre + offset] for offset in seen}
    result, origin = frame.clone(), torch.zeros_like(mask, dtype=torch.uint8)
    error, factor = torch.full_like(frame[0], torch.inf), sizes.detection(height, width)
    for places in torch.split(torch.nonzero(wanted), _AT_ONCE):
        row, column = places.T
        if known is None:
            origin[row, column] = int(Origin.SPATIAL)
            continue
        can = {offset: plane[row, column] for offset, plane in seen.items()}
        found = fill.filled(others, (row, column), can, masks, known, factor)
        result[:, row, column], origin[row, column] = found.values, found.origin
        error[row, column] = found.error
    surely = _SURELY * (1.0 if min(seen, default=0) * max(seen, default=0) < 0 else dirt.ONE_SIDED)
    cover = torch.where(_goes_on(frame - result, surely * error, mask, damaged.rim, factor), 1.0, damaged.cover)
    result = torch.where((cover > 0) | held_out, result, frame)
    return _finished(frame, result, cover, origin, _lasting(masks, mask), corners)


def _lasting(masks: Mapping[int, torch.Tensor], mask: torch.Tensor) -> torch.Tensor:
    """(h, w) bool: where other frames are damaged in the same place."""
    found = torch.zeros_like(mask)
    for other in masks.values():
        found |= other > 0
    return found


def _goes_on(
    off: torch.Tensor, enough: torch.Tensor, mask: torch.Tensor, rim: torch.Tensor, factor: int
) -> torch.Tensor:
    """(h, w) bool: where dirt goes on beyond its ``mask``, for a frame is off there from what is filled in, to the same
    side as close by inside, by ``enough``, which is more than frames differ. Many frames tell that better than the few
    that find dirt."""
    tone = motion.luma(off[None])[0, 0]
    inside = torch.stack([mask & (tone > 0), mask & (tone < 0)])[:, None].to(tone.dtype)
    near = highest(inside, 2 * _RIM * factor)[:, 0] > 0
    far = tone.abs() > enough
    return rim & far & torch.where(tone > 0, near[0], near[1])


def _finished(
    frame: torch.Tensor,
    result: torch.Tensor,
    cover: torch.Tensor,
    origin: torch.Tensor,
    lasting: torch.Tensor,
    corners: torch.Tensor,
) -> Made:
    """With what no frame saw filled from around it, and with grain.

    Where damage stays in its place, smoothly: patches are chosen anew in each frame, and would boil.
    """
    mask, unseen = cover > 0, origin == int(Origin.SPATIAL)
    result = torch.where(unseen, frame, result)
    patched, plain = mask & unseen & ~lasting, mask & unseen & lasting
    if bool(patched.any()):
        result = surroundings.continued(result, patched | plain)
    if bool(plain.any()):
        known = (~plain)[None, None].to(result.dtype)
        result = torch.where(plain, spread(result[None], known)[0], result)
    made = grains.grain_like(frame, result, torch.where(patched, 0.0, cover), corners, _seed(frame))
    made = torch.where(patched, torch.lerp(frame, result, cover), made)
    return Made(made, torch.where(mask, origin, int(Origin.KEPT)))


def _seed(frame: torch.Tensor) -> int:
    """A number of this picture: frames that repeat it have the same grain again."""
    return int((frame.clamp(0, 1) * 255).round().to(torch.int64).sum())


def _as_most(damaged: Damage, mask: torch.Tensor, held_out: torch.Tensor) -> dict[int, torch.Tensor]:
    """By offset what may have seen each place; held-out squares are filled from those that most of the damage is, or
    from all."""
    half = mask.sum() / 2
    usual = {offset: (plane & mask).sum() >= half for offset, plane in damaged.seen.items()}
    none = not any(bool(flag) for flag in usual.values())
    return {offset: torch.where(held_out, usual[offset] | none, plane) for offset, plane in damaged.seen.items()}


def _guidance(
    window: Window, unknown: torch.Tensor, flows: Mapping[int, torch.Tensor], offsets: list[int]
) -> fill.Guidance:
    height, width = unknown.shape
    factor = sizes.detection(height, width)
    lumas = reduced(motion.luma(window.frames), factor)
    damaged = (reduced(unknown[None, None].to(lumas.dtype), factor) > 0).to(lumas.dtype)
    flows = {**flows, **_flows(window, lumas, [offset for offset in offsets if offset not in flows])}
    others = lumas[[window.centre + offset for offset in offsets]]
    flow = torch.cat([flows[offset] for offset in offsets])
    return fill.guidance(lumas[window.centre : window.centre + 1], others, flow, damaged)


def _flows(window: Window, lumas: torch.Tensor, offsets: list[int]) -> dict[int, torch.Tensor]:
    """(1, 2, h, w) by offset, of (n, 1, h, w) lumas."""
    if not offsets:
        return {}
    height, width = window.frames.shape[-2:]
    coarser = sizes.flow(height, width) // sizes.detection(height, width)
    pictures = motion.guides(reduced(lumas, coarser))
    found = motion.flows(pictures, window.centre, [window.centre + offset for offset in offsets])
    rows, columns = lumas.shape[-2:]
    return dict(zip(offsets, motion.enlarged(found, coarser, rows, columns, lumas)[:, None], strict=True))
