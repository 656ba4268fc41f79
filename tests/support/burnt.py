"""Movies and picture sequences whose frames carry their own number, readable after a codec, a scale and a renderer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

BITS = 12
"""Numbers 0..4095, as so many black and white columns, the lowest bit on the left."""
Picture = npt.NDArray[np.uint8]


def picture_of(number: int, width: int = 192, height: int = 108) -> Picture:
    """RGB picture (height, width, 3) that spells ``number``."""
    columns = np.arange(width) * BITS // width
    row = np.where(number >> columns & 1, 235, 20).astype(np.uint8)
    return np.repeat(np.tile(row, (height, 1))[:, :, None], 3, axis=2)


def number_of(picture: Picture) -> int | None:
    """The number that the middle row of an RGB picture spells; None where a column is neither black nor white."""
    height, width = picture.shape[:2]
    number = 0
    for bit in range(BITS):
        level = float(picture[height // 2, (2 * bit + 1) * width // (2 * BITS)].mean())
        if 85 < level < 170:
            return None
        number |= (level > 128) << bit
    return number


def write_movie(
    path: Path, frames: int, rate: Fraction, width: int = 192, height: int = 108, first: int = 0, codec: str = "libx264"
) -> Path:
    """A movie of ``frames`` frames at ``rate`` that spell ``first``, ``first + 1`` and so on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        if codec == "libx264":
            stream.options = {"crf": "18", "preset": "ultrafast"}
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture_of(first + number, width, height), format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_picture(path: Path, number: int, width: int = 192, height: int = 108) -> Path:
    """A PNG that spells ``number``."""
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        frame = av.VideoFrame.from_ndarray(picture_of(number, width, height), format="rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sequence(
    folder: Path, numbers: Sequence[int], prefix: str = "scan.", padding: int = 4, width: int = 192, height: int = 108
) -> list[str]:
    """PNGs ``scan.0100.png`` and so on, each spelling the number in its name; their file names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{prefix}{number:0{padding}d}.png" for number in numbers]
    for number, name in zip(numbers, names, strict=True):
        write_picture(folder / name, number, width, height)
    return names


def read_pictures(paths: Iterable[Path]) -> list[Picture]:
    """RGB pictures of files."""
    found: list[Picture] = []
    for path in paths:
        with av.open(str(path)) as container:
            found.append(next(container.decode(video=0)).to_ndarray(format="rgb24"))
    return found
