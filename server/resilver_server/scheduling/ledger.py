"""What happens to jobs, as transactions. Each one is complete: rows and the event that tells of them."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from resilver_client.errors import InvalidRequest, JobNotFound, JobStateConflict
from resilver_server.domain.failures import Failure
from resilver_server.domain.jobs import ChunkState, JobState
from resilver_server.domain.serial import canonical, loads
from resilver_server.domain.spans import Span, merged
from resilver_server.planning.plans import ChunkPlan, ShotPlan
from resilver_server.planning.tasks import SolveResult
from resilver_server.storage.collecting import touch, touch_solved
from resilver_server.storage.content import find_content, put_content, take_unused
from resilver_server.storage.database import Database
from resilver_server.storage.rows import (
    ChunkRow,
    ContentRow,
    EventRow,
    FitRow,
    JobHead,
    JobRow,
    ShotRow,
    fetch,
    insert,
    update,
)

from .records import EventKind, Shortage, ShotPhase
from .requests import StoredRequest
from .signals import Signals

T = TypeVar("T")

ANALYSE, RENDER = "analyse", "render"
STORED = "already in the store"
"""What the event of a chunk says that this job did not render."""
_IN_TURN = "ORDER BY priority DESC, id"
UNDER_WAY = (JobState.QUEUED, JobState.ANALYSING, JobState.RENDERING, JobState.JOINING)


@dataclass(frozen=True)
class ShotFacts:
    row: ShotRow
    chunks: int
    chunks_done: int
    rendered: tuple[Span, ...]
    """Output frames of the chunks that this job rendered, merged."""
    chunks_stored: int
    """Chunks that are done and were rendered before it."""


class Ledger:
    """The jobs of one database. Methods raise JobNotFound where they name a job that is not there."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self.loosened = asyncio.Event()
        """Set when content came into the store, or may go from it."""

    async def _write(self, job: str, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._database.call(work, lambda: self._signals.notify(job))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What ``work`` finds; it changes nothing."""
        return await self._database.call(work)

    async def by_request(self, request_id: str) -> JobHead | None:
        rows = await self._database.call(lambda c: fetch(c, JobHead, "WHERE request_id = ?", request_id))
        return rows[0] if rows else None

    async def add(
        self, job: JobRow, shots: Sequence[ShotRow], chunks: Sequence[ChunkRow], fits: Sequence[FitRow] = ()
    ) -> None:
        """A planned job, queued. Raises sqlite3.IntegrityError where the request id is known."""

        def work(connection: sqlite3.Connection) -> None:
            for row in (job, *shots, *chunks):
                insert(connection, row)
            for fit in fits:
                insert(connection, fit, or_replace=True)
            for shot in shots:
                touch_solved(connection, shot.state_key, job.created)
            append(connection, job.id, EventKind.STATE, message=f"queued {len(shots)} shots")

        await self._write(job.id, work)

    async def job(self, job: str) -> JobHead:
        return await self._database.call(lambda c: one_job(c, job))

    async def result(self, job: str) -> str | None:
        """JSON of the result of a job that has succeeded."""
        await self.job(job)
        row = await self._database.call(lambda c: c.execute("SELECT result FROM job WHERE id = ?", (job,)).fetchone())
        return row[0] if row else None

    async def facts(self, job: str) -> list[ShotFacts]:
        """The shots with what other tables know of them."""
        return await self._database.call(lambda c: [shot_facts(c, shot) for shot in shots_of(c, job)])

    async def facts_of(self, jobs: Sequence[str]) -> list[list[ShotFacts]]:
        """The same of several jobs, in one turn: a page of them does not wait for the disk behind each."""
        return await self._database.call(lambda c: [[shot_facts(c, shot) for shot in shots_of(c, job)] for job in jobs])

    async def rendered(self, shot: ShotRow) -> list[Span]:
        """Output frames of each chunk that this job rendered."""
        return await self._database.call(lambda c: rendered_spans(c, shot))

    async def shots(self, job: str) -> list[ShotRow]:
        return await self._database.call(lambda c: shots_of(c, job))

    async def shot(self, job: str, number: int) -> ShotRow:
        return next(row for row in await self.shots(job) if row.number == number)

    async def chunks(self, job: str, shot: int, kind: str) -> list[ChunkRow]:
        return await self._database.call(
            lambda c: fetch(c, ChunkRow, "WHERE job = ? AND shot = ? AND kind = ? ORDER BY number", job, shot, kind)
        )

    async def page(self, size: int, token: str, states: Sequence[JobState]) -> list[JobHead]:
        """Up to ``size`` jobs older than the one that ``token`` names, newest first."""

        def work(connection: sqlite3.Connection) -> list[JobHead]:
            if token and not fetch(connection, JobHead, "WHERE id = ?", token):
                raise InvalidRequest("not a page token", where=token, remedy="start again at the first page")
            marks = ", ".join("?" * len(states))
            chosen = f"AND state IN ({marks})" if states else ""
            tail = f"WHERE (? = '' OR id < ?) {chosen} ORDER BY id DESC LIMIT ?"
            return fetch(connection, JobHead, tail, token, token, *states, size)

        return await self._database.call(work)

    async def under_way(self) -> list[tuple[JobHead, bool]]:
        """Jobs that are to run in the order of their turns, and whether each is a preview."""

        def work(connection: sqlite3.Connection) -> list[tuple[JobHead, bool]]:
            marks = ", ".join("?" * len(UNDER_WAY))
            heads = fetch(connection, JobHead, f"WHERE state IN ({marks}) {_IN_TURN}", *UNDER_WAY)
            query = f"SELECT id FROM job WHERE state IN ({marks}) AND json_extract(request, '$.preview_frames') > 0"
            previews = {row[0] for row in connection.execute(query, UNDER_WAY)}
            return [(head, head.id in previews) for head in heads]

        return await self._database.call(work)

    async def unfinished(self) -> int:
        """Jobs that have not ended."""
        states = tuple(state for state in JobState if not state.ended)
        query = f"SELECT count(*) FROM job WHERE state IN ({', '.join('?' * len(states))})"
        return int((await self._database.call(lambda c: c.execute(query, states).fetchone()))[0])

    async def waiting(self) -> list[tuple[str, Shortage]]:
        """Jobs that wait for room on a disk, and for which."""
        rows = await self._database.call(lambda c: fetch(c, JobHead, "WHERE state = ?", JobState.WAITING))
        return [(row.id, loads(Shortage, row.waiting)) for row in rows if row.waiting]

    async def positions(self) -> dict[str, int]:
        """Of the jobs that wait for their turn, from 1."""
        query = f"SELECT id FROM job WHERE state = ? {_IN_TURN}"
        ids = await self._database.call(lambda c: c.execute(query, (JobState.QUEUED,)).fetchall())
        return {row[0]: number for number, row in enumerate(ids, 1)}

    async def set_priority(self, job: str, priority: int) -> None:
        """Raises JobStateConflict where the job has ended."""

        def work(connection: sqlite3.Connection) -> None:
            state = JobState(one_job(connection, job).state)
            if state.ended:
                raise JobStateConflict(f"the job is {state}, it takes no turn any more", where=job)
            update(connection, JobRow, "id = ?", (job,), priority=priority)
            append(connection, job, EventKind.STATE, message=f"its priority is {priority}")

        await self._write(job, work)

    async def request(self, job: str) -> str:
        """JSON of what was asked for."""
        await self.job(job)
        return await self._database.call(lambda c: fetch(c, JobRow, "WHERE id = ?", job)[0].request)

    async def requests(self) -> list[StoredRequest]:
        """Of every job."""
        query = "SELECT request_id, CASE WHEN ended IS NULL THEN request ELSE '' END FROM job"
        return await self._database.call(lambda c: [StoredRequest(*row) for row in c.execute(query)])

    async def outputs_under_way(self) -> set[str]:
        """Results that unfinished jobs are going to write."""
        query = "SELECT output FROM shot JOIN job ON job.id = shot.job WHERE job.ended IS NULL"
        return await self._database.call(lambda c: {row[0] for row in c.execute(query)})

    async def events(self, job: str, after: int, most: int = 500) -> list[EventRow]:
        def work(connection: sqlite3.Connection) -> list[EventRow]:
            one_job(connection, job)
            tail = "WHERE job = ? AND sequence > ? ORDER BY sequence LIMIT ?"
            return fetch(connection, EventRow, tail, job, after, most)

        return await self._database.call(work)

    async def move(
        self,
        job: str,
        state: JobState,
        allowed: Collection[JobState],
        failure: Failure | None = None,
        result: str = "",
        waiting: Shortage | None = None,
        message: str = "",
    ) -> bool:
        """Bring the job to ``state``, with the event. False, and nothing changed, where it is there already.

        Raises JobStateConflict where it is in a state that is not ``allowed``.
        """

        def work(connection: sqlite3.Connection) -> bool:
            now = JobState(one_job(connection, job).state)
            if now is state:
                return False
            if now not in allowed:
                raise JobStateConflict(f"the job is {now}, so it cannot become {state}", where=job)
            ended = time.time() if state.ended else None
            text, lack = canonical(failure) if failure else None, canonical(waiting) if waiting else None
            changes = {"state": state, "ended": ended, "failure": text, "waiting": lack, "result": result or None}
            update(connection, JobRow, "id = ?", (job,), **changes)
            if state in (JobState.ANALYSING, JobState.RENDERING):
                connection.execute("UPDATE job SET started = coalesce(started, ?) WHERE id = ?", (time.time(), job))
            append(connection, job, EventKind.STATE, message=message, failure=failure)
            return True

        moved = await self._write(job, work)
        self.loosened.set()
        return moved

    async def tell(self, job: str, kind: EventKind, shot: int, message: str, failure: Failure | None = None) -> None:
        await self._write(job, lambda c: append(c, job, kind, shot=shot, message=message, failure=failure))

    async def begin_chunk(self, chunk: ChunkRow) -> int:
        """The number of the attempt that begins now. ``chunk`` may be older than the last one."""

        def work(connection: sqlite3.Connection) -> int:
            where = "WHERE job = ? AND shot = ? AND kind = ? AND number = ?"
            now = fetch(connection, ChunkRow, where, chunk.job, chunk.shot, chunk.kind, chunk.number)[0]
            set_chunk(connection, chunk, state=ChunkState.RUNNING, attempts=now.attempts + 1)
            return now.attempts + 1

        return await self._database.call(work)

    async def finish_chunk(self, chunk: ChunkRow, *contents: ContentRow) -> None:
        """The chunk is done; without ``contents`` all of it was in the store already."""

        def work(connection: sqlite3.Connection) -> None:
            for content in contents:
                put_content(connection, content)
            touch(connection, [] if contents else [chunk.key], time.time())
            set_chunk(connection, chunk, state=ChunkState.DONE)
            if chunk.kind == RENDER:
                message = "" if contents else STORED
                append(connection, chunk.job, EventKind.CHUNK, chunk.shot, chunk.number, message)

        await self._write(chunk.job, work)
        if contents:
            self.loosened.set()

    async def reopen_chunk(self, chunk: ChunkRow) -> None:
        """Its content is gone: it has to be made again."""
        await self._database.call(lambda c: set_chunk(c, chunk, state=ChunkState.PENDING))

    async def set_solved(self, shot: ShotRow, content: ContentRow | None, solved: SolveResult) -> None:
        """The shot's render chunks, in place of any from an earlier plan; those with the same key stay done."""

        def work(connection: sqlite3.Connection) -> None:
            if content is not None:
                put_content(connection, content)
            touch(connection, [shot.state_key], time.time())
            keys = (shot.job, shot.number, RENDER)
            before = fetch(connection, ChunkRow, "WHERE job = ? AND shot = ? AND kind = ?", *keys)
            connection.execute("DELETE FROM chunk WHERE job = ? AND shot = ? AND kind = ?", keys)
            for row in render_rows(shot, solved, before):
                insert(connection, row)
            set_shot(connection, shot, phase=ShotPhase.RENDERING, findings=canonical(solved.findings))
            append(connection, shot.job, EventKind.SHOT, shot.number, message=f"{len(solved.chunks)} chunks")

        await self._write(shot.job, work)

    async def set_plan(self, shot: ShotRow, plan: ShotPlan, key: str, fit: str) -> None:
        """Smaller tiles or batches for what is unfinished, and the learned bound for the jobs to come."""

        def work(connection: sqlite3.Connection) -> None:
            set_shot(connection, shot, plan=canonical(plan), state_key=key, phase=ShotPhase.ANALYSING)
            bound = FitRow(fit, plan.numerics.tile, plan.numerics.batch, time.time())
            insert(connection, bound, or_replace=True)
            message = f"memory did not suffice: tile {plan.numerics.tile}, batch {plan.numerics.batch} from here on"
            append(connection, shot.job, EventKind.SHRUNK, shot.number, message=message)

        await self._write(shot.job, work)

    async def given_up(self) -> list[ShotRow]:
        """Shots without a result of jobs that failed or were cancelled."""
        tail = "WHERE phase <> 'done' AND job IN (SELECT id FROM job WHERE state IN (?, ?))"
        return await self._database.call(lambda c: fetch(c, ShotRow, tail, JobState.FAILED, JobState.CANCELLED))

    async def set_stamp(self, shot: ShotRow, stamp: str) -> None:
        """The media has other dates, and the content it had."""
        await self._database.call(lambda c: set_shot(c, shot, stamp=stamp))

    async def content(self, key: str) -> ContentRow | None:
        return await self._database.call(lambda c: find_content(c, key))

    async def fit(self, key: str) -> FitRow | None:
        rows = await self._database.call(lambda c: fetch(c, FitRow, "WHERE key = ?", key))
        return rows[0] if rows else None

    async def set_phase(self, shot: ShotRow, phase: ShotPhase, result: str | None = None) -> None:
        """Another phase, with the event; ``result`` is kept where none is given."""

        def work(connection: sqlite3.Connection) -> None:
            set_shot(connection, shot, phase=phase)
            if result is not None:
                set_shot(connection, shot, result=result)
            append(connection, shot.job, EventKind.SHOT, shot.number, message=str(phase))

        await self._write(shot.job, work)
        self.loosened.set()

    async def delete(self, job: str, allowed: Collection[JobState]) -> list[ContentRow]:
        """Forget the job; the rows of content that nobody needs any more. Raises JobStateConflict."""

        def work(connection: sqlite3.Connection) -> list[ContentRow]:
            state = JobState(one_job(connection, job).state)
            if state not in allowed:
                raise JobStateConflict(f"the job is {state}", where=job, remedy="cancel or pause it first")
            query = "SELECT key FROM chunk WHERE job = ? UNION SELECT state_key FROM shot WHERE job = ?"
            keys = {row[0] for row in connection.execute(query, (job, job))}
            connection.execute("DELETE FROM job WHERE id = ?", (job,))
            return take_unused(connection, keys)

        return await self._write(job, work)


def one_job(connection: sqlite3.Connection, job: str) -> JobHead:
    rows = fetch(connection, JobHead, "WHERE id = ?", job)
    if not rows:
        raise JobNotFound("there is no such job", where=job)
    return rows[0]


def shots_of(connection: sqlite3.Connection, job: str) -> list[ShotRow]:
    return fetch(connection, ShotRow, "WHERE job = ? ORDER BY number", job)


def shot_facts(connection: sqlite3.Connection, shot: ShotRow) -> ShotFacts:
    counts = (
        "SELECT count(*), count(*) FILTER (WHERE state = 'done') FROM chunk WHERE job = ? AND shot = ? AND kind = ?"
    )
    chunks, done = connection.execute(counts, (shot.job, shot.number, RENDER)).fetchone()
    rendered = rendered_spans(connection, shot)
    return ShotFacts(shot, chunks, done, merged(rendered), done - len(rendered))


def rendered_spans(connection: sqlite3.Connection, shot: ShotRow) -> list[Span]:
    """Output frames of each chunk that is done and was rendered by this very job, as its events tell."""
    query = """SELECT json_extract(plan, '$.outputs.start'), json_extract(plan, '$.outputs.stop') FROM chunk
        WHERE job = :job AND shot = :shot AND kind = :render AND state = 'done' AND number IN
            (SELECT chunk FROM event WHERE job = :job AND shot = :shot AND kind = 'chunk' AND message <> :stored)"""
    names = {"job": shot.job, "shot": shot.number, "render": RENDER, "stored": STORED}
    return [Span(start, stop) for start, stop in connection.execute(query, names)]


def set_shot(connection: sqlite3.Connection, shot: ShotRow, **changes: object) -> None:
    update(connection, ShotRow, "job = ? AND number = ?", (shot.job, shot.number), **changes)


def set_chunk(connection: sqlite3.Connection, chunk: ChunkRow, **changes: object) -> None:
    where = "job = ? AND shot = ? AND kind = ? AND number = ?"
    update(connection, ChunkRow, where, (chunk.job, chunk.shot, chunk.kind, chunk.number), **changes)


def append(
    connection: sqlite3.Connection,
    job: str,
    kind: EventKind,
    shot: int | None = None,
    chunk: int | None = None,
    message: str = "",
    failure: Failure | None = None,
) -> None:
    """The job's next event, in the transaction of what it tells."""
    connection.execute("UPDATE job SET sequence = sequence + 1 WHERE id = ?", (job,))
    row = one_job(connection, job)
    text = canonical(failure) if failure else None
    insert(connection, EventRow(job, row.sequence, time.time(), kind, row.state, shot, chunk, message, text))


def render_rows(shot: ShotRow, solved: SolveResult, before: Sequence[ChunkRow]) -> list[ChunkRow]:
    """After an out-of-memory a finished chunk keeps its old key and segment; only the others take the new plan's."""
    done = {row.number: row for row in before if row.state == ChunkState.DONE}
    attempts = {row.number: row.attempts for row in before}
    rows = []
    for chunk in solved.chunks:
        same = done.get(chunk.index)
        if same is not None and loads(ChunkPlan, same.plan).outputs == chunk.outputs:
            rows.append(same)
            continue
        tries = attempts.get(chunk.index, 0)
        plan = canonical(chunk)
        rows.append(ChunkRow(shot.job, shot.number, RENDER, chunk.index, chunk.key, plan, ChunkState.PENDING, tries))
    return rows
