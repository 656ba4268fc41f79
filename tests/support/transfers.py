"""A simple old transfer, with its truth: grain on the film, repeated frames, weave, transfer noise, recompression.

Pictures are (n, height, width) float32 luma 0..255 up to the encoder and uint8 after it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from resilver_server.stages.contract import AnalysisFrame

Pictures = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Transfer:
    """What the film went through on its way to a file."""

    grain: float = 6.0
    """s.d. of the film's own grain in code values of 255."""
    noise: float = 2.0
    """s.d. of what the transfer adds, new on every frame."""
    weave: float = 0.4
    """s.d. of the gate's movement in pixels, new on every frame."""
    crf: int | None = 20
    """x264 quality; None leaves it uncompressed."""
    rate: int = 24
    seed: int = 1


def read_luma(path: Path, count: int, size: tuple[int, int], start: int = 0, step: int = 1) -> Pictures:
    """``count`` frames of a movie, or of a folder of PNGs, as luma of ``size`` (width, height)."""
    pictures: list[Any] = []
    if path.is_dir():
        files = sorted(path.glob("*.png"))[start : start + count * step : step]
        pictures = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    else:
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if len(pictures) == count:
                    break
                if index >= start and (index - start) % step == 0:
                    pictures.append(frame.to_ndarray(format="gray"))
    return np.stack([cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in pictures]).astype(np.float32)


def still_scene(count: int, size: tuple[int, int], seed: int = 5) -> Pictures:
    """A held camera on a scene in which nothing moves: soft shapes and some fine texture."""
    width, height = size
    rng = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 25)
    fine = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 2.0)
    scene = 120 + 40 * soft / soft.std() + 10 * (soft > 0) * fine / fine.std()
    scene[height // 3 : height // 2, width // 4 : width // 2] = 190
    return np.repeat(scene[None].clip(16, 235), count, axis=0).astype(np.float32)


def transfer(film: Pictures, shown: list[int], how: Transfer) -> Bytes:
    """Grain on each film frame, frame ``shown[i]`` as the i-th of the file, then weave, noise and x264."""
    rng = np.random.default_rng(how.seed)
    grained = np.stack([picture + _grain(picture, how.grain, rng) for picture in film])
    frames = np.stack([_moved(grained[index], rng.normal(0, how.weave, 2)) for index in shown])
    frames += rng.normal(0, how.noise, frames.shape).astype(np.float32)
    pictures = frames.round().clip(0, 255).astype(np.uint8)
    return pictures if how.crf is None else recompress(pictures, how.rate, how.crf)


def _grain(picture: npt.NDArray[np.float32], sigma: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Grain about two pixels wide, strongest in the mid-tones, as on film."""
    if not sigma:
        return np.zeros_like(picture)
    field = cv2.GaussianBlur(rng.normal(0, 1, picture.shape).astype(np.float32), (0, 0), 0.8)
    tone = 0.5 + np.sqrt(np.clip(picture / 255 * (1 - picture / 255), 0, 1))
    return (sigma * tone * field / field.std()).astype(np.float32)


def _moved(picture: npt.NDArray[np.float32], shift: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], dtype=np.float64)
    size = (picture.shape[1], picture.shape[0])
    moved = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.float32)


def recompress(pictures: Bytes, rate: int, crf: int) -> Bytes:
    """Through x264 with B-frames, scene cuts and psychovisual tuning and back."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf), "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = pictures.shape[2], pictures.shape[1], "yuv420p"
        stream.codec_context.thread_count = 1
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])


def pulled(real: int, rate: int, count: int, phase: float = 0.0) -> list[int]:
    """Which film frame each of ``count`` file frames shows when ``real`` frames a second fill ``rate``."""
    return [int((index + phase) * real / rate + 1e-9) for index in range(count)]


def repeats_of(shown: list[int]) -> list[bool]:
    """Whether a file frame shows the same film frame as the one before."""
    return [index > 0 and shown[index] == shown[index - 1] for index in range(len(shown))]


def analysis_frame(index: int, picture: Bytes) -> AnalysisFrame:
    """A frame as the analysis pass hands it over, from grey or RGB bytes."""
    rgb = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
    weights = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    return AnalysisFrame(index, (rgb.astype(np.float32) @ weights) / 255, np.ascontiguousarray(rgb))
