"""What the desk does, over a real server and an editor in memory: everything but HTTP and the browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from davinci.desks import BRIDGE, LOST, STATION, TITLE, TUNNEL, conform, desk_over, ended, quick, runs, shown, until
from davinci.memory_desk_host import MemoryDeskHost
from publish.memory_host import MemorySession
from resilver.v1 import jobs_pb2
from resilver_bridge.board import Board
from resilver_bridge.desk import Desk
from resilver_bridge.host import KeptJob
from resilver_bridge.showing import REPAIRS
from resilver_bridge.standing import Standing
from resilver_client.client import Client
from resilver_client.errors import HostFailed, InvalidRequest, SelectionEmpty, ServerUnreachable
from resilver_publish.types import Layout, Progress, Remembered, Repair
from support.serving import ServerProcess, server_process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture
def host(media: Path) -> MemoryDeskHost:
    return conform(media)


@pytest.fixture
def desk(host: MemoryDeskHost, server: ServerProcess, tmp_path: Path) -> Iterator[Desk]:
    with desk_over(host, tmp_path / "home", server.client) as desk:
        quick(desk, tmp_path / "results")
        yield desk


def lying(host: MemoryDeskHost, track: int) -> list[tuple[str, int]]:
    return [(clip.name, start) for at, start, clip in host.edit.clips() if at == track]


def names(desk: Desk, ids: list[str]) -> list[str]:
    known = {clip["id"]: clip["name"] for clip in shown(desk)["edit"]["clips"]}
    return [known[id] for id in ids]


def unreachable() -> Client:
    raise ServerUnreachable("the server did not come up in time", where="server.log", remedy="the log says why")


def test_the_first_rule_that_matches_is_taken_without_what_cannot_be_restored(desk: Desk) -> None:
    choice = shown(desk)["choice"]
    assert choice["rule"] == 0
    assert names(desk, choice["clips"]) == [STATION, BRIDGE]
    title = next(clip for clip in shown(desk)["edit"]["clips"] if clip["name"] == TITLE)
    assert title["refusal"]["what"] == "It is a generator, which has no film"
    assert (title["in"], title["out"], title["frames"]) == ("01:00:02:16", "01:00:03:16", 24)


def test_another_rule_and_some_of_its_clips_are_chosen(desk: Desk) -> None:
    desk.choose(4)
    choice = shown(desk)["choice"]
    assert names(desk, choice["clips"]) == [STATION, BRIDGE, TUNNEL]
    desk.choose(clips=[choice["clips"][2], "no such clip"])
    assert names(desk, shown(desk)["choice"]["clips"]) == [TUNNEL]
    with pytest.raises(InvalidRequest, match="matches no clip"):
        desk.choose(1)
    desk.choose(clips=[])
    with pytest.raises(SelectionEmpty):
        desk.start()


def test_clips_are_restored_listed_taken_back_and_placed_again(desk: Desk, host: MemoryDeskHost) -> None:
    before = host.edit.timeline.to_json_string()
    desk.start()
    run = ended(desk)
    assert (run["phase"], run["problems"], run["fraction"]) == ("done", [], 1.0)
    assert [(each["name"], each["where"]) for each in run["placed"]] == [(STATION, "track 2"), (BRIDGE, "track 2")]
    assert lying(host, 2) == [(f"{STATION} [restored]", 0), (f"{BRIDGE} [restored]", 30)]
    job = until(lambda: next((job for job in shown(desk).get("jobs", {}).get("list", ()) if job["placed"]), None))
    assert (job["state"], job["can"], job["here"]) == ("succeeded", ["take-back", "forget"], True)
    desk.take_back(run["job"])
    until(lambda: runs(desk)[0]["phase"] == "taken-back")
    assert (
        json.loads(before)["tracks"]["children"][0]
        == json.loads(host.edit.timeline.to_json_string())["tracks"]["children"][0]
    )
    assert lying(host, 2) == []
    assert shown(desk)["notices"][0]["what"] == "2 clips taken out of Reel 2 conform again"
    until(lambda: shown(desk)["jobs"]["list"][0]["can"] == ["place", "forget"])
    desk.place_finished()
    assert ended(desk, "2")["phase"] == "done"
    assert [name for name, _ in lying(host, 2)] == [f"{STATION} [restored]", f"{BRIDGE} [restored]"]
    desk.forget(run["job"])
    until(lambda: shown(desk)["jobs"]["list"] == [])
    assert len(lying(host, 2)) == 2


def test_a_cancelled_run_is_begun_again_where_it_stopped(desk: Desk, host: MemoryDeskHost) -> None:
    host.while_working = lambda progress: desk.cancel("1")
    desk.start()
    run = ended(desk)
    assert (run["phase"], run["problems"], run["placed"]) == ("cancelled", [], [])
    assert lying(host, 2) == []
    host.while_working = lambda progress: None
    desk.again("1")
    again = ended(desk)
    assert (again["phase"], again["job"]) == ("done", run["job"])
    assert len(lying(host, 2)) == 2


def test_a_job_is_paused_and_goes_on(desk: Desk, host: MemoryDeskHost, server: ServerProcess) -> None:
    with server.client() as client:

        def pause(progress: Progress) -> None:
            host.while_working = lambda _: None
            desk.pause("1")
            until(lambda: client.get(progress.job).state == jobs_pb2.JOB_STATE_PAUSED)

        host.while_working = pause
        desk.start()
        until(lambda: runs(desk) and runs(desk)[0]["state"] == "paused")
        assert runs(desk)[0]["phase"] == "running"
        desk.resume("1")
        assert ended(desk)["phase"] == "done"


def test_problems_have_their_repairs(desk: Desk, host: MemoryDeskHost) -> None:
    desk.start()
    ended(desk)
    desk.start()
    run = ended(desk, "2")
    assert [(each["clip"], [repair["repair"] for repair in each["repairs"]]) for each in run["problems"]] == [
        (STATION, ["use-track-above", "make-room", "leave-out"]),
        (BRIDGE, ["use-track-above", "make-room", "leave-out"]),
    ]
    assert run["job"] == ""
    desk.repair("2", [(0, "leave-out")])
    run = ended(desk, "2")
    assert [each["clip"] for each in run["problems"]] == [BRIDGE]
    desk.repair("2", [(0, "use-track-above")])
    run = ended(desk, "2")
    assert [(each["name"], each["where"]) for each in run["placed"]] == [(BRIDGE, "track 3")]
    with pytest.raises(InvalidRequest, match="no such problem"):
        desk.repair("2", [(0, "leave-out")])
    assert set(REPAIRS) == set(Repair)


def test_where_a_place_is_taken_at_the_end_nothing_is_rendered_twice(
    desk: Desk, host: MemoryDeskHost, server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.start()
    ended(desk)
    monkeypatch.setattr(MemorySession, "in_the_way", lambda *_: "")  # as if it came to lie there meanwhile
    desk.start()
    run = ended(desk, "2")
    assert run["phase"] == "problems"
    assert [repair["repair"] for repair in run["problems"][0]["repairs"]] == ["use-track-above", "make-room"]
    with server.client() as client:
        before = len(list(client.all_jobs()))
        desk.repair("2", [(0, "use-track-above")])
        assert ended(desk, "2")["phase"] == "done"
        assert len(list(client.all_jobs())) == before
    assert len(lying(host, 3)) == 2


def test_a_run_works_on_the_edit_as_it_is_when_it_begins(desk: Desk, host: MemoryDeskHost) -> None:
    track, start, clip = next(each for each in host.edit.clips() if each[2].name == BRIDGE)
    host.edit.take(track, clip)
    host.edit.put(track, start - 2, clip)
    desk.start()
    assert ended(desk)["phase"] == "done"
    assert lying(host, 2)[1] == (f"{BRIDGE} [restored]", 28)
    assert next(each for each in shown(desk)["edit"]["clips"] if each["name"] == BRIDGE)["in"] == "01:00:01:04"
    assert names(desk, shown(desk)["choice"]["clips"]) == [STATION, BRIDGE]
    assert shown(desk)["choice"]["rule"] == 0
    host.edit.take(track, clip)
    desk.start()
    (problem,) = ended(desk, "2")["problems"]
    assert (problem["what"], problem["where"]) == ("It is not in the timeline any more", BRIDGE)
    host.timeline_id = "t2"
    desk.start()
    (problem,) = ended(desk, "3")["problems"]
    assert problem["what"] == "Another timeline is open now"


def test_a_job_that_the_edit_could_not_keep_is_begun_anew(
    desk: Desk, host: MemoryDeskHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise HostFailed("the job cannot be kept", remedy="make the folder writable")

    with monkeypatch.context() as patch:
        patch.setattr(host, "keep", refuse)
        desk.start()
        (problem,) = ended(desk)["problems"]
        assert problem["what"] == "The job cannot be kept"
    desk.again("1")
    assert ended(desk)["phase"] == "done"


def test_a_fault_of_ours_is_seen(desk: Desk, host: MemoryDeskHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(host, "session", broken)
    desk.start()
    (problem,) = ended(desk)["problems"]
    assert problem["what"] == "ZeroDivisionError: by nothing"
    monkeypatch.setattr(host, "kept", broken)
    desk.jobs()
    until(lambda: [each["what"] for each in shown(desk)["notices"]] == ["ZeroDivisionError: by nothing"])


def test_a_preview_shows_pictures_and_leaves_nothing(desk: Desk, host: MemoryDeskHost, tmp_path: Path) -> None:
    desk.change({"preview_frames": 2})
    desk.preview()
    run = ended(desk)
    assert [(each["clip"], each["frame"], each["maps"]) for each in run["pictures"]] == [
        (clip, frame, ["deflicker"]) for clip, frame in ((STATION, 6), (STATION, 18), (BRIDGE, 5), (BRIDGE, 15))
    ]
    picture, change = desk.picture("1", 3), desk.picture("1", 3, 0)
    assert picture.is_file()
    assert change.is_file()
    assert picture != change
    for wrong in ((4, None), (-1, None), (0, 1)):
        with pytest.raises(InvalidRequest):
            desk.picture("1", *wrong)
    until(lambda: not host.kept())
    assert not (tmp_path / "results").exists()
    desk.preview()
    ended(desk, "2")
    assert not picture.exists()
    assert [each["id"] for each in runs(desk)] == ["2"]
    last = desk.picture("2", 0)
    desk.close()
    assert not last.exists()


def test_a_job_of_yesterday_is_waited_for_and_placed(
    host: MemoryDeskHost, server: ServerProcess, tmp_path: Path, desk: Desk
) -> None:
    with server.client() as client:

        def close(progress: Progress) -> None:
            client.pause(progress.job)
            desk.close()

        host.while_working = close
        desk.start()
        until(lambda: runs(desk) and runs(desk)[0]["phase"] == "problems")
        host.while_working = lambda _: None
        host.hello = conform(tmp_path, "jobs").hello
        with desk_over(host, tmp_path / "home", server.client) as morning:
            job = until(lambda: next(iter(shown(morning).get("jobs", {}).get("list", ())), None))
            assert (job["state"], job["can"]) == ("paused", ["follow", "stop"])
            assert job["clips"] == [STATION, BRIDGE]
            morning.place(job["job"])
            until(lambda: runs(morning)[0]["state"] == "paused")
            with pytest.raises(InvalidRequest, match="waited for already"):
                morning.place(job["job"])
            morning.resume("1")
            assert ended(morning)["phase"] == "done"
    assert len(lying(host, 2)) == 2


def test_a_job_can_be_stopped_retried_and_may_be_gone(desk: Desk, host: MemoryDeskHost, server: ServerProcess) -> None:
    host.while_working = lambda progress: desk.cancel("1")
    desk.start()
    job = ended(desk)["job"]
    host.while_working = lambda progress: None
    until(lambda: [each["can"] for each in shown(desk)["jobs"]["list"]] == [["retry", "forget"]])
    desk.retry(job)
    assert ended(desk, "2")["phase"] == "done"
    desk.take_back(job)
    until(lambda: runs(desk)[0]["phase"] == "taken-back")
    with server.client() as client:
        client.delete(job)
    desk.jobs()
    until(lambda: [(each["state"], each["can"]) for each in shown(desk)["jobs"]["list"]] == [("gone", ["forget"])])


def test_without_a_server_the_page_says_what_to_do_and_it_is_found_later(
    host: MemoryDeskHost, server: ServerProcess, tmp_path: Path
) -> None:
    connect = [unreachable]
    with desk_over(host, tmp_path, lambda: connect[0]()) as desk:
        failed = until(lambda: shown(desk).get("server", {}).get("error"))
        assert failed["what"] == "The server did not come up in time"
        assert failed["remedy"] == "The log says why"
        with pytest.raises(InvalidRequest, match="has not answered yet"):
            desk.start()
        connect[0] = server.client
        until(lambda: shown(desk)["busy"] == [])
        desk.connect()
        until(lambda: "offer" in shown(desk))
        assert shown(desk)["server"]["state"] == "ready"


def test_an_edit_that_cannot_be_read_is_told_and_read_again(host: MemoryDeskHost, tmp_path: Path) -> None:
    host.fault = SelectionEmpty("no timeline is open", remedy="open one in Resolve")
    with desk_over(host, tmp_path, unreachable) as desk:
        assert shown(desk)["reading"]["error"]["what"] == "No timeline is open"
        host.fault = None
        until(lambda: "read" not in shown(desk)["busy"])
        desk.read()
        until(lambda: "edit" in shown(desk))
        assert shown(desk)["reading"]["error"] is None


def test_an_editor_that_does_not_answer_is_told_after_ten_seconds(host: MemoryDeskHost, tmp_path: Path) -> None:
    with desk_over(host, tmp_path, unreachable) as desk:
        host.silent = 13.4
        until(lambda: shown(desk)["editor"] == {"waiting": 10})
        host.silent = 9.0
        until(lambda: shown(desk)["editor"] == {"waiting": 0})


def test_what_fails_beside_a_run_is_a_notice(desk: Desk, host: MemoryDeskHost, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.start()
    job = ended(desk)["job"]

    def refuse(*_: object) -> list[str]:
        raise HostFailed("Resolve keeps the clip", where="V2", remedy="unlock the track")

    monkeypatch.setattr(host, "take_back", refuse)
    desk.take_back(job)
    (notice,) = until(lambda: shown(desk)["notices"])
    assert (notice["tone"], notice["what"], notice["where"]) == ("error", "Resolve keeps the clip", "V2")
    assert runs(desk)[0]["phase"] == "done"
    desk.dismiss(notice["id"])
    assert shown(desk)["notices"] == []


def test_the_verb_decides_how_the_page_begins(media: Path, server: ServerProcess, tmp_path: Path) -> None:
    with desk_over(conform(media, "new-timeline"), tmp_path, server.client) as desk:
        wish = until(lambda: shown(desk).get("wish"))
        assert (wish["layout"], wish["size"], wish["rate"]) == ("new-timeline", "3840x2160", "60")
        assert shown(desk)["hello"]["verb"] == "new-timeline"


def test_a_layout_that_this_edition_lacks_is_not_begun_with(
    host: MemoryDeskHost, server: ServerProcess, tmp_path: Path
) -> None:
    host.layouts = dict.fromkeys(Layout, "this edition runs no scripts") | {Layout.FILE: ""}
    with desk_over(host, tmp_path, server.client) as desk:
        assert until(lambda: shown(desk).get("wish"))["layout"] == "file"
        assert shown(desk)["edit"]["layouts"]["overlay"] == "This edition runs no scripts"


def test_thumbnails_come_by_reading_and_position(desk: Desk) -> None:
    number, clips = shown(desk)["edit"]["number"], [clip["name"] for clip in shown(desk)["edit"]["clips"]]
    assert desk.thumbnail(number, clips.index(STATION), 30).startswith(b"\xff\xd8")
    with pytest.raises(Exception, match="generator"):
        desk.thumbnail(number, clips.index(TITLE), 30)
    with pytest.raises(Exception, match="offline"):
        desk.thumbnail(number, clips.index(LOST), 30)
    for wrong in ((number + 1, 0), (number, len(clips)), (number, -1)):
        with pytest.raises(InvalidRequest):
            desk.thumbnail(*wrong, 30)


def test_what_runs_keeps_the_bridge(desk: Desk, host: MemoryDeskHost) -> None:
    seen: list[bool] = []
    host.while_working = lambda progress: seen.append(desk.running)
    desk.start()
    ended(desk)
    assert seen
    assert all(seen)
    assert not desk.running
    assert not desk.left.is_set()
    desk.leave()
    assert desk.left.is_set()


def test_a_board_tells_what_has_changed_since() -> None:
    board = Board()
    board.put("a", 1)
    board.put("b", [2])
    assert board.since(0) == {"version": 2, "sections": {"a": 1, "b": [2]}}
    board.put("a", 1)
    assert not board.wait(2, 0.01)
    board.put("a", 3)
    assert board.wait(2, 0.01)
    assert board.since(2) == {"version": 3, "sections": {"a": 3}}


@pytest.mark.parametrize(
    ("state", "layout", "placed", "can", "waits"),
    [
        ("succeeded", Layout.OVERLAY, (), ("place", "forget"), True),
        ("succeeded", Layout.OVERLAY, ("V2",), ("take-back", "forget"), False),
        ("succeeded", Layout.NEW_TIMELINE, ("Reel 4K60",), ("forget",), False),
        ("succeeded", Layout.FILE, (), ("place", "forget"), False),
        ("failed", Layout.OVERLAY, (), ("retry", "forget"), False),
        ("cancelled", Layout.OVERLAY, (), ("retry", "forget"), False),
        ("rendering", Layout.OVERLAY, (), ("follow", "stop"), False),
        ("gone", Layout.OVERLAY, (), ("forget",), False),
        ("", Layout.OVERLAY, (), (), False),
    ],
)
def test_what_can_be_done_with_a_kept_job(
    state: str, layout: Layout, placed: tuple[str, ...], can: tuple[str, ...], waits: bool
) -> None:
    kept = KeptJob(Remembered("job", (), {}, layout), "project", "p", "timeline", "t", 0.0, placed)
    assert (Standing(kept, state).can(), Standing(kept, state).waits) == (can, waits)
