"""What happens between looking and placing, and after a placing that was broken off: the bridge, the script and the
double, with files that are there already."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from davinci.linked import Closed, Heard, Link, doubled, no_server
from davinci.resolve_double import Item, Lying, Profile, profile
from resilver_bridge.host import KeptJob
from resilver_bridge.keeping import Keeping
from resilver_bridge.session import ResolveSession
from resilver_bridge.turn import Turn
from resilver_client.errors import ClipUnsupported, HostFailed, ResilverError, TargetOccupied
from resilver_publish.types import Layout, Occupied, Remembered, RestoredClip
from support.jobs import film

NEWEST, OLDEST = profile("21.1.0 Studio"), profile("18.6.6 Studio")
BOTH = pytest.mark.parametrize("version", [NEWEST, OLDEST], ids=lambda version: version.name)
LENGTH = 60


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """By their rate."""
    folder = tmp_path_factory.mktemp("media")
    return {rate: film(folder / f"{rate}.mkv", 100, 32, 32, rate=rate) for rate in (24, 60)}


class Job:
    """Clips that were restored, or are about to be."""

    def __init__(self, bench: Bench, name: str, items: Sequence[Item], layout: Layout, occupied: Occupied) -> None:
        self.bench, self.name, self.layout, self.occupied = bench, name, layout, occupied
        rate = 24 if layout is Layout.TAKE else 60
        read = bench.link.resolve.read()
        clips = tuple(clip for clip in read.clips if clip.id in [item.id for item in items])
        self.restored = [
            RestoredClip(
                clip.id, clip.name, bench.file(f"{name} {clip.name}", rate), Fraction(rate), 100, 32, 32, name, ""
            )
            for clip in clips
        ]
        self.session = bench.session(read, [item.id for item in items])
        self.session.remember(Remembered(name, clips, {clip.id: "0/0" for clip in clips}, layout, occupied))

    def place(self) -> list[str]:
        return [each.where for each in self.session.place(self.restored, self.layout, self.occupied)]

    def take_up(self) -> list[str]:
        """The next day."""
        heard = self.bench.heard.listener()
        session = self.bench.link.resolve.take_up(self.kept(), no_server(), heard)
        return [each.where for each in session.place(self.restored, self.layout, self.occupied)]

    def kept(self) -> KeptJob:
        return next(job for job in self.bench.link.resolve.kept() if job.remembered.job == self.name)

    def take_back(self) -> list[str]:
        return list(self.bench.link.resolve.take_back(self.kept()))


class Bench:
    """Two clips of track 1, and one of track 2 over the second of them."""

    def __init__(self, films: dict[int, Path], folder: Path, version: Profile = NEWEST) -> None:
        self.films, self.folder = films, folder
        self.double = doubled(version)
        self.link = Link(self.double, folder / "home")
        self.heard = Heard()
        self.media = self.double.media(str(films[24]), frames=100, fps=24.0)
        self.one = self.double.lay(self.media, 1, 10, 12, 0, name="one")
        self.two = self.double.lay(self.media, 1, 40, 12, 20, name="two")
        self.before = self.double.lying()

    def file(self, name: str, rate: int) -> str:
        path = self.folder / "out" / f"{name}.mkv"
        path.parent.mkdir(exist_ok=True)
        return shutil.copyfile(self.films[rate], path).__str__()

    def session(self, read: Any, ids: Sequence[str]) -> ResolveSession:
        return self.link.resolve.session(read, ids, no_server(), self.heard.listener())

    def job(
        self, name: str, *items: Item, layout: Layout = Layout.OVERLAY, occupied: Occupied = Occupied.REFUSE
    ) -> Job:
        return Job(self, name, items, layout, occupied)

    def meanwhile(self, act: Callable[[], object], call: str = "place") -> None:
        """Once, between the look and the call."""

        def before(name: str) -> None:
            if name == call:
                self.link.before_call = lambda name: None
                act()

        self.link.before_call = before

    def closing(self, method: str, times: int = 1) -> None:
        """Resolve is closed right before the so-manieth call of a method. What was done so far is in the project: it
        saves by itself (Live Save)."""
        left = [times]

        def before(kind: str, name: str) -> None:
            left[0] -= f"{kind}.{name}" == method
            if left[0] == 0:
                self.double.before_call = lambda kind, name: None
                self.double.keep()
                raise Closed

        self.double.before_call = before

    def next_day(self) -> None:
        self.double.save_and_reopen()
        self.link.restart()

    def restored(self) -> list[Lying]:
        return [each for each in self.double.lying() if "/out/" in each.path]

    def title(self, track: int, start: int, duration: int = 5) -> Item:
        return self.double.lay_title("title", track=track, start=start, duration=duration)

    @property
    def tracks(self) -> list[str]:
        return [track.name for track in self.double.timeline.tracks["video"]]


@pytest.fixture
def bench(films: dict[int, Path], tmp_path: Path) -> Bench:
    return Bench(films, tmp_path)


def failed(act: Callable[[], object]) -> ResilverError:
    with pytest.raises(ResilverError) as caught:
        act()
    return caught.value


class TestBetweenLookingAndPlacing:
    @pytest.mark.parametrize("occupied", Occupied)
    def test_two_jobs_that_are_placed_at_once_share_a_track(self, bench: Bench, occupied: Occupied) -> None:
        """Both have seen one track and would add one. The one that comes second looks again: no empty track is left."""
        first, second = (
            bench.job(name, item, occupied=occupied) for name, item in (("a", bench.one), ("b", bench.two))
        )
        other = Link(bench.double, bench.link.home)
        session = other.resolve.take_up(second.kept(), no_server(), bench.heard.listener())
        bench.meanwhile(lambda: session.place(second.restored, second.layout, occupied))
        unlock(bench.link, other)
        assert first.place() == ["track 2"]
        assert [(each.track, each.start) for each in bench.restored()] == [(2, 86410), (2, 86440)]
        assert bench.tracks == ["Video 1", "Restored"]
        for job in (first, second):
            assert job.take_back() == []
        assert bench.double.lying() == bench.before

    def test_a_place_that_was_taken_meanwhile(self, bench: Bench) -> None:
        careful, high = bench.job("a", bench.one), bench.job("b", bench.one, occupied=Occupied.ABOVE)
        bench.meanwhile(lambda: bench.title(2, 12))
        error = failed(careful.place)
        assert isinstance(error, TargetOccupied)
        assert ("taken: title" in error.what, error.where) == (True, "one")
        assert not bench.restored()
        bench.meanwhile(lambda: bench.title(3, 12))
        assert high.place() == ["track 4"]

    def test_a_clip_that_was_moved_meanwhile_is_followed(self, bench: Bench) -> None:
        job = bench.job("a", bench.one)
        bench.meanwhile(lambda: setattr(bench.one, "start", 200))
        job.place()
        assert [each.start for each in bench.restored()] == [86600]

    def test_a_clip_that_was_trimmed_meanwhile_is_refused(self, bench: Bench) -> None:
        job = bench.job("a", bench.one, bench.two)
        bench.meanwhile(lambda: setattr(bench.two, "duration", 11))
        error = failed(job.place)
        assert isinstance(error, ClipUnsupported)
        assert (error.where, "lasts 11 frames" in error.what) == ("two", True)
        assert not bench.restored()

    def test_a_track_that_was_put_in_below_meanwhile(self, bench: Bench) -> None:
        job = bench.job("a", bench.one)
        bench.title(2, 500)

        def put_in() -> None:
            tracks = bench.double.timeline.tracks["video"]
            bench.title(3, 600)
            tracks.insert(0, tracks.pop())

        bench.meanwhile(put_in)
        assert job.place() == ["track 3"]

    def test_a_project_of_the_same_names_is_not_touched(self, bench: Bench) -> None:
        job = bench.job("a", bench.one)

        def another() -> None:
            bench.double.saved["away"] = bench.double.saved.pop("Project")
            bench.double.open_project("Project")
            bench.double.open_timeline("Edit")
            bench.double.lay(bench.double.media(str(bench.films[24])), 1, 10, 12, 0, name="one")

        bench.meanwhile(another)
        error = failed(job.place)
        assert "another project is open" in error.what
        assert not bench.restored()
        assert bench.double.calls.count(("MediaPool", "ImportMedia")) == 0
        bench.double.load("away")
        bench.double.project.name = "Project"
        assert job.take_up() == ["track 2"]

    def test_taking_back_deletes_no_track_that_was_counted_before_another_came(self, bench: Bench) -> None:
        job = bench.job("a", bench.one)
        job.place()

        def put_in() -> None:
            tracks = bench.double.timeline.tracks["video"]
            bench.title(3, 600)
            tracks.insert(1, tracks.pop())
            tracks[1].items.clear()
            tracks[1].name = "mine"

        bench.meanwhile(put_in, "take_back")
        assert job.take_back() == []
        assert bench.tracks == ["Video 1", "mine"]

    def test_somebody_who_never_stops_is_told(self, bench: Bench) -> None:
        job = bench.job("a", bench.one)

        def before(name: str) -> None:
            if name == "place":
                bench.title(len(bench.tracks) + 1, 500)

        bench.link.before_call = before
        error = failed(job.place)
        assert "added or removed just now" in error.what
        assert not bench.restored()


def unlock(*links: Link) -> None:
    """The lock that keeps bridges apart is open: what is tested is what comes in spite of it."""
    for link in links:
        link.resolve._editor.turn._file = Path("/dev/null/nowhere")


class TestTurns:
    def test_one_bridge_waits_for_another(self, bench: Bench) -> None:
        other = Link(bench.double, bench.link.home)
        begun, go_on = threading.Event(), threading.Event()
        bench.meanwhile(lambda: (begun.set(), go_on.wait(20)), "edit")
        threads = [threading.Thread(target=link.resolve.read) for link in (bench.link, other)]
        threads[0].start()
        assert begun.wait(20)
        threads[1].start()
        while other.resolve.waiting() < 0.2:
            time.sleep(0.02)
        assert other.resolve._script.waiting() == 0, "it has not even asked"
        go_on.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        assert other.resolve.waiting() == 0

    def test_who_waits_goes_with_its_script(self, bench: Bench) -> None:
        other = Link(bench.double, bench.link.home)
        with bench.link.resolve._editor.turn.mine(lambda: False):
            errors: list[ResilverError] = []
            thread = threading.Thread(target=lambda: errors.append(failed(other.resolve.read)))
            thread.start()
            other.resolve.leave()
            thread.join(20)
        assert "has ended" in errors[0].what

    def test_a_turn_that_cannot_be_locked_keeps_nobody_from_working(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        turn = Turn(tmp_path / "file" / "turn")
        with turn.mine(lambda: False):
            assert turn.waiting() == 0


class TestBrokenOff:
    @BOTH
    @pytest.mark.parametrize("layout", [Layout.OVERLAY, Layout.REPLACE])
    @pytest.mark.parametrize(
        ("method", "times"),
        [
            ("MediaPool.ImportMedia", 2),
            ("MediaPool.AppendToTimeline", 1),
            ("MediaPool.AppendToTimeline", 2),
            ("TimelineItem.SetClipColor", 2),
            ("TimelineItem.SetClipEnabled", 1),
            ("ProjectManager.SaveProject", 1),
        ],
    )
    def test_what_lies_there_already_is_completed(
        self, films: dict[int, Path], tmp_path: Path, version: Profile, layout: Layout, method: str, times: int
    ) -> None:
        if (layout, method) == (Layout.OVERLAY, "TimelineItem.SetClipEnabled"):
            pytest.skip("nothing is switched off")
        bench = Bench(films, tmp_path, version)
        job = bench.job("a", bench.one, bench.two, layout=layout)
        bench.closing(method, times)
        error = failed(job.place)
        assert "the menu script in Resolve has ended" in error.what
        assert "a part of them may lie there" in error.what
        assert "Resilver - Jobs" in error.remedy
        bench.next_day()
        lay = {each.id for each in bench.restored()}
        assert not job.kept().placed
        job.take_up()
        assert [(each.track, each.start, each.duration) for each in bench.restored()] == [
            (2, 86410, 12),
            (2, 86440, 12),
        ]
        assert lay <= {each.id for each in bench.restored()}, "what lay there was not laid again"
        said = [each for each in bench.heard.reports if "already" in each]
        assert said == ([f"{len(lay)} of the restored clips lay there already, and stay as they are"] if lay else [])
        assert [each.enabled for each in bench.double.lying()[:2]] == [layout is Layout.OVERLAY] * 2
        assert job.take_back() == []
        assert bench.double.lying() == bench.before
        assert bench.tracks == ["Video 1"]

    @pytest.mark.parametrize(
        "method", ["TimelineItem.AddTake", "TimelineItem.SelectTakeByIndex", "ProjectManager.SaveProject"]
    )
    def test_takes_are_completed(self, bench: Bench, method: str) -> None:
        job = bench.job("a", bench.one, bench.two, layout=Layout.TAKE)
        bench.closing(method, 1 if "Save" in method else 2)
        assert "a part of them may lie there" in failed(job.place).what
        bench.next_day()
        job.take_up()
        assert [each.path.rpartition("/")[2] for each in bench.double.lying()] == ["a one.mkv", "a two.mkv"]
        assert job.take_back() == []
        assert bench.double.lying() == bench.before

    def test_a_job_that_is_placed_is_not_laid_again(self, bench: Bench) -> None:
        job = bench.job("a", bench.one, bench.two, occupied=Occupied.ABOVE)
        job.place()
        lying = bench.double.lying()
        assert job.take_up() == ["track 2", "track 2"]
        assert bench.double.lying() == lying
        assert job.take_back() == []
        assert bench.double.lying() == bench.before

    def test_a_full_disk_hides_nothing(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        job = bench.job("a", bench.one, layout=Layout.REPLACE)

        def full(*_: object) -> None:
            raise HostFailed(
                "the job cannot be kept (No space left on device)", where="/home", remedy="free some space"
            )

        with monkeypatch.context() as patch:
            patch.setattr(Keeping, "write", full)
            error = failed(job.place)
        assert error.what.startswith("the restored clips are placed, but that cannot be noted")
        assert error.remedy == "free some space, then place the job again: none is laid twice"
        assert len(bench.restored()) == 1
        bench.next_day()
        assert job.take_up() == ["track 2"]
        assert job.take_back() == []
        assert bench.double.lying() == bench.before

    def test_a_restored_clip_that_was_trimmed_since_is_not_taken_for_the_jobs(self, bench: Bench) -> None:
        job = bench.job("a", bench.one)
        bench.closing("ProjectManager.SaveProject")
        failed(job.place)
        bench.next_day()
        bench.double.timeline.tracks["video"][1].items[0].duration = 11
        assert "taken: a one.mkv" in failed(job.take_up).what


class TestTheSameClipTwice:
    def test_the_second_is_refused_or_goes_above_and_each_is_taken_back_alone(self, bench: Bench) -> None:
        first, second = bench.job("a", bench.one), bench.job("b", bench.one)
        third = bench.job("c", bench.one, occupied=Occupied.ABOVE)
        assert first.place() == ["track 2"]
        assert "taken: a one.mkv" in failed(second.place).what
        assert third.place() == ["track 3"]
        assert first.take_back() == []
        assert [each.path.rpartition("/")[2] for each in bench.restored()] == ["c one.mkv"]
        assert third.take_back() == []
        assert bench.double.lying() == bench.before

    def test_clips_above_each_other_keep_their_order(self, bench: Bench) -> None:
        upper = bench.double.lay(bench.media, 2, 42, 6, 50, name="upper")
        careful = bench.job("a", bench.two, upper)
        error = failed(careful.place)
        assert (error.where, "taken: upper" in error.what) == ("two", True)
        assert bench.job("b", bench.two, upper, occupied=Occupied.ABOVE).place() == ["track 3", "track 4"]
        assert bench.job("c", bench.one, occupied=Occupied.MAKE_ROOM).place() == ["track 2"]

    def test_a_job_that_was_not_wholly_taken_back_can_be_taken_back_again(self, bench: Bench) -> None:
        job = bench.job("a", bench.one, bench.two)
        job.place()
        bench.double.timeline.tracks["video"][1].locked = True
        said = job.take_back()
        assert any("its track is locked" in sentence for sentence in said)
        assert len(bench.restored()) == 2
        assert job.kept().placed
        bench.double.timeline.tracks["video"][1].locked = False
        assert job.take_back() == []
        assert bench.double.lying() == bench.before
        assert not job.kept().placed
