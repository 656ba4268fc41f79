"""Small old-looking films: hills at dusk that a train crosses, unsteady in brightness, each reel another."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 160, 120


def picture(frame: int, seed: int) -> npt.NDArray[np.uint8]:
    """Frame ``frame`` of a reel: (HEIGHT, WIDTH, 3)."""
    still = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    light = 150 + 60 * still.random() - 0.7 * y
    light += 60 * np.exp(-((x - 40 - 80 * still.random()) ** 2 + (y - 40) ** 2) / 160)  # the sun
    for depth, shade in ((62, 70), (78, 48), (94, 28)):
        ridge = depth + 9 * np.sin(x / (11 + 9 * still.random()) + 6 * still.random()) + 3 * np.sin(x / 4 + seed)
        light = np.where(y > ridge, shade + 8 * still.random((HEIGHT, WIDTH)), light)
    head = 20 + 2.4 * frame
    cars = (y > 97) & (y < 104) & (x < head) & (x > head - 58) & ((head - x) % 15 < 13)
    light = np.where(cars, 12.0, light)
    light = np.where(cars & (y > 99) & (y < 102) & ((head - x) % 5 < 2), 190.0, light)
    moving = np.random.default_rng(1000 * seed + frame)
    light = light * (1 + 0.16 * moving.standard_normal()) + 5 * moving.standard_normal((HEIGHT, WIDTH))
    tint = np.array([1.06, 0.97, 0.8])
    return (light[..., None] * tint).clip(0, 255).round().astype(np.uint8)


def reel(path: Path, frames: int, seed: int = 1, interlaced: bool = False) -> Path:
    """A movie at 24 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video" if interlaced else "libx264", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = 4_000_000
        if interlaced:
            stream.options = {"flags": "+ilme+ildct", "top": "1"}
        for number in range(frames):
            drawn = av.VideoFrame.from_ndarray(picture(number, seed), format="rgb24")
            container.mux(stream.encode(drawn.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path
