"""Frames that are burnt, blank or missing: told by small pictures, rebuilt from those either side of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from resilver_client.errors import InvalidRecipe
from resilver_server.domain.clocks import Clock
from resilver_server.domain.spans import Span, format_frames
from resilver_server.stages.contract import Made, Measurements, Origin, State
from resilver_server.stages.planes import reduced, sharply_at, smooth, spread

from . import motion, sizes
from .spec import BAD_FRAMES

Array = npt.NDArray[np.float32]

PICTURE = (18, 24)
"""Rows and columns of the picture kept of every frame."""
_LONGEST = 4
"""Frames that a burst has at most."""
_SAME = 0.85
"""Correlation from which the frames either side show one scene."""
_LOST = 0.6
"""Correlation below which a frame does not show the scene of those either side."""
_BLANK = 0.15
"""Share of the contrast either side below which a frame is blank."""
_FLAT = 0.02
"""Contrast (standard deviation) below which nothing can be told."""
_SEEN = 0.05
"""Difference from the frames either side that damage has at least, in the mean and in _MOST of the picture."""
_MOST = 0.4
"""What covers less is a tear or dirt: the rest of the frame is good."""


@dataclass(frozen=True)
class Gap:
    """Where a frame to rebuild lies: ``before`` and ``after`` frames from undamaged ones, at ``position`` (0..1)."""

    before: int
    after: int
    position: float


def measured(luma: Array) -> dict[str, Array]:
    """picture (18, 24) float32: means of the luma's blocks."""
    rows, columns = PICTURE
    smaller = rows <= luma.shape[0] and columns <= luma.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return {"picture": np.asarray(cv2.resize(luma, (columns, rows), interpolation=method), np.float32)}


def solved(measurements: Measurements, clock: Clock, wanted: bool, listed: Sequence[Span] = ()) -> State:
    """before, after (entries, 1) int8 and position (entries, 1) float32; all 0 where a frame is whole.

    ``listed``: media frames that are bad whatever they show. Raises InvalidRecipe for those that cannot be rebuilt.
    """
    state: dict[str, npt.NDArray[Any]] = {
        "before": np.zeros((len(clock), 1), np.int8),
        "after": np.zeros((len(clock), 1), np.int8),
        "position": np.zeros((len(clock), 1), np.float32),
    }
    rows = np.asarray(clock.frames, np.int64) - int(measurements["frame"].ravel()[0])
    pictures = np.asarray(measurements["picture"], np.float64)[rows]
    piece = np.cumsum(np.isin(np.arange(len(clock)), clock.walls))
    bad = _entries(clock, listed)
    for length in range(1, _LONGEST + 1):
        for start in range(1, len(clock) - length):
            stop = start + length
            if piece[start - 1] != piece[stop] or bad[start - 1] or bad[stop]:
                continue
            inner = slice(start - 1, stop + 1)
            if bad[start:stop].all() or (wanted and _damaged(pictures[inner], clock.times[inner], bad[inner])):
                _note(state, start, stop, clock)
    _ensure_rebuilt(clock, bad & (state["before"][:, 0] == 0))
    return state


def _entries(clock: Clock, listed: Sequence[Span]) -> npt.NDArray[np.bool_]:
    """(entries,) which are listed. Frames outside of the clock's are another shot's; a repeat that cadence took out is
    listed with the frame that it repeats."""
    bad = np.zeros(len(clock), np.bool_)
    whole = Span(clock.frames[0], clock.frames[-1] + 1)
    entries = {frame: entry for entry, frame in enumerate(clock.frames)}
    repeats = []
    for frame in (frame for span in listed for frame in span.intersect(whole)):
        if frame in entries:
            bad[entries[frame]] = True
        else:
            repeats.append(frame)
    for frame in repeats:
        if not bad[bisect_right(clock.frames, frame) - 1]:
            raise InvalidRecipe(
                f"frame {frame} is listed as bad, but it repeats the one before it and was taken out as such",
                where=BAD_FRAMES,
                remedy="list the frame before it too, or set cadence's repeats to keep",
            )
    return bad


def _ensure_rebuilt(clock: Clock, left: npt.NDArray[np.bool_]) -> None:
    """Raises InvalidRecipe for the first run of listed frames that is ``left``."""
    if not left.any():
        return
    start = int(np.argmax(left))
    stop = start + int(np.argmin(np.append(left[start:], False)))
    frames = format_frames([Span(clock.frames[start], clock.frames[stop - 1] + 1)])
    if stop - start > _LONGEST:
        raise InvalidRecipe(
            f"frames {frames} are listed as bad: {stop - start} in a row, and {_LONGEST} can be rebuilt",
            where=BAD_FRAMES,
            remedy="list shorter runs, and cut longer ones out of the edit",
        )
    raise InvalidRecipe(
        f"frames {frames} are listed as bad, and their scene has no whole frame on one side of them",
        where=BAD_FRAMES,
        remedy="take them off the list, trim them, or see whether there is a cut that is none (cadence's cuts)",
    )


def _note(state: dict[str, npt.NDArray[Any]], start: int, stop: int, clock: Clock) -> None:
    for entry in range(start, stop):
        if not state["before"][entry, 0]:
            state["before"][entry], state["after"][entry] = entry - start + 1, stop - entry
            state["position"][entry] = _share(clock.times[start - 1 : stop + 1], entry - start + 1)


def _share(times: tuple[Fraction, ...], index: int) -> float:
    return float((times[index] - times[0]) / (times[-1] - times[0]))


