"""Publications from Resolve with a real server: every layout, what is refused before a frame is rendered, and what is
taken back the next day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction as F
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from davinci.linked import Heard, Link, doubled
from davinci.resolve_double import Double, Item, Lying, Profile, profile
from resilver.v1 import jobs_pb2, types_pb2
from resilver_bridge.host import KeptJob
from resilver_client.client import Client
from resilver_client.errors import ClipUnsupported, FrameCountMismatch, HostFailed, InvalidRate, SelectionEmpty
from resilver_client.values import settings
from resilver_publish.publication import Publication
from resilver_publish.types import Layout, Occupied, Order, Outcome
from support.jobs import film
from support.serving import server_process

NEWEST, OLDEST = profile("21.1.0 Studio"), profile("18.6.6 Studio")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with server_process(tmp_path_factory.mktemp("home")) as server, server.client() as found:
        yield found


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("media") / "reel é.mkv", 100, 32, 32)


class Bench:
    """An edit, the bridge on it, and a server."""

    def __init__(self, client: Client, reel: Path, folder: Path, rate: str = "24", version: Profile = NEWEST) -> None:
        self.client, self.folder = client, folder
        self.double: Double = doubled(version, rate)
        self.media = self.double.media(str(reel), frames=100, fps=24.0, type="Video + Audio")
        self.link = Link(self.double, folder / "kept")
        self.heard = Heard()

    def lay(self, start: int, duration: int, source_in: int | F = 0, **more: Any) -> Item:
        return self.double.lay(self.media, start=start, duration=duration, source_in=source_in, **more)

    def publish(self, items: Sequence[Item], layout: Layout, to: str | None = "60", **changes: Any) -> Outcome:
        read = self.link.resolve.read()
        session = self.link.resolve.session(read, [item.id for item in items], self.client, self.heard.listener())
        return Publication(session, self.client, self.order(layout, to, **changes)).run()

    def order(self, layout: Layout, to: str | None, tail: int = 1, **changes: Any) -> Order:
        stage = settings("upscale", {"model": "none", "scale": 2.0})
        if to is not None:
            stage = settings("interpolate", {"model": "blend", "rate": to})
        delivery = types_pb2.Delivery(profile="ffv1", tail_frames=0 if layout is Layout.NEW_TIMELINE else tail)
        order = Order(types_pb2.Recipe(stages=[stage], delivery=delivery), str(self.folder / "out"), "Reel 1", layout)
        return replace(order, **changes)

    def restored(self) -> list[Lying]:
        return [each for each in self.double.lying() if "/out/" in each.path]

    def kept(self) -> KeptJob:
        return self.link.resolve.kept()[0]

    def take_back(self) -> Sequence[str]:
        return self.link.resolve.take_back(self.kept())


@pytest.fixture
def bench(client: Client, reel: Path, tmp_path: Path) -> Bench:
    return Bench(client, reel, tmp_path)


def fine(outcome: Outcome) -> Outcome:
    assert not outcome.problems, outcome.problems
    assert outcome.placements
    return outcome


@pytest.mark.parametrize("rate", ["23.976", "24", "25", "29.97", "50", "60"])
def test_over_the_originals_to_the_frame(client: Client, reel: Path, tmp_path: Path, rate: str) -> None:
    """60 a second under every timeline's rate: lengths that are odd, a retime, a reversed clip, a dissolve."""
    bench = Bench(client, reel, tmp_path, rate)
    laid = [
        bench.lay(0, 11, 3, name="one"),
        bench.lay(11, 7, 40, name="two"),
        bench.lay(18, 9, 50, name="fast", speed=F(2)),
        bench.lay(30, 13, 70, name="back", speed=F(-1)),
    ]
    bench.double.lay_transition(laid[0], laid[1], 2, 2)
    before = bench.double.lying()
    fine(bench.publish(laid, Layout.OVERLAY))
    tl = bench.double.timeline.rate
    found = bench.restored()
    assert [(each.track, each.start - 0) for each in found] == [
        (2, bench.double.timeline.start + item.start) for item in laid
    ]
    assert [each.duration for each in found] == [item.duration for item in laid]
    heads = [F(0), F(2) / tl, F(0), F(0)]
    assert [each.source_in for each in found] == [ceil(head * 60) for head in heads]
    assert [each for each in bench.double.lying() if each not in found] == before
    assert any('"Cross Dissolve" (2 + 2 frames)' in said for said in bench.heard.reports)
    assert bench.take_back() == []
    assert bench.double.lying() == before
    assert len(bench.double.timeline.tracks["video"]) == 1


