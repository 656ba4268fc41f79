"""What is rendered again, and what is not: a repainted sequence, a trimmed clip, another recipe, touched files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from math import ceil
from pathlib import Path

import cv2
import numpy as np
import opentimelineio as otio
import pytest

from resilver_server.domain.digests import digest_file
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.scheduling.ledger import ANALYSE, RENDER
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.requests import JobRequest
from resilver_server.stages.cadence.run import SUPPORT
from resilver_server.stages.deflicker.spec import DeflickerParameters
from support.jobs import RATE, manager, on_loop, request, rows

LENGTH, REPAINTED = 1000, Span(500, 510)
WIDTH, HEIGHT = 96, 64
_REACH = ceil((DeflickerParameters().window + SUPPORT) * RATE) + 1
"""Frames either side of a changed one that the analysis lets it reach: deflicker's window and the frame before, and
what decides about the cuts in it."""


def paint(folder: Path, frames: Iterable[int], seed: int = 1) -> None:
    """Frames of a sequence: a texture that drifts, under a lamp that flickers. Each takes the place of the file that is
    there by its name, as an artist's program saves."""
    texture = np.random.default_rng(7).normal(110, 30, (HEIGHT + 40, WIDTH + 40, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(texture, (0, 0), 2.5) * 2 - 110
    folder.mkdir(exist_ok=True)
    for number in frames:
        lamp = np.random.default_rng((seed, number)).normal(1, 0.04)
        row, column = (round(15 + 12 * f(number / 40)) for f in (np.sin, np.cos))
        picture = np.clip(smooth[row : row + HEIGHT, column : column + WIDTH] * lamp, 0, 255).astype(np.uint8)
        new = folder / f".new.{number:05d}.png"
        assert cv2.imwrite(str(new), picture)
        new.replace(folder / f"scan.{number:05d}.png")


def sequence(folder: Path, start: int = 0, count: int = LENGTH) -> str:
    """A timeline of ``count`` frames of it."""
    edit, track = otio.schema.Timeline("edit"), otio.schema.Track("V1", kind="Video")
    edit.tracks.append(track)
    whole = otio.opentime.TimeRange(otio.opentime.RationalTime(0, RATE), otio.opentime.RationalTime(LENGTH, RATE))
    shown = otio.opentime.TimeRange(otio.opentime.RationalTime(start, RATE), otio.opentime.RationalTime(count, RATE))
    reference = otio.schema.ImageSequenceReference(
        f"file://{folder}/", "scan.", ".png", start_frame=0, frame_zero_padding=5, rate=RATE, available_range=whole
    )
    track.append(otio.schema.Clip("scan", media_reference=reference, source_range=shown))
    return edit.to_json_string()


def steadied(id: str, edit: str, folder: Path, strength: float = 1.0, **delivery: object) -> JobRequest:
    recipe = Recipe((StageSettings("deflicker", strength=strength),), Delivery("ffv1", **delivery))  # type: ignore[arg-type]
    return dataclasses.replace(request(id, edit, folder), recipe=recipe)


@dataclasses.dataclass(frozen=True)
class Done:
    """What a job did."""

    chunks: dict[Span, tuple[str, str]]
    """Key and digest of each chunk, by its output frames."""
    measured: int
    """Analysis tasks that were run."""
    rendered: tuple[Span, ...]
    stored: int


async def done(running: JobManager, asked: JobRequest) -> Done:
    job = (await running.submit(asked)).id
    told = await rows(running, job)
    record = await running.get(job)
    assert record.state is JobState.SUCCEEDED, told[-1]
    ledger, chunks = running._ledger, {}
    for row in await ledger.chunks(job, 0, RENDER):
        content = await ledger.content(row.key)
        assert content is not None
        chunks[_outputs(row.plan)] = (row.key, content.digest)
    measured = sum(row.attempts > 0 for row in await ledger.chunks(job, 0, ANALYSE))
    (shot,) = record.shots
    return Done(chunks, measured, shot.rendered, shot.chunks_stored)


def _outputs(plan: str) -> Span:
    from resilver_server.domain.serial import loads
    from resilver_server.planning.plans import ChunkPlan

    return loads(ChunkPlan, plan).outputs


def test_ten_repainted_frames_of_a_thousand(tmp_path: Path) -> None:
    """Only chunks within the reach of the ten are rendered; everything else keeps key and digest; the result is that
    of a run from nothing."""
    scans = tmp_path / "scans"
    paint(scans, range(LENGTH))
    edit = sequence(scans)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            first = await done(running, steadied("a", edit, tmp_path / "first"))
            paint(scans, REPAINTED, seed=2)
            planned = await running.plan(steadied("b", edit, tmp_path / "second"))
            assert not planned.shots[0].keys_known, "only the analysis can tell"
            assert planned.shots[0].to_measure == 240, "frames of the block that holds the ten"
            second = await done(running, steadied("b", edit, tmp_path / "second"))
        async with manager(tmp_path / "elsewhere") as running:
            fresh = await done(running, steadied("c", edit, tmp_path / "fresh"))
        near = REPAINTED.grow(_REACH, Span(0, LENGTH))
        assert second.measured == 1
        assert 0 < sum(map(len, second.rendered)) < LENGTH / 4
        for outputs, named in first.chunks.items():
            if not len(outputs.intersect(near)):
                assert second.chunks[outputs] == named, "what does not see the ten keeps key and bytes"
            elif second.chunks[outputs] == named:
                continue
            assert any(span.covers(outputs) for span in second.rendered) == (second.chunks[outputs] != named)
        assert any(len(span.intersect(REPAINTED)) for span in second.rendered)
        assert second.chunks == fresh.chunks
        assert second.stored == len(first.chunks) - sum(first.chunks[o] != second.chunks[o] for o in first.chunks)

    on_loop(check, 300)
    results = [tmp_path / name / "scan.mkv" for name in ("second", "fresh")]
    assert digest_file(results[0]) == digest_file(results[1])
    assert digest_file(results[0]) != digest_file(tmp_path / "first/scan.mkv")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media") / "scans"
    paint(folder, range(400))
    return folder


def test_a_trimmed_clip_renders_its_ends(tmp_path: Path, scans: Path) -> None:
    """Ten frames less in front and five behind: chunks and measurements lie on the media's grid, so what lies between
    keeps its keys, but for what the curve sees of the new ends."""

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            first = await done(running, steadied("a", sequence(scans, 0, 384), tmp_path / "a"))
            second = await done(running, steadied("b", sequence(scans, 10, 369), tmp_path / "b"))
            assert second.measured == 0, "the handles reach as far as before"
            assert sum(map(len, second.rendered)) < 369 / 2
            inner = [key for outputs, (key, _) in second.chunks.items() if 110 <= outputs.start < 250]
            assert inner
            assert set(inner) <= {key for key, _ in first.chunks.values()}
            fresh = await done(running, steadied("c", sequence(scans, 10, 369), tmp_path / "c"))
            assert fresh.rendered == ()
        async with manager(tmp_path / "elsewhere") as running:
            alone = await done(running, steadied("d", sequence(scans, 10, 369), tmp_path / "d"))
        assert alone.chunks == second.chunks

    on_loop(check, 300)
    assert digest_file(tmp_path / "b/scan.mkv") == digest_file(tmp_path / "d/scan.mkv")


def test_a_folder_of_frames_is_trimmed_as_a_movie_is(tmp_path: Path, scans: Path) -> None:
    """Its frames are numbered when they are joined: a segment serves at another number too."""

    def pictures(id: str, start: int, count: int) -> JobRequest:
        plain = request(id, sequence(scans, start, count), tmp_path / id, scale=0.5)
        return dataclasses.replace(plain, recipe=dataclasses.replace(plain.recipe, delivery=Delivery("png")))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            await done(running, pictures("a", 0, 144))
            second = await done(running, pictures("b", 7, 137))
            assert second.rendered == (Span(0, 41),)

    on_loop(check)
    frames = [sorted((tmp_path / name / "scan").iterdir()) for name in ("a", "b")]
    assert [path.name for path in frames[1]] == [f"scan.{number:08d}.png" for number in range(137)]
    assert [path.read_bytes() for path in frames[1]] == [path.read_bytes() for path in frames[0][7:]]


def test_what_another_recipe_renders_again(tmp_path: Path, scans: Path) -> None:
    """Sound and change maps leave the segments; another strength or profile leaves the measurements."""
    edit = sequence(scans, 0, 96)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            first = await done(running, steadied("a", edit, tmp_path / "a"))
            silent = steadied("b", edit, tmp_path / "b", keep_audio=False)
            planned = (await running.plan(silent)).shots[0]
            assert planned.keys_known
            assert all(chunk.stored for chunk in planned.chunks)
            assert (await done(running, silent)).rendered == ()
            weaker = await done(running, steadied("c", edit, tmp_path / "c", strength=0.5))
            other = steadied("d", edit, tmp_path / "d")
            other = dataclasses.replace(other, recipe=dataclasses.replace(other.recipe, delivery=Delivery("png")))
            assert (await running.plan(other)).shots[0].to_measure == 0
            pictures = await done(running, other)
            for done_again in (weaker, pictures):
                assert done_again.measured == 0
                assert done_again.rendered == (Span(0, 96),)
            for frame in range(96):
                (scans / f"scan.{frame:05d}.png").touch()
            touched = await done(running, steadied("e", edit, tmp_path / "e"))
            assert (touched.measured, touched.rendered) == (1, ()), "an analysis, never a rendering"
            assert touched.chunks == first.chunks

    on_loop(check, 300)
