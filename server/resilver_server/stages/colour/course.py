"""How far frames still show what a key frame showed: measured from frame to frame, followed through the shot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from resilver_server.domain.clocks import Clock
from resilver_server.stages.contract import AnalysisFrame

from .chains import Steps, entry_of

_WIDTH = 320
_SMALLEST = 32
_ROWS, _COLUMNS = 18, 24
"""Cells of a frame."""
_CALM = 1.5
"""Sigma, pixels, by which grain is taken out before."""
_MISSED, _MISSED_SHARE = 1.0, 0.05
"""Pixels (of 320 across) by which a way back may miss, and share of the way."""
_STEPS_ENOUGH = 3
"""Advice: as many frames as are worth naming."""
_LITTLE = 0.02
"""Advice: share of the shot below which another key frame is not worth it."""
_FORGOTTEN = 0.02
_MOST = 0.8
"""Quantile of motion that is followed by stones: what is faster is seen less surely."""

Plane = npt.NDArray[np.float64]


def measured(frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
    """back (18, 24, 3) float16: by cells the way to the frame before, right and down in cells, and 0..1 how far it
    holds; forth: the same from the frame before to this one. Zero for the first frame."""
    if previous is None:
        nothing = np.zeros((_ROWS, _COLUMNS, 3), np.float16)
        return {"back": nothing, "forth": nothing.copy()}
    here, there = (_small(picture.luma) for picture in (frame, previous))
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    none = np.zeros((*here.shape, 2), np.float32)
    pairs = ((here, there), (there, here))
    back, forth = (np.asarray(search.calc(*pair, none.copy()), np.float32) for pair in pairs)
    return {"back": _cells(back, forth), "forth": _cells(forth, back)}


def followed(
    back: npt.NDArray[Any], forth: npt.NDArray[Any], first: int, clock: Clock, given: Sequence[int]
) -> tuple[Steps, Plane]:
    """What lies between entries; and (entries,) share of each one's picture that key frames show, 0 where a scene has
    none. ``first``: media frame of the rows' first."""
    kept, pace = np.zeros(len(clock)), np.zeros(len(clock))
    sure = np.zeros((len(clock), _ROWS, _COLUMNS))
    for entry in range(1, len(clock)):
        if entry not in clock.walls:
            rows = slice(clock.frames[entry - 1] + 1 - first, clock.frames[entry] + 1 - first)
            flows = back[rows].astype(np.float64)
            kept[entry] = flows[..., 2].mean(axis=(1, 2)).prod()
            length = np.hypot(flows[..., 0] / _COLUMNS, flows[..., 1] / _ROWS)
            pace[entry] = np.quantile(length, _MOST, axis=(1, 2)).sum()
    for number in given:
        key = entry_of(clock, number)
        scene = clock.scene(key)
        sure[key] = 1
        _follow(sure, clock, range(key + 1, scene.stop), back, first, 1)
        _follow(sure, clock, range(key - 1, scene.start - 1, -1), forth, first, -1)
    return Steps(kept, pace), sure.mean(axis=(1, 2))


def automatic(clock: Clock, kept: Plane, given: Sequence[int]) -> list[int]:
    """Media frames to colour by a network: of scenes without a key frame those from which most is reached, and the
    first where nothing is. As few as may be, for a network sees each one differently."""
    found: list[int] = []
    painted = {clock.scene(entry_of(clock, number)).start for number in given}
    for start in sorted({0, *clock.walls} - painted):
        scene = clock.scene(start)
        own = kept[scene.start : scene.stop].copy()
        own[:1] = 0
        chosen = wanted(np.zeros(len(own)), own) or [0]
        found += [clock.frames[start + entry] for entry in chosen]
    return found


def wanted(sure: Plane, kept: Plane) -> list[int]:
    """Entries where another key frame would help most, the best first: each is chosen for what all frames around it
    would gain (greedy, as in Nemhauser, Wolsey and Fisher, "An analysis of approximations for maximizing submodular set
    functions", Mathematical Programming 14, 1978)."""
    sure, chosen = sure.copy(), []
    for _ in range(_STEPS_ENOUGH):
        reached = [_reached(kept, entry) for entry in range(len(sure))]
        gains = [float(np.maximum(share - sure[start : start + len(share)], 0).sum()) for start, share in reached]
        best = int(np.argmax(gains)) if gains else 0
        if not gains or gains[best] < _LITTLE * len(sure):
            break
        start, share = reached[best]
        part = slice(start, start + len(share))
        sure[part] = np.maximum(sure[part], share)
        chosen.append(best)
    return chosen


def _reached(kept: Plane, entry: int) -> tuple[int, Plane]:
    """From which entry on how much a key frame at ``entry`` would tell."""
    after = np.cumprod(kept[entry + 1 :])
    before = np.cumprod(kept[entry:0:-1])
    after, before = after[after > _FORGOTTEN], before[before > _FORGOTTEN]
    return entry - len(before), np.concatenate([before[::-1], [1.0], after])


def _follow(sure: Plane, clock: Clock, way: range, flows: npt.NDArray[Any], first: int, direction: int) -> None:
    """Carries what is shown from entry to entry along ``way``, beside what other key frames show."""
    shown = np.ones((_ROWS, _COLUMNS))
    at = way.start - direction
    for entry in way:
        here, there = clock.frames[entry], clock.frames[at]
        steps = range(there + 1, here + 1) if direction > 0 else range(there, here, -1)
        for number in steps:
            shown = _carried(shown, flows[number - first].astype(np.float32))
        if shown.max() < _FORGOTTEN:
            break
        sure[entry] = np.maximum(sure[entry], shown)
        at = entry


def _carried(shown: Plane, flow: npt.NDArray[np.float32]) -> Plane:
    columns, rows = np.meshgrid(np.arange(_COLUMNS, dtype=np.float32), np.arange(_ROWS, dtype=np.float32))
    there = cv2.remap(
        shown, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(there * flow[..., 2], np.float64)


def _small(luma: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    height, width = luma.shape
    scale = min(1.0, _WIDTH / width)
    size = max(_SMALLEST, round(width * scale)), max(_SMALLEST, round(height * scale))
    small = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    calm = cv2.GaussianBlur(small, (0, 0), _CALM)
    return np.asarray((calm.clip(0, 1) * 255).round(), np.uint8)


def _cells(flow: npt.NDArray[np.float32], back: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = columns + flow[..., 0], rows + flow[..., 1]
    missed = np.linalg.norm(flow + cv2.remap(back, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), axis=2)
    holds = np.exp(-((missed / (_MISSED + _MISSED_SHARE * np.linalg.norm(flow, axis=2))) ** 2))
    holds *= (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    scaled = flow * np.array([_COLUMNS / width, _ROWS / height], np.float32)
    planes = np.dstack([scaled, holds.astype(np.float32)])
    return cv2.resize(planes, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA).astype(np.float16)
