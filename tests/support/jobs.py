"""Small real jobs for tests of the server: a film of noise, a timeline of it, a request to enlarge it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import opentimelineio as otio

from resilver_server.config import ServerSettings
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import Event, EventKind
from resilver_server.scheduling.requests import JobRequest

RATE = 24


def film(
    path: Path, frames: int, width: int = 96, height: int = 64, seed: int = 1, rate: Fraction | int = RATE
) -> Path:
    """A lossless movie of noise: no two frames are alike, so a frame in the wrong place is found."""
    noise = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(frames):
            pixels = noise.integers(0, 255, (height, width, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def damage(movie: Path, frame: int) -> None:
    """Overwrite most of one frame's packet; the container around it stays whole."""
    with av.open(str(movie)) as container:
        packet = next(packet for index, packet in enumerate(container.demux(video=0)) if index == frame)
        place, size = packet.pos, packet.size
    data = bytearray(movie.read_bytes())
    data[place + size // 4 : place + size - size // 4] = bytes(size - 2 * (size // 4))
    movie.write_bytes(data)


def decoded(movie: Path) -> list[npt.NDArray[np.uint8]]:
    """Every frame of a movie, as its codec gives it."""
    with av.open(str(movie)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def timeline(movie: Path, frames: int, *clips: tuple[str, int, int]) -> str:
    """OTIO JSON: clips ``(name, first frame, number of frames)`` of one movie, one after the other."""
    edit, track = otio.schema.Timeline("edit"), otio.schema.Track("V1", kind="Video")
    edit.tracks.append(track)
    for name, start, count in clips:
        reference = otio.schema.ExternalReference(str(movie), _range(0, frames))
        track.append(otio.schema.Clip(name, media_reference=reference, source_range=_range(start, count)))
    return edit.to_json_string()


def request(id: str, edit: str, folder: Path, scale: float = 2.0, **changes: object) -> JobRequest:
    """Enlarge every clip by plain resampling and write it without loss."""
    stages = (StageSettings("upscale", {"model": "none", "scale": scale}),)
    recipe = Recipe(stages, Delivery(profile="ffv1"))
    asked = JobRequest(id, f"job {id}", edit, recipe, str(folder))
    return dataclasses.replace(asked, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def manager(home: Path, **settings: object) -> AsyncIterator[JobManager]:
    """A started manager, stopped at the end."""
    running = JobManager(ServerSettings(home=home, **settings))  # type: ignore[arg-type]
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def until(events: AsyncIterator[Event], wanted: Callable[[Event], bool]) -> Event:
    """The first event of the kind that is waited for."""
    async for event in events:
        if wanted(event):
            return event
    raise AssertionError("the job ended before")


def chunk_done(event: Event) -> bool:
    return event.kind is EventKind.CHUNK


async def rows(running: JobManager, job: str) -> list[Event]:
    """Every stored event of a job, once it has ended."""
    return [event async for event in running.watch(job) if event.kind is not EventKind.PROGRESS]


def on_loop(test: Callable[[], Awaitable[object]], seconds: float = 120) -> None:
    async def limited() -> None:
        await asyncio.wait_for(test(), seconds)

    asyncio.run(limited())


def _range(start: int, count: int) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, RATE), otio.opentime.RationalTime(count, RATE))
