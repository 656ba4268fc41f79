"""A movie of what was changed, beside each result: asked for later, it renders no segment again."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from resilver_client.errors import GeometryMismatch, OutputExists
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.scheduling.records import JobRecord
from resilver_server.storage.content import ContentKind
from support.jobs import decoded, film, manager, on_loop, request, rows, timeline

FRAMES = 100


def recipe(maps: bool, profile: str = "ffv1", keep: tuple[Span, ...] = (), **size: int) -> Recipe:
    """Noise that flickers is steadied, in all but the frames kept."""
    stages = (StageSettings("deflicker", {"window": 0.5}, keep_frames=keep),)
    if size:
        stages = (*stages, StageSettings("upscale", {"model": "none", "fit": "stretch", **size}))
    return Recipe(stages, Delivery(profile, change_maps=maps))


def kinds(home: Path) -> dict[str, int]:
    return {kind: sum(1 for _ in (home / "content" / kind).glob("*/*")) for kind in ContentKind}


@pytest.mark.parametrize("profile", ["ffv1", "png"])
def test_maps_beside_the_result(profile: str, tmp_path: Path) -> None:
    movie, home = film(tmp_path / "film.mkv", FRAMES), tmp_path / "home"
    shown = timeline(movie, FRAMES, ("reel", 0, FRAMES))
    done: dict[str, JobRecord] = {}
    stored: list[dict[str, int]] = []

    async def check() -> None:
        async with manager(home) as running:
            for name, wanted in {"plain": False, "maps": True, "again": True}.items():
                asked = request(name, shown, tmp_path / name, recipe=recipe(wanted, profile, (Span(0, 60),)))
                plan = await running.plan(asked)
                job = await running.submit(asked)
                await rows(running, job.id)
                done[name] = await running.get(job.id)
                assert done[name].failure is None
                if name == "again":
                    assert all(chunk.stored for chunk in plan.shots[0].chunks)
            for name in ("maps", "again"):
                stored.append(kinds(home))
                await running.delete(done[name].id)
            stored.append(kinds(home))
            await running.delete(done["plain"].id)
            stored.append(kinds(home))

    on_loop(check)
    shots = {name: record.shots[0] for name, record in done.items()}
    assert shots["plain"].digest == shots["maps"].digest == shots["again"].digest
    assert [shots[name].changes for name in done] == [
        "",
        *(f"{tmp_path}/{name}/reel.changes.mkv" for name in ("maps", "again")),
    ]
    assert shots["maps"].rendered == (Span(0, FRAMES),), "for the maps alone"
    assert shots["again"].rendered == ()
    told = json.loads((tmp_path / "maps/reel.resilver.json").read_text())
    assert told["changes"] == "reel.changes.mkv"
    assert not list((tmp_path / "plain").glob("*.changes.mkv"))
    maps = decoded(tmp_path / "maps/reel.changes.mkv")
    assert [bool(change.any()) for change in maps[:60]] == [False] * 60
    assert all((change == change[..., :1]).all() for change in maps), "grey"
    assert any(change.any() for change in maps[60:])
    with av.open(str(tmp_path / "maps/reel.changes.mkv")) as container:
        assert container.streams.video[0].average_rate == 24
    segments = [(now["segment"], now["changes"]) for now in stored]
    assert segments == [(3, 3), (3, 3), (3, 3), (0, 0)], "maps are kept as long as their segments"


def test_what_lies_there_is_refused_at_once(tmp_path: Path) -> None:
    shown = timeline(film(tmp_path / "film.mkv", 8), 8, ("reel", 0, 8))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/reel.changes.mkv").write_text("mine")

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            with pytest.raises(OutputExists, match=r"reel\.changes\.mkv"):
                await running.submit(request("a", shown, tmp_path / "out", recipe=recipe(True)))
            await running.plan(request("b", shown, tmp_path / "out", recipe=recipe(False)))
            small = recipe(True, "png", width=2, height=2)
            with pytest.raises(GeometryMismatch):
                await running.submit(request("c", shown, tmp_path / "small", recipe=small))

    on_loop(check)
    assert (tmp_path / "out/reel.changes.mkv").read_text() == "mine"


def test_a_deleted_map_is_made_again_and_the_segment_is_not(tmp_path: Path) -> None:
    movie, home = film(tmp_path / "film.mkv", FRAMES), tmp_path / "home"
    shown = timeline(movie, FRAMES, ("reel", 0, FRAMES))

    async def check() -> None:
        async with manager(home) as running:
            for name in ("first", "second"):
                job = await running.submit(request(name, shown, tmp_path / name, recipe=recipe(True)))
                await rows(running, job.id)
                record = await running.get(job.id)
                assert record.failure is None
                if name == "first":
                    written = {path: path.stat().st_mtime_ns for path in (home / "content/segment").glob("*/*")}
                    next(iter(sorted((home / "content/changes").glob("*/*")))).unlink()
            assert sum(len(span) for span in record.shots[0].rendered) in (48, FRAMES - 96)
            assert {path: path.stat().st_mtime_ns for path in (home / "content/segment").glob("*/*")} == written

    on_loop(check)
    first, second = (decoded(tmp_path / name / "reel.changes.mkv") for name in ("first", "second"))
    assert np.array_equal(first, second)
