"""Every failure that is known of Resolve (its scripting ledger), injected into a whole publication with a real server.

The user gets one plain message: what happened, where, what to do. What lies on the timeline after the project was
closed and opened again is as it was, or complete. Taken up again once the fault is mended, the job's clips are placed,
and no frame is rendered a second time.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from davinci.ledger_bench import Bench
from davinci.ledger_cases import CASES, NEWEST, Case
from davinci.resolve_double import PROFILES, Lying
from resilver_bridge import keeping
from resilver_client.client import Client
from resilver_client.errors import ResilverError
from resilver_davinci import importing
from resilver_davinci.main import find_resolve
from resilver_davinci.refused import Refused
from resilver_publish.types import Layout, Outcome
from support.jobs import film
from support.serving import server_process

NO_WORDS = re.compile(
    r"Traceback|NoneType|\bNone\b|\bTrue\b|\bFalse\b|\b\w+(Error|Exception)\b|\b[a-z]+_[a-z_]+\b|[a-z][A-Z]|0x|[{}\[\]]|<\w|\(\)|::"
)
"""What nobody who edits films has to read."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with server_process(tmp_path_factory.mktemp("home")) as server, server.client() as found:
        yield found


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("media") / "reel.mkv", 60, 32, 32)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "WAITS", (0.0, 0.0))


@pytest.mark.parametrize(
    ("case", "version"),
    [pytest.param(case, version, id=f"{case} ({version})") for case in CASES for version in case.versions],
)
def test_one_plain_message_and_nothing_half(
    client: Client, reel: Path, tmp_path: Path, case: Case, version: str
) -> None:
    bench = Bench(client, reel, tmp_path, version, case.layout)
    case.inject(bench)
    page = bench.double.page
    told, outcome = bench.publish()
    if not case.what:
        assert bench.double.page == page, "the page that was open is open again"
        assert not bench.double.faults.modal_open
    judge(bench, case, told, outcome)


def judge(bench: Bench, case: Case, told: Sequence[ResilverError], outcome: Outcome) -> None:
    """What was said, what lies there, and that what does not lie there does so in the end."""
    rendered = bench.rendered()
    if case.what:
        plain_message(bench, told, case)
        assert not outcome.placements
    else:
        assert not told
        assert outcome.placements
        assert bench.whole()
        notes(bench, case)
    bench.mend()
    as_it_was = without_title(bench.double.lying()) == without_title(bench.before)
    assert case.half or as_it_was or bench.whole()
    if case.what and not case.half:
        assert as_it_was
    elif not case.what and not case.note:
        assert bench.whole(), "and so it is once the project was opened again"
    if not case.submitted:
        assert not bench.link.resolve.kept()
        assert not rendered, "nothing was rendered in vain"
        return
    move_away(bench)
    again = bench.take_up()
    assert not again.problems, again.problems
    assert bench.whole()
    assert bench.rendered() == rendered, "nothing is rendered twice"
    assert len(bench.link.resolve.kept()) == 1


def notes(bench: Bench, case: Case) -> None:
    """What is said besides where all is placed."""
    said = bench.heard.reports
    if case.layout is Layout.NEW_TIMELINE:
        return  # it says what of the edit is not in it
    assert len(said) == (0 if not case.note else len(bench.items) if case.each else 1), said
    assert all(re.search(case.note, sentence) for sentence in said)


def plain_message(bench: Bench, told: Sequence[ResilverError], case: Case) -> None:
    assert len(told) == (len(bench.items) if case.each else 1), told
    for error in told:
        plain(bench, error, case)


def plain(bench: Bench, error: ResilverError, case: Case) -> None:
    assert re.search(case.what, error.what), error
    assert re.search(case.remedy, error.remedy), error
    if case.where is not None:
        assert case.where in error.where, error
    for words in (error.what, error.remedy):
        assert words
        without_paths = re.sub(re.escape(str(bench.folder)) + r"\S*", "", words)
        assert not NO_WORDS.search(without_paths), words


def without_title(lying: Sequence[Lying]) -> list[Lying]:
    return [each for each in lying if each.name != "In the way"]


def move_away(bench: Bench) -> None:
    """The person does what the message says: nothing is in the way any more, and nothing locked."""
    for track in bench.double.timeline.tracks["video"]:
        track.locked = False
        track.items = [item for item in track.items if item.name != "In the way"]
    bench.double.keep()


class TestAFullDisk:
    def test_a_job_that_cannot_be_kept_is_withdrawn(
        self, client: Client, reel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = Bench(client, reel, tmp_path, NEWEST, Layout.OVERLAY)
        full(bench, monkeypatch)
        told, _ = bench.publish()
        plain_message(bench, told, Case("", Bench.title, "the job cannot be kept", "free some space", "davinci-jobs"))
        bench.mend()
        assert bench.double.lying() == bench.before
        assert not bench.link.resolve.kept()
        assert not bench.publish()[0]
        assert bench.whole()

    def test_after_the_clips_are_placed_they_stay(
        self, client: Client, reel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench = Bench(client, reel, tmp_path, NEWEST, Layout.OVERLAY)
        bench.between(lambda: full(bench, monkeypatch))
        told, outcome = bench.publish()
        assert bench.whole()
        words = "the restored clips are placed, but that cannot be noted"
        judge(
            bench, Case("", Bench.title, words, "free some space, then place", "davinci-jobs", half=True), told, outcome
        )


def full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full on which jobs are kept."""

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(keeping.os, "fsync", refuse)
    bench.after.append(lambda: monkeypatch.setattr(keeping.os, "fsync", lambda _: None))


def test_where_python_menus_have_ended_the_way_over_files_is_named() -> None:
    """The free edition from 21.1 on: whoever starts the script all the same is told the way that is left."""
    ended = [each for each in PROFILES if not each.runs_python_menu]
    assert [each.name for each in ended] == ["21.1.0 Free"]
    with pytest.raises(Refused) as refused:
        find_resolve({"app": None})
    assert "DaVinci Resolve is not there" in refused.value.what
    assert "resilver restore edit.otio" in refused.value.remedy
