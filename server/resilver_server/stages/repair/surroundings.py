"""What no frame saw, continued from around it in patches of the frame itself.

On the smallest picture patches are laid as ``exemplars`` does it. On larger ones each pixel is what the patches over
it agree on (Wexler, Shechtman, Irani, "Space-Time Completion of Video", IEEE PAMI 29(3), 2007), and better ones are
looked for beside those that it has and where its neighbours have theirs (Barnes, Shechtman, Finkelstein, Goldman,
"PatchMatch", SIGGRAPH 2009, without its chance). On the largest none is looked for, or those with the least grain would
be found: what is finer than about eight pixels is that of one patch alone, which brings its grain.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from resilver_server.stages.planes import box, highest, reduced, spread

from . import exemplars
from .exemplars import REACH

_COARSEST = 112
"""Longer edge of the picture on which every patch is tried, at most."""
_ROUNDS = 2
"""Of likening and agreeing, on each finer picture."""
_MARGIN = 24
"""Pixels around a hole that are looked at, at least; else as many as it is large."""
_FIRM = 0.05
"""Differences of this size between patches count little."""
_SEARCHED = 20_000
"""Unknown pixels up to which finer pictures are searched; beyond, what the coarser ones found is all there is."""
_FINE = 3
_SEAM = 0.1
"""Differences at the rim that are a matter of light at most."""
_NEAR = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))


Picks = tuple[torch.Tensor, torch.Tensor]
"""(h, w) int64 row and column each: for each unknown pixel the known one whose patch is most like its own."""


def continued(frame: torch.Tensor, unknown: torch.Tensor) -> torch.Tensor:
    """(3, h, w) ``frame`` with what is ``unknown``, (h, w) bool, filled; not a bit changed elsewhere. Holes far from
    each other are filled one by one."""
    result = frame.clone()
    height, width = unknown.shape
    for own, (top, left, rows, columns) in _holes(unknown):
        margin = max(_MARGIN, rows, columns)
        down = slice(max(0, top - margin), min(height, top + rows + margin))
        across = slice(max(0, left - margin), min(width, left + columns + margin))
        filled = _filled(frame[:, down, across], unknown[down, across])
        result[:, down, across] = torch.where(own[down, across], filled, result[:, down, across])
    return result


def _holes(unknown: torch.Tensor) -> list[tuple[torch.Tensor, tuple[int, int, int, int]]]:
    """(h, w) bool, and first row and column, rows and columns of each; what lies close together is one."""
    plane = unknown.cpu().numpy().astype(np.uint8)
    count, labels = cv2.connectedComponents(cv2.dilate(plane, np.ones((_MARGIN + 1, _MARGIN + 1), np.uint8)))
    found = []
    for number in range(1, count):
        own = (labels == number) & (plane > 0)
        rows, columns = np.nonzero(own)
        top, left = int(rows.min()), int(columns.min())
        box = top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1
        found.append((torch.from_numpy(own).to(unknown.device), box))
    return found


def _filled(picture: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """(3, h, w) with its (h, w) ``hole`` filled."""
    levels = [(picture, hole)]
    while max(levels[-1][1].shape) > _COARSEST and bool(_sources(_halved(*levels[-1])[1]).any()):
        levels.append(_halved(*levels[-1]))
    coarse, unknown = picture, hole = levels.pop()
    sources = _sources(unknown)
    if not bool(sources.any()):
        return spread(coarse[None], (~unknown)[None, None].to(coarse.dtype))[0]
    plain = coarse.permute(1, 2, 0).float().cpu().numpy()
    found = exemplars.picks(plain, unknown.cpu().numpy(), sources.cpu().numpy())
    picks = torch.from_numpy(found[0]).to(coarse.device), torch.from_numpy(found[1]).to(coarse.device)
    values = coarse[:, picks[0], picks[1]]
    for number, (picture, hole) in reversed(list(enumerate(levels))):
        picks = _finer(picks, hole)
        values = torch.where(hole, picture[:, picks[0], picks[1]], picture)
        sources = _sources(hole)
        for _ in range(_ROUNDS if number else 1):
            if number and int(hole.sum()) <= _SEARCHED:
                picks = _beside_tried(picture, values, hole, sources, picks)
            values = torch.where(hole, _agreed(picture, values, hole, picks), picture)
    if levels:
        values = _with_grain(values, picture, hole, picks)
    return torch.where(hole, values + _mismatch(picture, hole, picks), picture)


def _halved(picture: torch.Tensor, hole: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Half as large: means of what is known, and where not all of it is."""
    known = (~hole)[None, None].to(picture.dtype)
    share = reduced(known, 2)
    return (reduced(picture[None] * known, 2) / share.clamp(min=1e-6))[0], share[0, 0] < 1


def _sources(hole: torch.Tensor) -> torch.Tensor:
    """(h, w) bool: middles of patches that are known and inside."""
    clear = highest(hole[None, None].float(), REACH)[0, 0] == 0
    inside = torch.zeros_like(hole)
    inside[REACH : hole.shape[0] - REACH, REACH : hole.shape[1] - REACH] = True
    return clear & inside


def _none(hole: torch.Tensor) -> Picks:
    return torch.zeros_like(hole, dtype=torch.int64), torch.zeros_like(hole, dtype=torch.int64)


def _finer(picks: Picks, hole: torch.Tensor) -> Picks:
    """The picks for a picture of twice the size."""
    height, width = hole.shape
    found = []
    for axis, (plane, size) in enumerate(zip(picks, (height, width), strict=True)):
        large = plane.repeat_interleave(2, dim=0).repeat_interleave(2, dim=1)[:height, :width]
        own = torch.arange(size, device=plane.device) % 2
        large = 2 * large + (own[:, None] if axis == 0 else own[None, :])
        found.append(torch.where(hole, large.clamp(REACH, max(REACH, size - 1 - REACH)), 0))
    return found[0], found[1]


