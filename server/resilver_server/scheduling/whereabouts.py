"""Where every frame of a job is: its chunks, with what rows, store and workers know of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from resilver_client.errors import InvalidRequest
from resilver_server.domain.jobs import ChunkState
from resilver_server.domain.serial import loads
from resilver_server.domain.spans import Span
from resilver_server.execution.executor import Executor, Working
from resilver_server.planning.plans import ChunkPlan
from resilver_server.planning.tasks import AnalyseTask, RenderTask
from resilver_server.storage.rows import ChunkRow, columns

from .ledger import ANALYSE, RENDER, STORED, Ledger, one_job
from .progress import Tracker
from .records import ChunkPage, ChunkPlace, ChunkRecord, ShotPhase

LARGEST_PAGE = 5000


@dataclass(frozen=True)
class _Facts:
    row: ChunkRow
    size: int
    """Bytes in the store."""
    file: str
    made: bool
    """Whether this job made it."""


async def list_chunks(
    ledger: Ledger, executor: Executor, tracker: Tracker | None, job: str, size: int, token: str, shot: int | None
) -> ChunkPage:
    """Up to ``size`` chunks after the one that ``token`` names. ``tracker`` is the job's own while it runs.

    Raises JobNotFound, InvalidRequest for a token that is none.
    """
    after, most = _position(token), max(1, min(size, LARGEST_PAGE))
    found = await ledger.read(lambda connection: _facts(connection, job, after, most + 1, shot))
    workers = _workers(executor.working())
    chunks = tuple(_record(facts, workers, tracker) for facts in found[:most])
    last = found[most - 1].row if len(found) > most else None
    return ChunkPage(chunks, f"{last.shot}/{last.kind}/{last.number}" if last else "")


def _position(token: str) -> tuple[int, str, int]:
    if not token:
        return -1, "", -1
    shot, _, rest = token.partition("/")
    kind, _, number = rest.partition("/")
    if not (shot.isdecimal() and number.isdecimal() and kind in (ANALYSE, RENDER) and len(token) < 40):
        raise InvalidRequest("not a page token", where=token, remedy="start again at the first page")
    return int(shot), kind, int(number)


def _facts(
    connection: sqlite3.Connection, job: str, after: tuple[int, str, int], most: int, shot: int | None
) -> list[_Facts]:
    one_job(connection, job)
    names = ", ".join(f"chunk.{name}" for name in columns(ChunkRow))
    query = f"""SELECT {names}, coalesce(content.bytes, 0), CASE WHEN shot.phase = :done THEN shot.output ELSE '' END,
            CASE chunk.kind WHEN :analyse THEN chunk.attempts > 0
            ELSE EXISTS (SELECT 1 FROM event WHERE event.job = chunk.job AND event.kind = 'chunk'
                AND event.shot = chunk.shot AND event.chunk = chunk.number AND event.message <> :stored) END
        FROM chunk JOIN shot ON shot.job = chunk.job AND shot.number = chunk.shot
        LEFT JOIN content ON content.key = chunk.key
        WHERE chunk.job = :job AND (chunk.shot, chunk.kind, chunk.number) > (:shot, :kind, :number)
            AND (:only IS NULL OR chunk.shot = :only)
        ORDER BY chunk.shot, chunk.kind, chunk.number LIMIT :most"""
    values = {
        "job": job, "done": ShotPhase.DONE, "analyse": ANALYSE, "stored": STORED, "only": shot, "most": most,
        "shot": after[0], "kind": after[1], "number": after[2],
    }  # fmt: skip
    rows = connection.execute(query, values).fetchall()
    return [_Facts(ChunkRow(*row[:-3]), row[-3], row[-2], bool(row[-1])) for row in rows]


def _workers(working: Sequence[Working]) -> Mapping[str, int]:
    """Process ids by the keys of the chunks that they make."""
    found = {}
    for each in working:
        if isinstance(each.task, RenderTask):
            found[each.task.chunk.key] = each.process
        elif isinstance(each.task, AnalyseTask):
            found[Path(each.task.output).name.partition(".")[0]] = each.process
    return found


def _record(facts: _Facts, workers: Mapping[str, int], tracker: Tracker | None) -> ChunkRecord:
    row, worker = facts.row, workers.get(facts.row.key, 0)
    rendered = row.kind == RENDER
    done = tracker.frames_done(row.shot, row.number) if tracker is not None and worker else 0
    return ChunkRecord(
        shot=row.shot,
        kind=row.kind,
        number=row.number,
        frames=loads(ChunkPlan, row.plan).outputs if rendered else loads(Span, row.plan),
        place=_place(row, worker, facts.made),
        attempts=row.attempts,
        worker=worker,
        done=done,
        stored_bytes=facts.size,
        file=facts.file if rendered else "",
    )


def _place(row: ChunkRow, worker: int, made: bool) -> ChunkPlace:
    if row.state == ChunkState.DONE:
        return ChunkPlace.MADE if made else ChunkPlace.STORED
    return ChunkPlace.RUNNING if worker else ChunkPlace.PENDING
