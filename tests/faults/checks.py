"""What must hold once every job of a set has ended, whatever happened on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faults.stage import processes_of, rows_of
from faults.work import Media, results

_UNCHANGED = "SELECT key, kind, digest, bytes FROM content"


@dataclass(frozen=True)
class Calm:
    """An unbroken run."""

    results: dict[str, str]
    content: dict[str, tuple[object, ...]]
    chunks: dict[tuple[object, ...], tuple[object, ...]]
    media: dict[str, str]


def calm(home: Path, out: Path, media: Media) -> Calm:
    return Calm(results(out), content(home), chunks(home), media.digests())


def content(home: Path) -> dict[str, tuple[object, ...]]:
    """Every stored thing by its key: kind, digest of the packets, bytes."""
    with rows_of(home) as rows:
        return {key: tuple(rest) for key, *rest in rows.execute(_UNCHANGED)}


def chunks(home: Path) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Key and state of every chunk of every job."""
    query = """SELECT job.request_id, shot, chunk.kind, number, key, chunk.state FROM chunk
        JOIN job ON job.id = chunk.job"""
    with rows_of(home) as rows:
        return {tuple(row[:4]): tuple(row[4:]) for row in rows.execute(query)}


def check(home: Path, out: Path, media: Media, before: Calm) -> None:
    """The server has stopped. Raises AssertionError."""
    _same(results(out), before.results, "results")
    _same(content(home), before.content, "stored content")
    _same(chunks(home), before.chunks, "chunks")
    assert media.digests() == before.media, "an original was changed"
    assert not processes_of(home), f"left running: {processes_of(home)}"
    assert not (left := left_behind(home, out)), f"left behind: {left}"
    _check_rows(home)


def _same(found: object, wanted: object, what: str) -> None:
    assert isinstance(found, dict)
    assert isinstance(wanted, dict)
    apart = {key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key)}
    assert not apart, f"{what} differ: {[(key, found.get(key), wanted.get(key)) for key in sorted(apart, key=str)[:5]]}"


def left_behind(home: Path, out: Path) -> list[Path]:
    """Staging folders, half-written files, and files in the store without a row."""
    stored = content(home)
    hidden = [path for path in out.rglob("*") if path.name.startswith(".") or ".partial" in path.name]
    strays = [path for path in (home / "content").glob("*/*/*") if path.name not in stored]
    return [*hidden, *(home / "content/tmp").iterdir(), *strays]


def _check_rows(home: Path) -> None:
    with rows_of(home) as rows:
        assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert {state for (state,) in rows.execute("SELECT state FROM job")} == {"succeeded"}
        told = "SELECT job, shot, chunk, count(*) FROM event WHERE kind = 'chunk' GROUP BY job, shot, chunk"
        assert not [row for row in rows.execute(told) if row[3] != 1], "a chunk was told twice"
        done = rows.execute("SELECT count(*) FROM chunk WHERE kind = 'render' AND state = 'done'").fetchone()[0]
        assert done == len(rows.execute(told).fetchall()), "a chunk was not told"
        numbers = "SELECT job.id, job.sequence, count(*), max(event.sequence) FROM job JOIN event ON event.job = job.id"
        for job, last, count, highest in rows.execute(f"{numbers} GROUP BY job.id"):
            assert last == count == highest, f"job {job}: events are missing"
