"""A decision of the machine is taken back: the second run renders the chunks under it alone, and says so."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import JobRecord, JobResult
from support.clips import planes_of, write_movie
from support.edits import Cut, edit, movie
from support.jobs import manager, on_loop, request, rows

WIDTH, HEIGHT, FRAMES, CHUNK = 64, 48, 192, 48


def flickering(path: Path) -> Path:
    """A ground at rest whose brightness jumps, over four chunks."""
    random = np.random.default_rng(3)
    ground = random.random((HEIGHT, WIDTH)) * 0.3 + 0.3
    levels = 1 + 0.06 * random.standard_normal(FRAMES)
    return write_movie(path, [planes_of(ground * level, "yuv420p") for level in levels], "ffv1", "yuv420p")


def decoded(path: Path) -> list[npt.NDArray[np.uint16]]:
    """Every frame, (height, width, 3), as its codec gives it."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def keep_matte(folder: Path, frames: range) -> str:
    """Black but for a disc in some frames: as a host writes what is painted on its timeline."""
    folder.mkdir()
    for frame in range(FRAMES):
        picture = np.zeros((HEIGHT, WIDTH), np.uint8)
        if frame in frames:
            cv2.circle(picture, (20, 20), 10, 255, -1)
        cv2.imwrite(str(folder / f"keep.{frame:04d}.png"), picture)
    return str(folder / "keep.%04d.png")


def inside() -> npt.NDArray[np.bool_]:
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(picture, (20, 20), 10, 255, -1)
    return picture > 0


async def done(
    running: JobManager, folder: Path, film: Path, strength: float = 1.0, **asked: object
) -> tuple[JobRecord, JobResult]:
    """A job over the whole film; ``asked`` is what the clip's metadata say."""
    recipe = Recipe((StageSettings("deflicker", strength=strength),), Delivery("ffv1"))
    shown = edit(24, [Cut(movie(film), (0, FRAMES), "reel", resilver=asked)])
    job = await running.submit(request(folder.name, shown, folder, recipe=recipe))
    await rows(running, job.id)
    record = await running.get(job.id)
    assert record.failure is None
    return record, await running.result(job.id)


def test_a_region_taken_back(tmp_path: Path) -> None:
    """Must show 6: the region is the film of the path without the stage, bit for bit, all else is as it was, and one of
    four chunks was rendered."""
    film = flickering(tmp_path / "film.mkv")
    keep = keep_matte(tmp_path / "keep", range(60, 80))
    found: dict[str, tuple[JobRecord, JobResult]] = {}

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            found["first"] = await done(running, tmp_path / "first", film)
            found["without"] = await done(running, tmp_path / "without", film, strength=0.0)
            found["kept"] = await done(running, tmp_path / "kept", film, keep_mattes={"deflicker": keep})
            found["again"] = await done(running, tmp_path / "again", film, keep_mattes={"deflicker": keep})

    on_loop(check)
    first, without, kept = (decoded(tmp_path / name / "reel.mkv") for name in ("first", "without", "kept"))
    disc = inside()
    for frame in range(FRAMES):
        expected = np.where((disc & (60 <= frame < 80))[..., None], without[frame], first[frame])
        assert np.array_equal(kept[frame], expected), frame
    assert any((first[frame] != without[frame])[disc].any() for frame in range(60, 80)), "it shows nothing"

    shots = {name: record.shots[0] for name, (record, _) in found.items()}
    assert shots["first"].rendered == shots["without"].rendered == (Span(0, FRAMES),)
    assert (shots["kept"].rendered, shots["kept"].chunks_stored) == ((Span(48, 96),), 3)
    assert (shots["again"].rendered, shots["again"].chunks_stored) == ((), 4)
    assert {name: result.report for name, (_, result) in found.items()} == {
        "first": (),
        "without": (),
        "kept": ("reel: 3 of 4 chunks were rendered before; output frames 48-95 are new",),
        "again": ("reel: 4 of 4 chunks were rendered before; nothing had to be rendered",),
    }
    told = json.loads((tmp_path / "kept/reel.resilver.json").read_text())
    assert [chunk["stored"] for chunk in told["chunks"]] == [True, False, True, True]
    (stage,) = (stage for stage in told["stages"] if stage["stage"] == "deflicker")
    assert len(stage["keep_digest"]) == 64


@pytest.mark.parametrize(
    ("frames", "spans"), [("100", (Span(96, 144),)), ("10-20, 190", (Span(0, 48), Span(144, 192)))]
)
def test_frames_taken_back(frames: str, spans: tuple[Span, ...], tmp_path: Path) -> None:
    film = flickering(tmp_path / "film.mkv")
    found: dict[str, JobRecord] = {}

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            await done(running, tmp_path / "first", film)
            await done(running, tmp_path / "without", film, strength=0.0)
            found["kept"], _ = await done(running, tmp_path / "kept", film, keep_frames={"deflicker": frames})

    on_loop(check)
    first, without, kept = (decoded(tmp_path / name / "reel.mkv") for name in ("first", "without", "kept"))
    listed = {100} if frames == "100" else {*range(10, 21), 190}
    for frame in range(FRAMES):
        assert np.array_equal(kept[frame], (without if frame in listed else first)[frame]), frame
    assert found["kept"].shots[0].rendered == spans
