"""Timelines as hosts write them: clips with metadata of their own, gaps, retimes, stills and sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import opentimelineio as otio

Range = tuple[float, float]
"""First frame and number of frames, in the timeline's rate."""


@dataclass(frozen=True)
class Cut:
    """One clip: what it shows, and what it asks for."""

    media: otio.core.MediaReference
    range: Range
    name: str = "shot"
    speed: float = 1.0
    resilver: dict[str, object] = field(default_factory=dict)


def movie(path: Path) -> otio.schema.ExternalReference:
    """Media of which the timeline says nothing but where it is."""
    return otio.schema.ExternalReference(str(path))


def sequence(
    folder: Path, first: int, count: int | None = None, rate: float = 24
) -> otio.schema.ImageSequenceReference:
    """``scan.%05d.png`` in a folder, counted from the file ``first``."""
    reference = otio.schema.ImageSequenceReference(
        target_url_base=str(folder), name_prefix="scan.", name_suffix=".png", start_frame=first,
        frame_zero_padding=5, rate=rate,
    )  # fmt: skip
    if count is not None:
        reference.available_range = _times((0, count), rate)
    return reference


def edit(rate: float, *tracks: Sequence[Cut | float]) -> str:
    """OTIO JSON of a timeline of video tracks, bottom-up; a number is a gap of so many frames."""
    timeline = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(0, rate))
    for number, items in enumerate(tracks, start=1):
        track = otio.schema.Track(f"V{number}", kind="Video")
        timeline.tracks.append(track)
        for item in items:
            track.append(_clip(item, rate) if isinstance(item, Cut) else _gap(item, rate))
    return str(timeline.to_json_string())


def _clip(cut: Cut, rate: float) -> otio.schema.Clip:
    metadata = {"resilver": cut.resilver} if cut.resilver else {}
    clip = otio.schema.Clip(cut.name, cut.media, _times(cut.range, rate), metadata)
    if cut.speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=cut.speed))
    return clip


def _gap(frames: float, rate: float) -> otio.schema.Gap:
    return otio.schema.Gap(source_range=_times((0, frames), rate))


def _times(given: Range, rate: float) -> otio.opentime.TimeRange:
    start, count = given
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(count, rate))


def scans(folder: Path, numbers: Sequence[int], width: int = 48, height: int = 32) -> Path:
    """Pictures of noise, ``scan.00086.png``, each made from its number."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"scan.{number:05d}.png"), noise(number, width, height))
    return folder


def noise(seed: int, width: int = 48, height: int = 32) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def nearest(frame: npt.NDArray[np.uint8], among: Sequence[npt.NDArray[np.uint8]]) -> int:
    """Which of the pictures a frame is. Brightness alone is compared: chroma is resampled on the way."""
    apart = [float(np.abs(_light(frame) - _light(other)).mean()) for other in among]
    best = int(np.argmin(apart))
    assert apart[best] < 12, f"it is none of them, {apart[best]} apart"
    return best


def _light(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return picture.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def exact(rate: str) -> tuple[float, Fraction]:
    """A rate as OTIO writes it, and as it is."""
    return float(Fraction(rate)), Fraction(rate)
