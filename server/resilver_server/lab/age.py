"""Ages a clean clip as a hundred years do, seeded, with every truth kept: what quality is measured against.

Order of the damages is that of a film's life: frames are lost; exposure flickers; the stock has grain; the print is
scratched and gets dirty; the transfer repeats frames, weaves in the gate, adds noise, and is compressed. So a repeat
shows the same grain and dirt at another sub-pixel place under other noise, as in real transfers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import count

import numpy as np
import numpy.typing as npt

from . import damage
from .pictures import Frame, Image, as_array, to_grey

_COVERED = 0.05
"""Coverage from which a pixel counts as dirty or scratched."""


@dataclass(frozen=True)
class AgeSettings:
    """How much of each damage; 0 leaves it out. Lengths in fractions of the frame's height."""

    black_and_white: bool = True
    white: float = 0.9
    """Level at which full white is printed, so that flicker does not clip at once. The clean frames have it too."""
    flicker_gain: float = 0.06
    """Standard deviation of the log gain of whole frames."""
    flicker_gamma: float = 0.03
    """Standard deviation of the log gamma of whole frames."""
    flicker_local: float = 0.04
    """Standard deviation of log gain that differs across the frame."""
    flicker_grid: tuple[int, int] = (3, 4)
    """Rows and columns of independent local flicker."""
    flicker_memory: float = 0.3
    """How much of a frame's flicker the next one keeps, 0..1."""
    grain: float = 0.025
    grain_size: float = 0.7
    """Pixels."""
    dirt: float = 4.0
    """New blotches a frame."""
    dirt_size: float = 0.006
    dirt_bright: float = 0.5
    """Share of bright blotches."""
    scratches: float = 1.5
    """Lines at a time."""
    scratch_life: float = 40.0
    """Frames."""
    scratch_width: float = 0.003
    lost: float = 0.02
    """Share of film frames that are missing. The first is never lost, nor two in a row."""
    cadence: Fraction = Fraction(1)
    """Transfer frames for each film frame: 3/2 for 16 frames a second in 24. At least 1."""
    repeated: float = 0.03
    """Share of film frames shown once more than the cadence says."""
    weave: float = 0.0015
    """Standard deviation of the gate's place, each axis."""
    weave_memory: float = 0.8
    noise: float = 0.004
    recompression: int = 92
    """JPEG quality of the transfer, 0 for none."""


@dataclass(frozen=True)
class AgedFrame:
    """One frame of the aged clip with its truth."""

    frame: Image
    """(3, height, width) float32, 0..1."""
    clean: Image
    """(3, height, width): the frame without any damage, steady in the gate; grey where the aged clip is."""
    dirt_mask: npt.NDArray[np.bool_]
    """(height, width), where dirt lies in ``frame``, weave included."""
    scratch_mask: npt.NDArray[np.bool_]
    flicker: damage.Flicker
    gain: float
    """Mean of the flickering film frame over the mean of the clean one, before all other damage."""
    weave: tuple[float, float]
    """Pixels right and down."""
    source_index: int
    """Which frame of the clean clip is shown."""
    repeat: bool
    """Whether it shows the same film frame as the output frame before."""

    @property
    def aligned(self) -> Image:
        """The clean frame where it lies in ``frame``: weave applied."""
        return damage.shift(self.clean, *self.weave)


@dataclass(frozen=True)
class _FilmFrame:
    """A frame as it lies on the film, before the transfer."""

    clean: Image
    picture: Image
    dirt: damage.Layer
    scratch: damage.Layer
    flicker: damage.Flicker
    gain: float
    source_index: int


def age(frames: Iterable[Frame], settings: AgeSettings, seed: int) -> Iterator[AgedFrame]:
    """Ages (3, height, width) float32 frames, 0..1, one after the other; holds one of them at a time.

    Same frames, settings and seed give the same bytes. All frames must have the size of the first (ValueError).
    """
    rng = _stream(seed, "transfer")
    repeats = _stream(seed, "repeats")
    owed = Fraction(0)
    path: Iterator[Image] | None = None
    for film in _film(frames, settings, seed):
        if path is None:
            deviation = settings.weave * film.clean.shape[-2]
            path = damage.walk(_stream(seed, "weave"), (2,), deviation, settings.weave_memory)
        owed += settings.cadence
        times = int(owed)
        owed -= times
        times += int(repeats.uniform() < settings.repeated)
        for showing in range(times):
            yield _transferred(film, settings, rng, next(path), showing > 0)


def _stream(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each damage: turning one off leaves the others unchanged."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _film(frames: Iterable[Frame], settings: AgeSettings, seed: int) -> Iterator[_FilmFrame]:
    courses: _Courses | None = None
    for index, clean in _kept(frames, settings.lost, _stream(seed, "lost")):
        image = as_array(clean)
        courses = courses or _Courses(settings, seed, (image.shape[-2], image.shape[-1]))
        if image.shape != (3, *courses.shape):
            raise ValueError(f"frame {index} is {image.shape}, not {(3, *courses.shape)}")
        yield courses.damaged(to_grey(image) if settings.black_and_white else image, index)


def _kept(frames: Iterable[Frame], lost: float, rng: np.random.Generator) -> Iterator[tuple[int, Frame]]:
    """Numbered frames without the lost ones."""
    may_go = False
    for index, frame in zip(count(), frames, strict=False):
        goes = rng.uniform() < lost and may_go
        may_go = not goes
        if not goes:
            yield index, frame


class _Courses:
    """The damages that lie on the film, each with where its course stands."""

    def __init__(self, settings: AgeSettings, seed: int, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._settings = s = settings
        self._grain = _stream(seed, "grain")
        self._flickers = damage.flickers(
            _stream(seed, "flicker"), s.flicker_gain, s.flicker_gamma, s.flicker_local, s.flicker_grid, s.flicker_memory
        )
        self._dirt = damage.dirt(_stream(seed, "dirt"), shape, s.dirt, s.dirt_size, s.dirt_bright)
        self._scratches = damage.scratches(
            _stream(seed, "scratches"), shape, s.scratches, s.scratch_life, s.scratch_width
        )

    def damaged(self, clean: Image, index: int) -> _FilmFrame:
        clean = (clean * np.float32(self._settings.white)).astype(np.float32)
        flicker, dirt, scratch = next(self._flickers), next(self._dirt), next(self._scratches)
        exposed = damage.apply_flicker(clean, flicker)
        gain = float(exposed.mean(dtype=np.float64)) / max(float(clean.mean(dtype=np.float64)), 1e-6)
        picture = damage.apply_grain(exposed, self._grain, self._settings.grain, self._settings.grain_size)
        picture = damage.apply_layer(damage.apply_layer(picture, scratch), dirt)
        return _FilmFrame(clean, picture, dirt, scratch, flicker, gain, index)


def _transferred(
    film: _FilmFrame, settings: AgeSettings, rng: np.random.Generator, place: Image, repeat: bool
) -> AgedFrame:
    dx, dy = float(place[0]), float(place[1])
    frame = damage.apply_noise(damage.shift(film.picture, dx, dy), rng, settings.noise)
    return AgedFrame(
        frame=damage.recompress(frame, settings.recompression),
        clean=film.clean,
        dirt_mask=damage.shift(film.dirt.alpha, dx, dy) > _COVERED,
        scratch_mask=damage.shift(film.scratch.alpha, dx, dy) > _COVERED,
        flicker=film.flicker,
        gain=film.gain,
        weave=(dx, dy),
        source_index=film.source_index,
        repeat=repeat,
    )