def test_replaced_and_taken_back_the_next_day(bench: Bench) -> None:
    """Meanwhile the artist has put a track in below, so that the indices of that day are no longer true."""
    item = bench.lay(10, 12)
    before = bench.double.lying()
    fine(bench.publish([item], Layout.REPLACE))
    assert not item.enabled
    bench.double.save_and_reopen()
    bench.link.restart()
    title = bench.double.lay_title("note", track=3, start=500)
    tracks = bench.double.timeline.tracks["video"]
    tracks.insert(0, tracks.pop(2))
    assert [each.track for each in bench.restored()] == [3]
    assert bench.take_back() == []
    assert [each._replace(track=1) for each in bench.double.lying() if each.id != title.id] == before
    assert len(bench.double.timeline.tracks["video"]) == 2
    assert not bench.kept().placed


def test_a_track_on_which_the_artist_has_laid_something_stays(bench: Bench) -> None:
    item = bench.lay(10, 12)
    fine(bench.publish([item], Layout.OVERLAY))
    bench.double.lay_title("note", track=2, start=100)
    assert bench.take_back() == []
    assert [each.name for each in bench.double.lying()] == ["reel é.mkv", "note"]


def test_what_the_artist_has_removed_is_no_fault(bench: Bench) -> None:
    items = [bench.lay(10, 12), bench.lay(30, 5)]
    fine(bench.publish(items, Layout.OVERLAY))
    track = bench.double.timeline.tracks["video"][1]
    track.items.pop(0)
    bench.double.keep()
    assert bench.take_back() == ["1 of the restored clips had been removed already"]
    assert len(bench.double.lying()) == 2


def test_a_clip_that_was_moved_is_followed(bench: Bench) -> None:
    item = bench.lay(10, 12, 5)
    read = bench.link.resolve.read()
    session = bench.link.resolve.session(read, [item.id], bench.client, bench.heard.listener())
    publication = Publication(session, bench.client, bench.order(Layout.OVERLAY, "60"))
    moved = bench.double.timeline.tracks["video"][0].items[0]
    moved.start = 200
    bench.double.keep()
    fine(publication.run())
    (found,) = bench.restored()
    assert found.start - bench.double.timeline.start == 200


@pytest.mark.parametrize(
    ("change", "version"), [("trim", NEWEST), ("slip", NEWEST), ("speed", NEWEST), ("trim", OLDEST), ("slip", OLDEST)]
)
def test_a_clip_that_shows_other_frames_now_is_refused(
    client: Client, reel: Path, tmp_path: Path, change: str, version: Profile
) -> None:
    bench = Bench(client, reel, tmp_path, version=version)
    item = bench.lay(10, 12, 5, name="one")
    read = bench.link.resolve.read()
    session = bench.link.resolve.session(read, [item.id], bench.client, bench.heard.listener())
    (lying,) = bench.double.timeline.tracks["video"][0].items
    if change == "trim":
        lying.duration, lying.source_frames = 10, F(10)
    elif change == "slip":
        lying.source_in = F(9)
    else:
        lying.speed, lying.source_frames = F(2), F(24)
    bench.double.keep()
    outcome = Publication(session, bench.client, bench.order(Layout.OVERLAY, "60")).run()
    (problem,) = outcome.problems
    assert isinstance(problem.error, ClipUnsupported)
    assert problem.error.where == "one"
    assert "out/" in problem.error.remedy
    assert not bench.restored()


