"""Media frames as tensors, in the order in which the layers ask for them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import torch

from resilver_server.domain.spans import Span
from resilver_server.media import colour
from resilver_server.media.picture import Picture
from resilver_server.media.reader import Reader
from resilver_server.planning.plans import ShotPlan

_GAP = 24
"""Frames that nobody wants are decoded and dropped up to here; further ones are jumped over."""
_BLOCK = 8
"""Frames decoded forwards at a time where they are wanted backwards."""


class Decoding:
    """Reads the frames of a demand. ``seconds`` counts decoding and conversion, ``frames`` what was handed on."""

    def __init__(self, plan: ShotPlan, device: torch.device, dtype: torch.dtype) -> None:
        self._plan, self._device, self._dtype = plan, device, dtype
        self.seconds = 0.0
        self.frames: list[int] = []

    def entries(
        self, entries: Sequence[int], frames: Sequence[int], backwards: bool
    ) -> Iterator[tuple[int, torch.Tensor]]:
        """``entries`` (increasing, with their media frames) and their (3, height, width) tensors; last first if
        ``backwards``. Raises what Reader raises."""
        entry_of = dict(zip(frames, entries, strict=True))
        with torch.inference_mode(), Reader(self._plan.media, self._plan.shot.fields) as reader:
            for run in reversed(_blocks(frames)) if backwards else _runs(frames):
                wanted = set(run)
                pictures = self._timed(reader.read(Span(run[0], run[-1] + 1)))
                chosen = (picture for picture in pictures if picture.index in wanted)
                for picture in reversed(list(chosen)) if backwards else chosen:
                    yield entry_of[picture.index], self._tensor(picture)

    def _timed(self, pictures: Iterator[Picture]) -> Iterator[Picture]:
        while True:
            began = time.perf_counter()
            picture = next(pictures, None)
            self.seconds += time.perf_counter() - began
            if picture is None:
                return
            yield picture

    def _tensor(self, picture: Picture) -> torch.Tensor:
        began = time.perf_counter()
        frame = colour.to_rgb(picture, self._device, self._dtype)
        self.seconds += time.perf_counter() - began
        self.frames.append(picture.index)
        return frame


def _runs(frames: Sequence[int]) -> list[list[int]]:
    """Increasing frames, cut where there is nothing to read for long."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame - runs[-1][-1] <= _GAP:
            runs[-1].append(frame)
        else:
            runs.append([frame])
    return runs


def _blocks(frames: Sequence[int]) -> list[list[int]]:
    return [run[start : start + _BLOCK] for run in _runs(frames) for start in range(0, len(run), _BLOCK)]
