"""Film whose one bar stands where its time says: position is linear in media time, so a picture tells when it is.

The bar is measured by its centre of light, which survives enlarging, interpolation, codecs and a host's scaling.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 448, 96
STEP = 6
"""Pixels that the bar moves in one media frame."""
_FIRST = 32
"""Centre of the bar in media frame 0, in pixels."""
_BAR = 24
FRAMES = (WIDTH - 2 * _FIRST) // STEP
"""As many as the bar has room for."""


def picture(frame: int) -> npt.NDArray[np.uint8]:
    """Media frame ``frame``: (HEIGHT, WIDTH, 3), a soft-edged bright bar over a dark, still texture."""
    noise = np.random.default_rng(7).integers(16, 48, (HEIGHT // 8, WIDTH // 8), dtype=np.uint8)
    ground = cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    x = np.arange(WIDTH) + 0.5 - (_FIRST + STEP * frame)
    bar = np.clip(_BAR / 2 + 1.5 - np.abs(x), 0, 3) / 3
    light = ground * (1 - bar) + 230 * bar
    return np.repeat(light.round().astype(np.uint8)[..., None], 3, axis=2)


def movie(path: Path, rate: Fraction, frames: int = FRAMES) -> Path:
    """An H.264 film of the bar."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "10", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def picture_name(number: int) -> str:
    return f"scan.{number:05d}.png"


def sequence(folder: Path, first: int, frames: int = FRAMES) -> None:
    """The same as pictures, numbered from ``first``."""
    folder.mkdir(parents=True)
    for number in range(frames):
        assert cv2.imwrite(str(folder / picture_name(first + number)), picture(number))


def media_frame(shown: npt.NDArray[np.uint8]) -> float:
    """The media frame (with a fraction) that a picture of any size with the film's shape shows."""
    gray = shown.astype(np.float64)
    gray = gray.mean(axis=2) if gray.ndim == 3 else gray
    columns = gray[gray.shape[0] // 4 : -gray.shape[0] // 4].mean(axis=0)
    light = np.clip(columns - 110, 0, None)
    assert light.max() > 60, "there is no bar in the picture"
    centre = float((light * (np.arange(len(light)) + 0.5)).sum() / light.sum())
    return (centre * WIDTH / len(light) - _FIRST) / STEP


def frames_of(path: Path) -> list[float]:
    """The media frame that each frame of a movie shows."""
    with av.open(str(path)) as container:
        return [media_frame(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
