"""Runs deflicker over a clip held in memory, and measures flicker by means of its own."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.domain.formats import FrameFormat
from resilver_server.lab.pictures import Image, to_luma
from resilver_server.stages.contract import AnalysisFrame, StageContext, State, Window
from resilver_server.stages.deflicker import run
from resilver_server.stages.deflicker.spec import DeflickerParameters

Array = npt.NDArray[np.float64]


def analysis_frame(index: int, frame: Image) -> AnalysisFrame:
    rgb = np.round(np.clip(frame, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    return AnalysisFrame(index, to_luma(frame), np.ascontiguousarray(rgb))


def measured(frames: Sequence[Image], start: int = 0) -> list[dict[str, npt.NDArray[np.generic]]]:
    analyser = run.Analyser(DeflickerParameters())
    seen = [analysis_frame(start + k, frame) for k, frame in enumerate(frames)]
    return [analyser.measure(frame, seen[k - 1] if k else None) for k, frame in enumerate(seen)]


def stacked(rows: Sequence[dict[str, npt.NDArray[np.generic]]]) -> dict[str, npt.NDArray[np.generic]]:
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def clock_of(count: int, rate: Fraction, walls: tuple[int, ...] = (), frames: Sequence[int] | None = None) -> Clock:
    shown = tuple(frames) if frames is not None else tuple(range(count))
    return Clock(shown, tuple(k / rate for k in shown), walls)


def rendered(frames: Sequence[Image], clock: Clock, state: State) -> list[Image]:
    """The clock's frames after deflicker, as they would be stored: 0..1."""
    height, width = frames[0].shape[-2:]
    form = FrameFormat(width, height)
    context = StageContext(form, form, torch.device("cpu"), torch.float32, {})
    session = run.open_session(DeflickerParameters(), context)
    results = []
    for entry, frame in enumerate(clock.frames):
        rows = {name: values[entry : entry + 1] for name, values in state.items()}
        window = Window(torch.from_numpy(frames[frame])[None], 0, rows)
        results.append(np.clip(session.process(window).numpy(), 0, 1))
    return results


def deflickered(frames: Sequence[Image], rate: Fraction, walls: tuple[int, ...] = ()) -> list[Image]:
    clock = clock_of(len(frames), rate, walls)
    return rendered(frames, clock, run.solve(stacked(measured(frames)), clock, rate, DeflickerParameters()))


def ffmpeg_deflickered(frames: Sequence[Image], rate: Fraction) -> list[Image]:
    """What FFmpeg's filter of that name makes of the clip at its defaults."""
    graph = av.filter.Graph()
    height, width = frames[0].shape[-2:]
    source = graph.add_buffer(width=width, height=height, format="gray", time_base=1 / rate)
    graph.link_nodes(source, graph.add("deflicker"), graph.add("format", "gray"), graph.add("buffersink")).configure()
    for k, frame in enumerate(frames):
        grey = np.round(np.clip(to_luma(frame), 0, 1) * 255).astype(np.uint8)
        given = av.VideoFrame.from_ndarray(grey, format="gray")
        given.pts, given.time_base = k, 1 / rate
        graph.push(given)
    graph.push(None)
    results: list[Image] = []
    while len(results) < len(frames):
        grey = graph.pull().to_ndarray().astype(np.float32) / 255
        results.append(np.stack([grey] * 3))
    return results


def mean_error(results: Sequence[Image], clean: Sequence[Image]) -> Array:
    """log(mean of the result / mean of the clean frame), frame by frame."""
    means = [[float(to_luma(f).mean(dtype=np.float64)) for f in clip] for clip in (results, clean)]
    return np.log(np.array(means[0]) / np.array(means[1]))


def residue(errors: Array, rate: Fraction) -> float:
    """Standard deviation of what a centred moving average over 0.5 s leaves."""
    size = max(3, round(float(rate) / 2) // 2 * 2 + 1)
    padded = np.pad(errors, size // 2, mode="reflect")
    return float((errors - np.convolve(padded, np.ones(size) / size, mode="valid")).std())


def block_pairs(frames: Sequence[Image]) -> list[tuple[Image, Image]]:
    """For each frame but the first: the flow from it to the one before, and (rows, columns) flags of static blocks.

    Flow on the whole-size frames, 32 pixel blocks: other means than those of the stage.
    """
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    greys = [np.round(to_luma(frame) * 255).astype(np.uint8) for frame in frames]
    pairs = []
    for before, now in pairwise(greys):
        flow = dis.calc(now, before, None)
        apart = np.hypot(*(flow[..., k] - np.median(flow[..., k]) for k in (0, 1)))
        pairs.append((flow, _blocks(apart.astype(np.float32))))
    return pairs


def block_ratios(frames: Sequence[Image], pairs: Sequence[tuple[Image, Image]]) -> Array:
    """(frames - 1, rows, columns) log of block mean over the aligned block mean of the frame before."""
    lumas = [to_luma(frame) for frame in frames]
    ratios = []
    for before, now, (flow, _) in zip(lumas, lumas[1:], pairs, strict=False):
        rows, columns = np.mgrid[0 : now.shape[0], 0 : now.shape[1]].astype(np.float32)
        aligned = cv2.remap(
            before, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        ratios.append(np.log(np.maximum(_blocks(now), 1e-3) / np.maximum(_blocks(aligned), 1e-3)))
    return np.array(ratios, np.float64)


def _blocks(plane: Image, size: int = 32) -> Image:
    rows, columns = plane.shape[0] // size, plane.shape[1] // size
    return plane[: rows * size, : columns * size].reshape(rows, size, columns, size).mean(axis=(1, 3))


def movie(path: Path, count: int, width: int, start: int = 0) -> list[Image]:
    """Frames start .. start + count of a movie, reduced to ``width`` by averaging, (3, height, width) 0..1."""
    frames: list[Image] = []
    with av.open(str(path)) as container:
        for k, frame in enumerate(container.decode(video=0)):
            if k < start:
                continue
            height = round(frame.height * width / frame.width)
            small = cv2.resize(frame.to_ndarray(format="rgb24"), (width, height), interpolation=cv2.INTER_AREA)
            frames.append(np.ascontiguousarray(small.transpose(2, 0, 1)).astype(np.float32) / 255)
            if len(frames) == count:
                break
    return frames


def pictures(folder: Path) -> list[Image]:
    """A folder's frames in order, (3, height, width) grey."""
    read = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in sorted(folder.glob("*.png"))]
    return [np.stack([np.asarray(grey, np.float32) / 255] * 3) for grey in read]


def distinct(frames: Sequence[Image]) -> list[int]:
    """Numbers of the frames that are not a repeat of the one kept before."""
    kept = [0]
    for k in range(1, len(frames)):
        if float(np.abs(frames[k] - frames[kept[-1]]).mean()) > 0.006:
            kept.append(k)
    return kept


def constant_mean(frames: Sequence[Image]) -> list[Image]:
    """What a filter does that brings every frame to one brightness."""
    means = [float(frame.mean()) for frame in frames]
    level = float(np.mean(means))
    return [
        np.clip(frame * (level / max(mean, 1e-6)), 0, 1).astype(np.float32)
        for frame, mean in zip(frames, means, strict=True)
    ]
