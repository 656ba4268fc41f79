"""Where every frame of a job is, as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from resilver.v1 import jobs_pb2
from resilver_server.domain.spans import Span, format_frames, merged

_MEASURES, _RENDERS = jobs_pb2.CHUNK_KIND_ANALYSE, jobs_pb2.CHUNK_KIND_RENDER
_DONE = (jobs_pb2.CHUNK_STATE_MADE, jobs_pb2.CHUNK_STATE_STORED)
Row = tuple[str, str]
"""What is told of some frames, and which ones."""


def whereabouts(shot: jobs_pb2.Shot, chunks: Sequence[jobs_pb2.Chunk]) -> Iterator[Row]:
    """The frames of one shot: every output frame comes once, and where it was joined into a file once more."""
    measured = [chunk for chunk in chunks if chunk.kind == _MEASURES]
    rendered = [chunk for chunk in chunks if chunk.kind == _RENDERS]
    if measured:
        done = _frames(chunk for chunk in measured if chunk.state in _DONE)
        yield "measured", f"media frames {done or 'none'} of {_frames(measured)}"
        yield from _running(measured)
    stored = _frames(chunk for chunk in rendered if chunk.state == jobs_pb2.CHUNK_STATE_STORED)
    if stored:
        yield "stored before", stored
    made = _frames(chunk for chunk in rendered if chunk.state == jobs_pb2.CHUNK_STATE_MADE)
    if made:
        yield "rendered", made
    yield from _running(rendered)
    waiting = _frames(chunk for chunk in rendered if chunk.state == jobs_pb2.CHUNK_STATE_PENDING)
    if waiting:
        yield "waiting", waiting
    yield from _joined(rendered)
    if not rendered and shot.phase == jobs_pb2.SHOT_PHASE_DONE:
        yield "joined", f"into {shot.output}"


def _running(chunks: Iterable[jobs_pb2.Chunk]) -> Iterator[Row]:
    for chunk in chunks:
        if chunk.state == jobs_pb2.CHUNK_STATE_RUNNING:
            length = chunk.frames.stop - chunk.frames.start
            who = f"worker {chunk.worker}, attempt {chunk.attempts}, {chunk.done} of {length} done"
            yield "running", f"{_frames([chunk])}: {who}"


def _joined(chunks: Sequence[jobs_pb2.Chunk]) -> Iterator[Row]:
    for file in dict.fromkeys(chunk.file for chunk in chunks if chunk.file):
        yield "joined", f"{_frames(chunk for chunk in chunks if chunk.file == file)} into {file}"


def _frames(chunks: Iterable[jobs_pb2.Chunk]) -> str:
    """``0-47, 96-143``: first and last of each span."""
    return format_frames(merged(Span(chunk.frames.start, chunk.frames.stop) for chunk in chunks))