def test_a_job_waits_until_its_timeline_is_looked_at_whatever_is_open(bench: Bench) -> None:
    item = bench.lay(10, 12)
    home = bench.double.timeline
    read = bench.link.resolve.read()
    session = bench.link.resolve.session(read, [item.id], bench.client, bench.heard.listener())
    bench.double.open_timeline("another", rate="25")
    fine(Publication(session, bench.client, bench.order(Layout.OVERLAY, "60")).run())
    assert bench.double.timeline.name == "another"
    assert [each.track for each in bench.double.lying(home) if "/out/" in each.path] == [2]


def test_taken_up_the_next_day(bench: Bench) -> None:
    items = [bench.lay(10, 12, name="a"), bench.lay(22, 7, 60, name="b")]
    bench.double.lay_title("in the way", track=2, start=20)
    outcome = bench.publish(items, Layout.OVERLAY)
    assert [problem.error.reason for problem in outcome.problems] == ["TARGET_OCCUPIED", "TARGET_OCCUPIED"]
    title = bench.double.timeline.tracks["video"][1].items.pop()
    bench.double.keep()
    read = bench.link.resolve.read()
    session = bench.link.resolve.session(read, [item.id for item in items], bench.client, bench.heard.listener())
    publication = Publication(session, bench.client, bench.order(Layout.OVERLAY, "60"))
    bench.double.timeline.tracks["video"][1].put(title)
    bench.double.keep()
    (problem,) = publication.run().problems
    assert problem.error.where == "a"
    bench.double.save_and_reopen()
    bench.link.restart()
    job = bench.kept()
    assert (job.placed, job.timeline, job.project) == ((), "Edit", "Project")
    taken_up = bench.link.resolve.take_up(job, bench.client, bench.heard.listener())
    remembered = replace(job.remembered, occupied=Occupied.ABOVE)
    fine(Publication(taken_up, bench.client).resume(remembered))
    assert [(each.track, each.duration) for each in bench.restored()] == [(3, 12), (3, 7)]


def test_jobs_are_listed_and_placed_where_no_timeline_is_open(bench: Bench) -> None:
    item = bench.lay(10, 12)
    read = bench.link.resolve.read()
    session = bench.link.resolve.session(read, [item.id], bench.client, bench.heard.listener())
    title = bench.double.lay_title("in the way", track=2, start=10)
    publication = Publication(session, bench.client, bench.order(Layout.OVERLAY, "60"))
    assert [problem.error.reason for problem in publication.run().problems] == ["TARGET_OCCUPIED"]
    bench.double.timeline.tracks["video"][1].items.remove(title)
    home, bench.double.project.current_timeline = bench.double.timeline, ""
    job = bench.kept()
    taken_up = bench.link.resolve.take_up(job, bench.client, bench.heard.listener())
    fine(Publication(taken_up, bench.client).resume(job.remembered))
    assert [each.track for each in bench.double.lying(home) if "/out/" in each.path] == [2]
    bench.double.close_project()
    with pytest.raises(SelectionEmpty, match="no project is open"):
        bench.link.resolve.kept()


