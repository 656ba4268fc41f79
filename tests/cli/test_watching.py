"""What a job's events look like, in a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from resilver.v1 import jobs_pb2
from resilver_server.cli.watching import JobDisplay, PlainDisplay, follow

RENDERING = jobs_pb2.SHOT_PHASE_RENDERING


def _event(done: int, phase: jobs_pb2.ShotPhase.ValueType = RENDERING, stage: str = "upscale") -> jobs_pb2.JobEvent:
    shot = jobs_pb2.ShotProgress(
        shot=0,
        name="Shot 4 [v2]",
        phase=phase,
        stage=stage,
        done=done,
        total=48,
        frames_per_second=1.5,
        seconds_left=75,
    )
    return jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_PROGRESS, progress=[shot])


def _console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=200, highlight=False)


def _text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_log_gets_a_line_when_the_phase_changes_and_every_ten_seconds() -> None:
    console, now = _console(False), [0.0]
    with PlainDisplay(console, lambda: now[0]) as display:
        display.show(_event(0, jobs_pb2.SHOT_PHASE_ANALYSING, "cadence, deflicker"))
        for second in range(21):
            now[0] = float(second)
            display.show(_event(second))
    assert _text(console).splitlines() == [
        "Shot 4 [v2]: analysing (cadence, deflicker), 0/48 frames, 1.50 frames/s, 1:15 left",
        "Shot 4 [v2]: rendering (upscale), 0/48 frames, 1.50 frames/s, 1:15 left",
        "Shot 4 [v2]: rendering (upscale), 10/48 frames, 1.50 frames/s, 1:15 left",
        "Shot 4 [v2]: rendering (upscale), 20/48 frames, 1.50 frames/s, 1:15 left",
    ]


def test_a_terminal_gets_a_bar_a_shot() -> None:
    console = _console(True)
    with JobDisplay(console) as display:
        display.show(_event(12))
        display.show(_event(24))
    last = _text(console).rpartition("Shot 4 [v2]: rendering (upscale)")[2]
    for fact in ("24/48", "1.50 frames/s", "1:15 left"):
        assert fact in last


def test_a_bar_ends_full_when_its_shot_is_spoken_of_no_more() -> None:
    console = _console(True)
    with JobDisplay(console) as display:
        display.show(_event(24))
        display.show(jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_PROGRESS))
    assert "48/48" in _text(console).rpartition("Shot 4 [v2]: done")[2]


def test_following_ends_with_the_job() -> None:
    ended = jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_STATE, state=jobs_pb2.JOB_STATE_SUCCEEDED)
    console = _console(False)
    assert follow([_event(1), ended, _event(2)], console) == ended
    assert "1/48" in _text(console)
    assert "2/48" not in _text(console)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_job_that_waits_for_room_says_so(terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120, highlight=False)
    said = "waiting for disk space: 0.3 GB free, 1.2 GB needed, /film"
    state = jobs_pb2.JOB_STATE_WAITING
    waits = jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_STATE, state=state, message=said)
    ends = jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_STATE, state=jobs_pb2.JOB_STATE_SUCCEEDED)
    assert follow([waits, ends], console) == ends
    assert said in console.file.getvalue()  # type: ignore[attr-defined]
