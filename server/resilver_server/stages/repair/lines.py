"""Line scratches: found frame by frame, told from the scene's own uprights along the shot, and taken out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.stages.contract import AnalysisFrame, Measurements, Origin, State

from . import line_fill, line_scene, line_search, line_time, line_tracks
from .line_joins import SIDE
from .line_search import BANDS, MOST, Line

SUPPORT = 3.0
"""Seconds to either side in which a line's track is looked at."""
_GAP, _GAPS = 1 / 6, 4
"""Seconds, and entries at most, over which tracks are linked where a line was not seen."""
_REACH = 2.0, 0.005
"""Pixels at least, or frame heights, that a line may go from entry to entry."""
_COLOUR = 2.0
"""Mean difference of two channels, of 255, from which a frame is looked at channel by channel."""


class LineAnalyser:
    """Looks for upright lines, and for how the scene moved behind them."""

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
        """lines_frame (3,) int64: number, width, height; lines_x (MOST, BANDS) float32 pixels, -1 where
        not seen; lines_width, lines_sign, lines_score (MOST,) float32, width 0 where there is none; lines_scene
        (ROWS, COLUMNS) float32, lines_whole (4,) float32 pixels to the right since ``previous``."""
        found = line_search.find(_planes(frame))
        scene, whole = np.zeros((line_scene.ROWS, line_scene.COLUMNS), np.float32), np.zeros(4, np.float32)
        if previous is not None and previous.luma.shape == frame.luma.shape:
            scene, whole = line_scene.motion(frame.luma, previous.luma, found)
        x = np.full((MOST, BANDS), -1, np.float32)
        for row, line in zip(x, found, strict=False):
            row[:] = line.x
        return {
            "lines_frame": np.array([frame.index, frame.luma.shape[1], frame.luma.shape[0]], np.int64),
            "lines_x": x,
            "lines_width": _column(found, "width"),
            "lines_sign": _column(found, "sign"),
            "lines_score": _column(found, "score"),
            "lines_scene": scene,
            "lines_whole": whole,
        }


def solve_lines(measurements: Measurements, clock: Clock, rate: Fraction, parameters: object = None) -> State:
    """lines_x (entries, MOST, BANDS) float32 pixels, -1 where there is no scratch; lines_width, lines_sign
    (entries, MOST) float32.

    Looks at most SUPPORT seconds and ten entries to either side, and never across a wall.
    """
    first, columns, height = (int(number) for number in np.asarray(measurements["lines_frame"])[0])
    lines = _of_entries(measurements, np.asarray(clock.frames, np.int64) - first, float(columns))
    times = np.array([float(time) for time in clock.times])
    gap = min(_GAPS, max(1, round(float(rate) * _GAP)))
    links = line_tracks.link(lines, clock.walls, gap, max(_REACH[0], _REACH[1] * height))
    evidence = line_tracks.gather(lines, links, times, SUPPORT)
    x, width, sign = line_tracks.places(lines, links, line_tracks.is_scratch(evidence, float(rate)), evidence)
    return {"lines_x": x, "lines_width": width, "lines_sign": sign}


def _of_entries(measurements: Measurements, rows: npt.NDArray[np.int64], columns: float) -> line_tracks.Lines:
    """The clock's entries alone; the scene's motion summed up over the repeats between them."""
    starts = np.concatenate([rows[:1], rows[:-1] + 1])
    x, width, sign = (
        np.asarray(measurements[name], np.float32)[rows] for name in ("lines_x", "lines_width", "lines_sign")
    )
    scene, whole = (_summed(measurements[name], starts, rows[-1] + 1) for name in ("lines_scene", "lines_whole"))
    return line_tracks.Lines(x, width, sign, scene, whole, columns)


def _summed(steps: npt.NDArray[np.generic], starts: npt.NDArray[np.int64], stop: np.int64) -> npt.NDArray[np.float64]:
    return np.asarray(np.add.reduceat(np.asarray(steps, np.float64)[:stop], starts, axis=0), np.float64)


def _planes(frame: AnalysisFrame) -> list[npt.NDArray[np.float32]]:
    """Luma, and red and blue of a frame that has colour: emulsions are scratched layer by layer."""
    red, green, blue = (frame.rgb[..., channel] for channel in range(3))
    apart = np.abs(red.astype(np.int16) - blue).mean() + np.abs(red.astype(np.int16) - green).mean()
    if apart < _COLOUR:
        return [frame.luma]
    return [frame.luma, *(np.asarray(channel, np.float32) / np.float32(255) for channel in (red, blue))]


def _column(found: list[Line], name: str) -> npt.NDArray[np.float32]:
    values = np.zeros(MOST, np.float32)
    values[: len(found)] = [getattr(line, name) for line in found]
    return values