def _beside_tried(
    picture: torch.Tensor, values: torch.Tensor, hole: torch.Tensor, sources: torch.Tensor, picks: Picks
) -> Picks:
    """The best of what each unknown pixel has, of what lies beside that, and of what goes on from its neighbours'."""
    rows, columns = torch.nonzero(hole, as_tuple=True)
    best = picks[0][rows, columns], picks[1][rows, columns]
    least = _apart(picture, values, (rows, columns), best, sources)
    for down, across in _NEAR:
        row, column = (rows + down).clamp(0, hole.shape[0] - 1), (columns + across).clamp(0, hole.shape[1] - 1)
        theirs = picks[0][row, column] - down, picks[1][row, column] - across
        own = picks[0][rows, columns] + down, picks[1][rows, columns] + across
        for tried in (theirs, own):
            apart = _apart(picture, values, (rows, columns), tried, sources)
            better = apart < least
            least = torch.where(better, apart, least)
            best = torch.where(better, tried[0], best[0]), torch.where(better, tried[1], best[1])
    found = _none(hole)
    found[0][rows, columns], found[1][rows, columns] = best
    return found


def _apart(
    picture: torch.Tensor, values: torch.Tensor, places: Picks, tried: Picks, sources: torch.Tensor
) -> torch.Tensor:
    """(u,) sums of squares by which patches at u places differ from those tried; endless where that is no source."""
    height, width = sources.shape
    inside = (tried[0] >= 0) & (tried[0] < height) & (tried[1] >= 0) & (tried[1] < width)
    row, column = tried[0].clamp(0, height - 1), tried[1].clamp(0, width - 1)
    total = picture.new_zeros(len(row))
    for down in range(-REACH, REACH + 1):
        for across in range(-REACH, REACH + 1):
            here = values[:, (places[0] + down).clamp(0, height - 1), (places[1] + across).clamp(0, width - 1)]
            there = picture[:, (row + down).clamp(0, height - 1), (column + across).clamp(0, width - 1)]
            total += (here - there).square().sum(dim=0)
    return torch.where(inside & sources[row, column], total, torch.inf)


def _agreed(picture: torch.Tensor, values: torch.Tensor, hole: torch.Tensor, picks: Picks) -> torch.Tensor:
    """(3, h, w) what the patches over each unknown pixel say of it in the mean, ``values`` elsewhere; those that are
    like what is there count more."""
    rows, columns = torch.nonzero(hole, as_tuple=True)
    chosen = picks[0][rows, columns], picks[1][rows, columns]
    everything = torch.ones_like(hole)
    size = 3 * (2 * REACH + 1) ** 2
    trust = torch.zeros_like(values[0])
    trust[rows, columns] = (
        torch.exp(-_apart(picture, values, (rows, columns), chosen, everything) / (2 * size * _FIRM**2)) + 1e-6
    )
    height, width = hole.shape
    total, weights = picture.new_zeros((3, len(rows))), picture.new_zeros(len(rows))
    for down in range(-REACH, REACH + 1):
        for across in range(-REACH, REACH + 1):
            row, column = rows + down, columns + across
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            row, column = row.clamp(0, height - 1), column.clamp(0, width - 1)
            weight = trust[row, column] * inside
            said = picture[
                :,
                (picks[0][row, column] - down).clamp(0, height - 1),
                (picks[1][row, column] - across).clamp(0, width - 1),
            ]
            total += weight * said
            weights += weight
    result = values.clone()
    result[:, rows, columns] = total / weights
    return result


def _with_grain(values: torch.Tensor, picture: torch.Tensor, hole: torch.Tensor, picks: Picks) -> torch.Tensor:
    """What the patches agree on, but what is finer than about eight pixels from one of them alone."""
    one = torch.where(hole, picture[:, picks[0], picks[1]], picture)
    inside = hole[None, None].to(values.dtype)
    coarse = _wide((values - one)[None] * inside) / _wide(inside).clamp(min=1e-6)
    return torch.where(hole, one + coarse[0], picture)


def _wide(planes: torch.Tensor) -> torch.Tensor:
    return box(box(planes, _FINE), _FINE)


def _mismatch(picture: torch.Tensor, hole: torch.Tensor, picks: Picks) -> torch.Tensor:
    """(3, h, w) by how much what is around is brighter than what the patches show beyond the rim, spread over the hole:
    light falls off over a picture, and a seam of a hundredth is seen."""
    total, count = torch.zeros_like(picture), torch.zeros_like(picture[0])
    height, width = hole.shape
    for down, across in _NEAR[1:]:
        rows, columns = torch.nonzero(hole, as_tuple=True)
        row, column = rows + down, columns + across
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        rows, columns, row, column = (part[inside] for part in (rows, columns, row, column))
        beyond = ~hole[row, column]
        rows, columns, row, column = (part[beyond] for part in (rows, columns, row, column))
        there = (
            (picks[0][rows, columns] + down).clamp(0, height - 1),
            (picks[1][rows, columns] + across).clamp(0, width - 1),
        )
        off = picture[:, row, column] - picture[:, there[0], there[1]]
        total[:, row, column] += off.clamp(-_SEAM, _SEAM)
        count[row, column] += 1
    return spread((total / count.clamp(min=1))[None], (count > 0)[None, None].to(picture.dtype))[0]