class TestTakes:
    def test_a_take_stands_in_for_its_original(self, bench: Bench) -> None:
        item = bench.lay(10, 12, 5)
        before = bench.double.lying()
        fine(bench.publish([item], Layout.TAKE, to=None))
        (now,) = bench.double.lying()
        assert "/out/" in now.path
        assert (now.id, now.start, now.duration, now.takes) == (item.id, before[0].start, 12, 2)
        assert (now.source_in, now.source_frames) == (0, 12)
        bench.take_back()
        assert bench.double.lying() == before

    def test_the_older_of_two_jobs_is_taken_back_and_the_newer_take_stays(self, bench: Bench) -> None:
        item = bench.lay(10, 12, 5)
        before = bench.double.lying()
        fine(bench.publish([item], Layout.TAKE, to=None))
        older = bench.kept()
        fine(bench.publish([item], Layout.TAKE, to=None))
        (both,) = bench.double.lying()
        assert both.takes == 3
        assert bench.link.resolve.take_back(older) == []
        (now,) = bench.double.lying()
        assert (now.takes, now.path) == (2, both.path)
        assert bench.take_back() == []
        assert bench.double.lying() == before

    def test_another_rate_is_refused_before_a_frame_is_rendered(self, bench: Bench) -> None:
        item = bench.lay(10, 12, 5, name="one")
        outcome = bench.publish([item], Layout.TAKE, to="60")
        (problem,) = outcome.problems
        assert isinstance(problem.error, ClipUnsupported)
        assert "frame rate (24), the result has 60" in problem.error.what
        self.withdrawn(bench, outcome)

    def test_a_retimed_clip_is_refused_before_a_frame_is_rendered(self, bench: Bench) -> None:
        item = bench.lay(10, 12, 5, speed=F(2), name="one")
        outcome = bench.publish([item], Layout.TAKE, to=None)
        assert "200 %" in outcome.problems[0].error.what
        self.withdrawn(bench, outcome)

    def withdrawn(self, bench: Bench, outcome: Outcome) -> None:
        for _ in bench.client.watch(bench.client.list().jobs[0].id):
            pass
        job = bench.client.list().jobs[0]
        assert job.state == jobs_pb2.JOB_STATE_CANCELLED
        assert not list((bench.folder / "out").glob("*.mkv"))
        assert not bench.link.resolve.kept()


class TestNewTimeline:
    def test_every_cut_on_the_grid_of_the_delivery(self, bench: Bench) -> None:
        """24 in 60: cuts at 10, 21 and 28 are 25, 52.5 -> 53 and 70; frames before the dissolve's 4 at 24 are left out:
        the second file begins at 17/24 s = 42.5 -> 43, the cut is 53, so it starts with frame 10."""
        one, two = bench.lay(10, 11, 20, name="one", audio=True), bench.lay(21, 7, 50, name="two", audio=True)
        bench.double.lay_transition(one, two, 4, 4)
        bench.lay(40, 10, name="not restored")
        bench.double.lay_audio(bench.media, track=2, start=0, duration=24, speed=F(1, 2))
        before = bench.double.lying()
        outcome = fine(bench.publish([one, two], Layout.NEW_TIMELINE))
        _, made = bench.double.project.timelines
        assert made.name == "Edit 32x32@60"
        assert (str(made.rate), made.start_timecode, made.start) == ("60", "01:00:00:00", 216000)
        lying = bench.double.lying(made)
        video = [(each.start - 216000, each.duration, each.source_in) for each in lying if "/out/" in each.path]
        assert video == [(25, 28, 0), (53, 17, 10)]
        sound = [(each.start - 216000, each.duration, each.source_in) for each in lying if each.kind == "audio"]
        assert sound == [(25, 27, 20), (53, 17, 50)]
        said = " ".join(bench.heard.reports)
        assert "audio track 2) is not in the new timeline: it is retimed" in said
        assert "not restored: not restored" in said
        assert '"Cross Dissolve" (4 + 4 frames)' in said
        assert "a piece of sound ends up to one of its own frames earlier" in said
        assert bench.double.lying() == before
        assert all("Edit 32x32@60" in each.where for each in outcome.placements)
        assert "left as it is" in bench.take_back()[0]
        assert bench.double.lying(made) == lying

    def test_a_clip_that_was_moved_is_refused(self, bench: Bench) -> None:
        """Its frames lie on the grid of its old cuts."""
        item = bench.lay(10, 11, name="one")
        read = bench.link.resolve.read()
        session = bench.link.resolve.session(read, [item.id], bench.client, bench.heard.listener())
        bench.double.timeline.tracks["video"][0].items[0].start = 11
        bench.double.keep()
        outcome = Publication(session, bench.client, bench.order(Layout.NEW_TIMELINE, "60")).run()
        assert "moved" in outcome.problems[0].error.what
        assert len(bench.double.project.timelines) == 1

    def test_a_rate_that_no_timeline_has_is_refused_before_a_frame_is_rendered(self, bench: Bench) -> None:
        outcome = bench.publish([bench.lay(0, 10)], Layout.NEW_TIMELINE, to="90")
        assert isinstance(outcome.problems[0].error, InvalidRate)


