"""Runs the colour stage over a clip held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.domain.formats import FrameFormat
from resilver_server.lab.pictures import Image, to_grey
from resilver_server.stages.colour import run
from resilver_server.stages.colour.spec import ColourParameters
from resilver_server.stages.contract import KeyFrame, Made, StageContext, State, Window
from resilver_server.stages.keys import CONTENTS, KEYS

from .flicker import analysis_frame, clock_of, stacked

RATE = Fraction(24)


class Shot:
    """A grey clip with key frames, solved."""

    def __init__(
        self,
        frames: Sequence[Image],
        keys: Mapping[int, Image],
        parameters: ColourParameters | None = None,
        walls: tuple[int, ...] = (),
    ) -> None:
        self.parameters = parameters or ColourParameters()
        self.grey = [to_grey(frame) for frame in frames]
        self.keys = dict(keys)
        self.clock: Clock = clock_of(len(frames), RATE, walls)
        analyser = run.Analyser(self.parameters)
        seen = [analysis_frame(index, frame) for index, frame in enumerate(self.grey)]
        rows = stacked([analyser.measure(frame, seen[k - 1] if k else None) for k, frame in enumerate(seen)])
        given = {KEYS: np.array(sorted(self.keys), np.int64)}
        solved = run.solve({**rows, **given}, self.clock, RATE, self.parameters)
        self.state: State = {**solved, CONTENTS: self._contents(np.asarray(solved[KEYS], np.int64))}
        height, width = self.grey[0].shape[-2:]
        form = FrameFormat(width, height)
        context = StageContext(form, form, torch.device("cpu"), torch.float32, {})
        self.session = run.open_session(self.parameters, context)

    def coloured(self, entries: Iterable[int]) -> list[tuple[Image, Image]]:
        """Frames in colour, each with how sure it is."""
        with torch.inference_mode():
            found = [self.session.coloured(self._window(entry)) for entry in entries]
        return [(frame.numpy(), sure.numpy()) for frame, sure in found]

    def processed(self, entry: int) -> Image:
        """A frame as the stage hands it on."""
        with torch.inference_mode():
            made = self.session.process(self._window(entry))
            return np.asarray((made.frame if isinstance(made, Made) else made).numpy())

    def _window(self, entry: int) -> Window:
        rows = {name: values[entry : entry + 1] for name, values in self.state.items()}
        keys = {number: self._key(number) for number in set(rows[KEYS][0].tolist()) - {-1}}
        return Window(torch.from_numpy(self.grey[entry])[None], 0, rows, keys=keys)

    def _key(self, number: int) -> KeyFrame:
        given = number in self.keys
        return KeyFrame(torch.from_numpy(self.keys[number] if given else self.grey[number]), given)

    def _contents(self, wanted: np.ndarray) -> np.ndarray:
        names = {n: list(hashlib.sha256(str(n).encode()).digest()) for n in np.unique(wanted).tolist()}
        return np.array([[names[n] for n in row] for row in wanted.tolist()], np.uint8)
