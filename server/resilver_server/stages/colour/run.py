"""Colour at work."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from resilver_server.domain.clocks import Clock
from resilver_server.models import colourise
from resilver_server.stages.contract import (
    Advice,
    AnalysisFrame,
    KeyFrame,
    Made,
    Measurements,
    StageContext,
    State,
    Window,
)
from resilver_server.stages.keys import CONTENTS, KEYS, NO_KEY, REFERENCE
from resilver_server.stages.planes import reduced

from . import course, reference, tones
from .chains import chains, shares
from .match import Seen, matched, moved, seen
from .spec import NONE, ColourParameters, reduction
from .spread import settled, spread

_STRONG = 10.0
"""How much more a match that is believed counts than a neighbour of the same luma."""
_LIKELY = 0.05
"""The same of one that is merely likely."""
_WEAK = 5e-4
"""How much a match counts that is not: what spreads from others has to come from somewhere."""
_REFERENCE = 2e-3
"""How much a picture counts that is of no frame of the film."""
_SHARP = 0.5
"""How much a colour counts, at full size, against a neighbour of the same luma."""
_SHARP_STEPS = 6
_REMEMBERED = 48
"""Coloured stones: those on the way to this frame and to those that come."""


@dataclass(frozen=True)
class Coloured:
    """A key frame or a stone at the size of matching."""

    seen: Seen
    colour: torch.Tensor
    """(1, 2, h, w) chroma."""
    sure: torch.Tensor
    """(1, 1, h, w), 0..1: how surely it is that."""


class Analyser:
    """Follows the picture from each frame to the next."""

    def __init__(self, parameters: ColourParameters) -> None:
        self._parameters = parameters

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[Any]]:
        """frame (1,) int64, and what ``course.measured`` says."""
        return {"frame": np.array([frame.index], np.int64), **course.measured(frame, previous)}


def solve(measurements: Measurements, clock: Clock, rate: Fraction, parameters: ColourParameters) -> State:
    """keys (entries, 2 n) int64 as ``chains.chains`` tells (of a reference: that alone), first (entries,) float32 the
    share of the key frame before an entry against that after it, sure and kept (entries,) float32 as
    ``course.followed`` tells. Looks as far as the scene's key frames lie, never across a wall; with a network over all
    of a scene that has none."""
    given = [int(number) for number in measurements[KEYS]]
    if REFERENCE in given:
        alone = np.tile(np.array([[REFERENCE, NO_KEY]], np.int64), (len(clock), 1))
        nothing = np.zeros(len(clock), np.float32)
        return {KEYS: alone, "first": nothing, "sure": nothing, "kept": nothing}
    first = int(measurements["frame"][0, 0]) if len(measurements["frame"]) else 0
    steps, sure = course.followed(measurements["back"], measurements["forth"], first, clock, given)
    if parameters.model != NONE:
        given = sorted({*given, *course.automatic(clock, steps.kept, given)})
        steps, sure = course.followed(measurements["back"], measurements["forth"], first, clock, given)
    wanted = chains(clock, given, steps)
    rows = {"first": shares(clock, wanted), "sure": sure, "kept": steps.kept}
    return {KEYS: wanted, **{name: row.astype(np.float32) for name, row in rows.items()}}


def advice(state: State, clock: Clock) -> Advice:
    """Frames that are worth painting, the best first; none where the key frames tell enough."""
    kept, sure = (np.asarray(state[name], np.float64) for name in ("kept", "sure"))
    return {"key frames wanted": [clock.frames[entry] for entry in course.wanted(sure, kept)]}


class _Session:
    def __init__(self, parameters: ColourParameters, context: StageContext) -> None:
        self._parameters, self._weights = parameters, context.luma
        self._network = context.networks.get(parameters.model)
        self._factor = reduction(context.input.height, context.input.width)
        self._stones: OrderedDict[tuple[bytes, ...], Coloured] = OrderedDict()

    def process(self, window: Window) -> torch.Tensor | Made:
        frame = window.frames[window.centre]
        numbers = window.state[KEYS][window.centre].tolist()
        if all(number == NO_KEY for number in numbers):
            return frame
        coloured, sure = self.coloured(window)
        return Made(coloured, torch.zeros_like(sure, dtype=torch.uint8), sure)

    def coloured(self, window: Window) -> tuple[torch.Tensor, torch.Tensor]:
        """(3, h, w) the centre in colour, and (h, w), 0..1: how surely."""
        light = tones.luma(window.frames[window.centre][None], self._weights)
        here = seen(reduced(light, self._factor))
        found = self._found(here, window)
        colour = self._graded(found, here.light, window)
        height, width = light.shape[-2:]
        full, sure = (self._enlarged(planes, height, width) for planes in (colour, found.sure))
        if self._factor > 1:
            held = light.clamp(0, 1)
            full = settled(full, held, full, torch.full_like(held, _SHARP), _SHARP_STEPS)
        return tones.joined(light, full, self._weights)[0], sure[0, 0]

    def _found(self, here: Seen, window: Window) -> Coloured:
        numbers = window.state[KEYS][window.centre].tolist()
        if numbers[0] == REFERENCE:
            picture = window.keys[REFERENCE].picture[None]
            colour, belief = reference.transferred(
                here.light, tones.luma(picture, self._weights), tones.chroma(picture, self._weights)
            )
            return Coloured(here, spread(here.light, colour, _REFERENCE * (belief + 0.05)), 0.25 * belief)
        half = len(numbers) // 2
        first = float(window.state["first"][window.centre])
        shown = [
            (stone, share)
            for part, share in ((numbers[:half], first), (numbers[half:], 1 - first))
            if share > 0
            for stone in self._shown([number for number in part if number != NO_KEY], window)
        ]
        return carried(here, shown)

    def _shown(self, side: list[int], window: Window) -> list[Coloured]:
        """The last stone of a chain, and the key frame itself if that is another."""
        stones = [self._stone(side[: length + 1], window) for length in sorted({0, len(side) - 1})]
        return stones[::-1]

    def _stone(self, chain: list[int], window: Window) -> Coloured:
        name = _name(chain, window)
        kept = self._stones.get(name)
        if kept is not None:
            self._stones.move_to_end(name)
            return kept
        made = self._made(chain, window)
        self._stones[name] = made
        while len(self._stones) > _REMEMBERED:
            self._stones.popitem(last=False)
        return made

    def _made(self, chain: list[int], window: Window) -> Coloured:
        key: KeyFrame = window.keys[chain[-1]]
        small = reduced(key.picture[None], self._factor)
        here = seen(tones.luma(small, self._weights))
        if len(chain) > 1:
            return carried(here, [(shown, 1.0) for shown in self._shown(chain[:-1], window)])
        colour = tones.chroma(small if key.given else self._guessed(small), self._weights)
        return Coloured(here, colour, torch.ones_like(here.light))

    def _guessed(self, small: torch.Tensor) -> torch.Tensor:
        """A frame of the film, (1, 3, h, w), as the network colours it."""
        assert self._network is not None, "only with a network frames that nobody painted are key frames"
        light = tones.luma(small, self._weights)[0, 0]
        return colourise.joined(light, colourise.chroma(self._network, light).to(light))[None]

    def _graded(self, found: Coloured, light: torch.Tensor, window: Window) -> torch.Tensor:
        settings, colour = self._parameters, found.colour
        if settings.palette:
            given = [key.picture[None] for key in window.keys.values() if key.given]
            if given:
                small = [tones.chroma(reduced(picture, 4 * self._factor), self._weights) for picture in given]
                colour = tones.held(colour, tones.palette(small), settings.palette)
        return tones.graded(colour, light, settings.saturation, settings.warmth, settings.skin, self._weights)

    def _enlarged(self, planes: torch.Tensor, height: int, width: int) -> torch.Tensor:
        if self._factor == 1:
            return planes
        large = F.interpolate(planes, scale_factor=self._factor, mode="bilinear", align_corners=False)
        return large[..., :height, :width]


def carried(here: Seen, shown: list[tuple[Coloured, float]]) -> Coloured:
    """Colour for a picture from others, each with the share that it has in the result. The first of a side carries what
    none is believed in.

    Chroma where a match is not believed goes with the brightness of the place (``tones.shading``).
    """
    total = torch.zeros_like(here.light)
    mixed = torch.zeros_like(here.light).expand(-1, 2, -1, -1)
    sure = torch.zeros_like(here.light)
    for other, share in shown:
        match = matched(here, other.seen)
        colour, light, known = (moved(planes, match.flow) for planes in (other.colour, other.seen.light, other.sure))
        belief = match.belief(other.colour)
        colour = torch.lerp(colour * tones.shading(here.light, light), colour, belief)
        count = share * (_STRONG * belief + _LIKELY * match.likelihood() + _WEAK)
        total = total + count
        mixed = mixed + count * colour
        sure = torch.maximum(sure, belief * known)
    total = total.clamp(min=1e-6)
    return Coloured(here, spread(here.light, mixed / total, total), sure)


def _name(chain: list[int], window: Window) -> tuple[bytes, ...]:
    """By contents: the same numbers may be other pictures of another shot."""
    numbers = window.state[KEYS][window.centre].tolist()
    rows = window.state[CONTENTS][window.centre]
    half = len(numbers) // 2
    side = 0 if numbers[: len(chain)] == chain else half
    return tuple(rows[side + step].tobytes() for step in range(len(chain)))


def open_session(parameters: ColourParameters, context: StageContext) -> _Session:
    return _Session(parameters, context)