def test_a_slower_file_is_refused_before_a_frame_is_rendered(client: Client, reel: Path, tmp_path: Path) -> None:
    bench = Bench(client, reel, tmp_path, "60")
    outcome = bench.publish([bench.lay(0, 13)], Layout.OVERLAY, to=None)
    assert isinstance(outcome.problems[0].error, InvalidRate)
    assert not bench.link.resolve.kept()


def test_a_missing_spare_frame_is_told_before_a_frame_is_rendered(client: Client, reel: Path, tmp_path: Path) -> None:
    """25 in 24: a dissolve of 1 frame before the cut, head 1/25 s = 2.4 frames of 60: frame 3 on, and 11 frames need
    ceil(26.4) = 27, to 30. The server makes ceil((1 + 11) * 2.4) = 29 without a spare one."""
    bench = Bench(client, reel, tmp_path, "25")
    one, two = bench.lay(0, 10, 10), bench.lay(10, 11, 50)
    bench.double.lay_transition(one, two, 1, 0)
    outcome = bench.publish([two], Layout.OVERLAY, tail=0)
    assert isinstance(outcome.problems[0].error, FrameCountMismatch)
    fine(bench.publish([two], Layout.OVERLAY, tail=1))
    (found,) = bench.restored()
    assert (found.source_in, found.duration) == (3, 11)


def test_as_a_file_for_import_by_hand(client: Client, reel: Path, tmp_path: Path) -> None:
    bench = Bench(client, reel, tmp_path, version=profile("20.3.1 Free"))
    item = bench.lay(10, 12)
    before = bench.double.lying()
    outcome = fine(bench.publish([item], Layout.FILE))
    (file,) = (bench.folder / "out").glob("*.otio")
    assert outcome.placements[0].where == f"the file {file}"
    assert any(str(file) in said for said in bench.heard.reports)
    assert bench.double.lying() == before
    made = bench.double.import_otio(file.read_text("utf-8"))
    assert made is not None
    assert [(each.track, each.duration) for each in bench.double.lying(made) if "/out/" in each.path] == [(2, 12)]


def test_a_damaged_job_is_named_in_the_console(bench: Bench) -> None:
    fine(bench.publish([bench.lay(10, 12)], Layout.OVERLAY))
    (file,) = (bench.folder / "kept").rglob("*.json")
    file.with_name("broken.json").write_text("{")
    assert len(bench.link.resolve.kept()) == 1
    bench.link.resolve.read()
    assert any("broken.json" in said for said in bench.link.said)


def test_forgetting_leaves_what_lies(bench: Bench) -> None:
    fine(bench.publish([bench.lay(10, 12)], Layout.OVERLAY))
    bench.link.resolve.forget(bench.kept())
    assert not bench.link.resolve.kept()
    assert len(bench.restored()) == 1


def test_room_and_older_versions(client: Client, reel: Path, tmp_path: Path) -> None:
    bench = Bench(client, reel, tmp_path, version=OLDEST)
    item = bench.lay(10, 12)
    bench.double.lay_title("in the way", track=2, start=10)
    outcome = bench.publish([item], Layout.OVERLAY, occupied=Occupied.MAKE_ROOM)
    (problem,) = outcome.problems
    assert isinstance(problem.error, HostFailed)
    assert "19.0" in problem.error.what
