"""Ageing and measuring files: what ``resilver age`` and ``resilver measure`` do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from resilver_client.errors import FrameCountMismatch, OutputExists, OutputUnwritable
from resilver_server.domain.formats import FrameFormat, MediaInfo
from resilver_server.domain.serial import dumps
from resilver_server.domain.spans import Span
from resilver_server.media.profiles import profile
from resilver_server.media.writer import SegmentWriter

from .age import AgedFrame, AgeSettings, age
from .clips import REC709, frames
from .measure import Comparison, common_times, compare, picked
from .pictures import Image

CLIPS = ("aged", "clean", "aligned", "dirt", "scratches")
"""Files that ageing writes, ``NAME.mkv`` each."""


@dataclass(frozen=True)
class FrameTruth:
    """What was done to one frame of the aged clip."""

    source: int
    """Frame of the clean clip that it shows, counted from 0 in the span taken."""
    repeat: bool
    gain: float
    """Mean brightness after the flicker over that before."""
    gamma: float
    """Flicker made v into exp(field) * v ** gamma."""
    field: tuple[tuple[float, ...], ...]
    """Rows of log gains at evenly spaced points of the frame, corners included; bilinear in between."""
    weave: tuple[float, float]
    """Pixels right and down."""


@dataclass(frozen=True)
class Truth:
    """``truth.json``: everything about the damage that is not a picture."""

    seed: int
    settings: AgeSettings
    frames: tuple[FrameTruth, ...]


def age_file(
    media: MediaInfo,
    folder: Path,
    settings: AgeSettings,
    seed: int,
    span: Span | None = None,
    size: tuple[int, int] | None = None,
) -> int:
    """Age a clip at ``size`` (width, height; its own if None) into ``folder``: ``aged.mkv``; ``clean.mkv`` (the same
    frames undamaged) and ``aligned.mkv`` (undamaged, where the gate held them); ``dirt.mkv`` and ``scratches.mkv``
    (white where damage lies); ``truth.json``. Returns the number of frames.

    Complete or not at all. Raises OutputExists for a folder that has something in it, OutputUnwritable.
    """
    if folder.exists() and any(folder.iterdir()):
        raise OutputExists("the folder is not empty", where=str(folder), remedy="name a new one")
    part = folder.with_name(f".{folder.name}.part")
    try:
        part.mkdir(parents=True)
        written = _write(part, age(_sized(media, span, size), settings, seed), media, settings, seed)
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except OSError as error:
        raise OutputUnwritable(str(error.strerror or error), where=str(folder), remedy="name another folder") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return written


def _sized(media: MediaInfo, span: Span | None, size: tuple[int, int] | None) -> Iterator[Image]:
    for frame in frames(media, span):
        picture = frame.permute(1, 2, 0).numpy()
        if size and size != (media.format.width, media.format.height):
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        yield np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)


def _write(folder: Path, aged: Iterator[AgedFrame], media: MediaInfo, settings: AgeSettings, seed: int) -> int:
    truths: list[FrameTruth] = []
    with ExitStack() as stack:
        writers: dict[str, SegmentWriter] = {}
        for frame in aged:
            if not writers:
                form = FrameFormat(frame.frame.shape[2], frame.frame.shape[1])
                for name in CLIPS:
                    path = str(folder / f"{name}.mkv")
                    writers[name] = stack.enter_context(
                        SegmentWriter(path, profile("ffv1"), form, media.rate, REC709, 0)
                    )
            for name, picture in _pictures(frame).items():
                writers[name].write(torch.from_numpy(picture))
            truths.append(_truth(frame))
        for writer in writers.values():
            writer.close()
    (folder / "truth.json").write_text(dumps(Truth(seed, settings, tuple(truths))) + "\n")
    return len(truths)


def _truth(frame: AgedFrame) -> FrameTruth:
    field = tuple(tuple(float(value) for value in row) for row in frame.flicker.field)
    return FrameTruth(frame.source_index, frame.repeat, frame.gain, frame.flicker.gamma, field, frame.weave)


def _pictures(frame: AgedFrame) -> dict[str, Image]:
    """The pictures of one frame, by clip."""

    def mask(where: np.ndarray) -> Image:
        return np.repeat(where[None].astype(np.float32), 3, axis=0)

    return {
        "aged": frame.frame,
        "clean": frame.clean,
        "aligned": frame.aligned,
        "dirt": mask(frame.dirt_mask),
        "scratches": mask(frame.scratch_mask),
    }


def measure_files(a: MediaInfo, b: MediaInfo, *, luma: bool = False, at_common_times: bool = False) -> Comparison:
    """Compare two clips frame by frame, or only where the times of their frames meet.

    Raises GeometryMismatch and FrameCountMismatch: nothing is resized, nothing is left out unasked.
    """
    if not at_common_times:
        if a.frame_count != b.frame_count:
            raise FrameCountMismatch(
                f"{a.frame_count} frames against {b.frame_count}",
                where=f"{a.path}, {b.path}",
                remedy="--at common-times",
            )
        return compare(frames(a), frames(b), luma=luma)
    pairs = common_times(a.frame_count, a.rate, b.frame_count, b.rate)
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    return compare(picked(frames(a), first), picked(frames(b), second), luma=luma)