def remove(frames: torch.Tensor, centre: int, rows: State) -> tuple[torch.Tensor, torch.Tensor]:
    """Frame ``centre`` of ``frames`` (n, 3, h, w) without its scratches, (3, h, w), and where it was changed, (h, w)
    bool. ``rows``: what ``solve_lines`` tells of these n entries. Outside the mask every bit is as it was."""
    repairs = _repaired(frames[centre], rows, centre)
    if len(frames) > 1 and any(_guesses(repair) for _, repair in repairs):
        repairs = _asked(repairs, *_plain(frames, rows), centre)
    return _put_in(frames[centre], _grained(frames[centre], repairs))


def without(frames: torch.Tensor, centre: int, rows: State) -> tuple[torch.Tensor, torch.Tensor]:
    """``frames`` (n, 3, h, w), all without their scratches: ``centre`` as ``remove`` leaves it, the others, which only
    serve to look at, each from itself alone; and (h, w) uint8, the origin of its pixels. The very same tensor where
    there is none."""
    origin = torch.zeros(frames.shape[-2:], dtype=torch.uint8, device=frames.device)
    if not np.any(np.asarray(rows["lines_width"], np.float32) > 0):
        return frames, origin
    clean, masks = _plain(frames, rows)
    repairs = _repaired(frames[centre], rows, centre)
    if len(frames) > 1 and any(_guesses(repair) for _, repair in repairs):
        repairs = _asked(repairs, clean, masks, centre)
    clean[centre] = _put_in(frames[centre], _grained(frames[centre], repairs))[0]
    return clean, _noted(origin, repairs)


_Repairs = list[tuple[line_fill.Strip, line_fill.Repair]]


def _repaired(frame: torch.Tensor, rows: State, entry: int) -> _Repairs:
    """The lines of one frame, each from this frame alone, with those before it taken out."""
    height, width = frame.shape[-2:]
    left, found = frame, []
    for x, wide in zip(np.asarray(rows["lines_x"])[entry], np.asarray(rows["lines_width"])[entry], strict=True):
        if wide > 0 and (x >= 0).any():
            where = line_fill.strip(x, float(wide), height, width, frame)
            found.append((where, line_fill.repaired(left, where)))
            left, _ = _put_in(left, found[-1:])
    return found


def _plain(frames: torch.Tensor, rows: State) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, 3, h, w) frames without lines, each from itself alone, and (n, h, w) bool where they were."""
    done = [_put_in(frame, _repaired(frame, rows, entry)) for entry, frame in enumerate(frames)]
    return torch.stack([frame for frame, _ in done]), torch.stack([mask for _, mask in done])


def _guesses(repair: line_fill.Repair) -> bool:
    return bool((repair.guessed.amax(0) * repair.there).any())


def _asked(repairs: _Repairs, clean: torch.Tensor, masks: torch.Tensor, centre: int) -> _Repairs:
    """What was joined from the sides, as other frames saw it where they did."""
    flow, others = line_time.flows(clean, centre)
    told = []
    for where, repair in repairs:
        if _guesses(repair):
            seen, belief = line_time.seen_elsewhere(clean, masks, centre, flow, others, where)
            share = repair.guessed * belief
            values = share * seen + (1 - share) * repair.values
            repair = replace(repair, values=values, seen=share.amax(0))
        told.append((where, repair))
    return told


def _noted(origin: torch.Tensor, repairs: _Repairs) -> torch.Tensor:
    """(h, w) with what comes from elsewhere for more than half: other frames, or the sides of the line."""
    for where, repair in repairs:
        row, column = torch.nonzero(repair.there & (repair.guessed.amax(0) > 0.5), as_tuple=True)
        told = repair.seen is not None and repair.seen[row, column] > 0.5
        codes = torch.where(torch.as_tensor(told, device=row.device), int(Origin.BOTH), int(Origin.SPATIAL))
        origin[row, where.columns[row, column + SIDE]] = codes.to(torch.uint8)
    return origin


def _grained(frame: torch.Tensor, repairs: _Repairs) -> _Repairs:
    """Repairs with grain; it is read where no line lies."""
    bare, _ = _put_in(frame, repairs)
    return [(where, replace(repair, values=line_fill.with_grain(bare, where, repair))) for where, repair in repairs]


def _put_in(frame: torch.Tensor, repairs: _Repairs) -> tuple[torch.Tensor, torch.Tensor]:
    """(3, h, w) the frame with repairs, (h, w) bool where they are."""
    result = frame.clone()
    mask = torch.zeros(frame.shape[-2:], dtype=torch.bool, device=frame.device)
    for where, repair in repairs:
        row, column = torch.nonzero(repair.there, as_tuple=True)
        place = where.columns[row, column + SIDE]
        result[:, row, place] = repair.values[:, row, column]
        mask[row, place] = True
    return result, mask