def _damaged(pictures: npt.NDArray[np.float64], times: tuple[Fraction, ...], listed: npt.NDArray[np.bool_]) -> bool:
    """Whether all but the first and the last picture are damaged or listed, and these two show one scene."""
    first, last = pictures[0], pictures[-1]
    if min(first.std(), last.std()) < _FLAT or _likeness(first, last) < _SAME:
        return False
    for index in np.flatnonzero(~listed[1:-1]) + 1:
        share = _share(times, int(index))
        expected = (1 - share) * first + share * last
        blank = pictures[index].std() < _BLANK * expected.std()
        off = np.abs(pictures[index] - expected)
        if (
            off.mean() < _SEEN
            or (off > _SEEN).mean() < _MOST
            or not (blank or _likeness(pictures[index], expected) < _LOST)
        ):
            return False
    return True


def _likeness(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Correlation, -1..1: the same for every brightness and contrast."""
    a, b = one - one.mean(), other - other.mean()
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-9))


def gap(state: State, index: int) -> Gap | None:
    """What the state says of frame ``index`` of a window, None where it is whole."""
    before = int(state["before"][index, 0])
    if before == 0:
        return None
    return Gap(before, int(state["after"][index, 0]), float(state["position"][index, 0]))


def between(first: torch.Tensor, last: torch.Tensor, share: float) -> Made:
    """The frame between two (3, h, w) frames, where things are after ``share`` (0..1) of the time.

    Flow both ways is carried forward to that time (splatting, after Baker et al., "A Database and Evaluation
    Methodology for Optical Flow", IJCV 92, 2011, section 3.3.2), holes are filled from around, and both frames are read
    along it.
    """
    pair = torch.stack([first, last])
    height, width = pair.shape[-2:]
    factor = sizes.flow(height, width)
    small = reduced(motion.luma(pair), factor)
    pictures = motion.guides(small)
    forth, back = motion.flows(pictures, 0, [1])[0], motion.flows(pictures, 1, [0])[0]
    rows, columns = small.shape[-2:]
    from_first = _carried(forth[:rows, :columns], share)
    from_last = _carried(back[:rows, :columns], 1 - share)
    flow, seen = _combined(from_first, from_last, small)
    large = motion.enlarged_planes(flow, factor, height, width) * factor
    seen = motion.enlarged_planes(seen, factor, height, width)
    return Made(_mixed(pair, large, seen, share), _origin(seen[0] > 0.5))


def _origin(seen: torch.Tensor) -> torch.Tensor:
    """(h, w) uint8: from which of two frames, by which of them shows a place, (2, h, w) bool."""
    only = seen ^ seen.flip(0)
    alone = only & seen
    origin = torch.full(seen.shape[1:], int(Origin.BOTH), dtype=torch.uint8, device=seen.device)
    origin = torch.where(alone[0], int(Origin.PREVIOUS), origin)
    return torch.where(alone[1], int(Origin.NEXT), origin).to(torch.uint8)


def _carried(flow: motion.Flow, share: float) -> tuple[Array, Array]:
    """(2, h, w) the whole flow as it lies after ``share`` of it, and (h, w) how much of it came to lie there."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = x + share * flow[..., 0], y + share * flow[..., 1]
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    sums = np.zeros((3, height * width))
    for down in (0, 1):
        for right in (0, 1):
            part = (1 - np.abs(x - left - right)) * (1 - np.abs(y - top - down))
            column, row = left + right, top + down
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            place = (row * width + column)[inside]
            for plane, values in zip(sums, (flow[..., 0], flow[..., 1], np.ones_like(x)), strict=True):
                plane += np.bincount(place, weights=(part * values)[inside], minlength=height * width)
    weight = sums[2]
    carried = sums[:2] / np.maximum(weight, 1e-6)
    return carried.reshape(2, height, width).astype(np.float32), weight.reshape(height, width).astype(np.float32)


def _combined(
    from_first: tuple[Array, Array], from_last: tuple[Array, Array], like: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """(1, 2, h, w) flow from the first to the last frame, as seen at the time between, and (1, 2, h, w) how far each
    of the two shows a place."""
    (forth, first), (back, last) = from_first, from_last
    weight = first + last
    flow = (forth * first - back * last) / np.maximum(weight, 1e-6)
    known = torch.from_numpy(np.clip(weight, 0, 1)[None, None]).to(like)
    seen = torch.from_numpy(np.clip(np.stack([first, last])[None], 0, 1)).to(like)
    return spread(torch.from_numpy(flow[None]).to(like), known), smooth(seen)


def _mixed(pair: torch.Tensor, flow: torch.Tensor, seen: torch.Tensor, share: float) -> torch.Tensor:
    """(3, h, w) from both frames: each where it shows the place, the nearer the more; grain of the nearer one."""
    height, width = pair.shape[-2:]
    rows = torch.arange(height, device=pair.device, dtype=pair.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, device=pair.device, dtype=pair.dtype)[None, :].expand(height, width)
    values = []
    for frame, part in zip(pair, (-share, 1 - share), strict=True):
        x, y = columns + part * flow[0, 0], rows + part * flow[0, 1]
        values.append(sharply_at(frame, x.reshape(-1), y.reshape(-1)).reshape(3, height, width))
    weights = ((1 - share) * (seen[0, 0] + 0.01), share * (seen[0, 1] + 0.01))
    mean = (values[0] * weights[0] + values[1] * weights[1]) / (weights[0] + weights[1])
    nearer = values[0] if share <= 0.5 else values[1]
    best = torch.where((seen[0, 0] if share <= 0.5 else seen[0, 1]) > 0.5, nearer, mean)
    return best + smooth(smooth((mean - best)[None]))[0]
