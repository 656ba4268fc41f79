"""The parts of the interface that know no Blender: the main thread's line of calls, jobs, recipes, the catalogue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.catalogue import Input, Kind, Parameter, fetch
from resilver_client.client import Client
from resilver_client.errors import Cancelled, DiskFull, InvalidRecipe, InvalidRequest, ServerUnreachable, UnknownPreset
from resilver_client.values import plain
from resilver_publish.recipes import recipe_digest
from resilver_publish.types import Outcome, Problem, Progress
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.presets import PRESETS
from support.extension import module
from support.serving import server_process

catalogue, connection = module("server.catalogue"), module("server.connection")
asking, recipe = module("settings.asking"), module("settings.recipe")
jobs, keeping, mainthread, modals, words = (
    module(f"jobs.{name}") for name in ("jobs", "keeping", "mainthread", "modals", "words")
)
WAIT = 20.0
"""Seconds that a thread may need on a busy machine."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a real server says of itself."""
    with server_process(tmp_path_factory.mktemp("home")) as server, server.client() as client:
        return fetch(client)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _called(main: Any, function: Callable[[], Any], calm: bool = False) -> tuple[threading.Thread, list[Any]]:
    """Have a thread call; what it got or was raised is appended."""
    got: list[Any] = []

    def run() -> None:
        try:
            got.append(main.call(function, calm=calm))
        except Exception as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, got


def test_calls_are_served_on_the_main_thread_with_their_results_and_errors() -> None:
    main = mainthread.MainThread()
    here, got = _called(main, threading.get_ident)
    wrong, raised = _called(main, lambda: 1 // 0)
    _until(lambda: len(main._calls) == 2)
    assert main.run_pending()
    here.join(WAIT)
    wrong.join(WAIT)
    assert got == [threading.get_ident()]
    assert isinstance(raised[0], ZeroDivisionError)
    assert not main.run_pending()


def test_calls_that_change_the_edit_wait_for_a_calm_moment_and_others_do_not() -> None:
    main = mainthread.MainThread()
    change, changed = _called(main, lambda: "changed", calm=True)
    read, seen = _called(main, lambda: "read")
    _until(lambda: len(main._calls) == 2)
    assert main.run_pending(calm=False)
    read.join(WAIT)
    assert (seen, changed) == (["read"], [])
    assert main.waiting()
    main.run_pending(calm=True)
    change.join(WAIT)
    assert changed == ["changed"]
    assert not main.waiting()


def test_a_drag_holds_up_changes_and_an_add_on_that_only_listens_does_not_for_ever() -> None:
    running = modals.Modals()
    drag, listener = {"TRANSFORM_OT_seq_slide": False}, {"STUDIO_OT_listen": True}
    assert not running.hold({}, 0)
    assert running.hold(drag, 1)
    assert running.hold(drag, 1000)
    assert running.hold(listener, 1001)
    assert not running.hold(listener, 1001 + modals.LISTENS)
    assert running.hold(listener | drag, 1002 + modals.LISTENS)
    assert not running.hold({}, 1003 + modals.LISTENS)
    assert running.hold(listener, 1004 + modals.LISTENS)


def test_closing_frees_callers_that_wait_and_refuses_later_ones() -> None:
    main = mainthread.MainThread()
    waiting, got = _called(main, lambda: "never")
    _until(lambda: len(main._calls) == 1)
    main.close()
    waiting.join(WAIT)
    assert isinstance(got[0], Cancelled)
    with pytest.raises(Cancelled):
        main.call(lambda: "never")


def _job(work: Callable[[Any], Outcome]) -> Any:
    return jobs.Job(jobs.Meant("reel.blend, 1 shot", 1, 1, "overlay"), work)


def test_a_job_ends_with_what_its_work_returns_or_raises(capsys: pytest.CaptureFixture[str]) -> None:
    def full(job: Any) -> Outcome:
        raise DiskFull("no room", where="/film", remedy="free some")

    def broken(job: Any) -> Outcome:
        return Outcome(pictures=(1 // 0,))

    def leaving(job: Any) -> Outcome:
        raise SystemExit("a studio's plug-in left")

    problem = Outcome(problems=(Problem("Render", ServerUnreachable("gone")),))
    works = (lambda job: Outcome(), full, broken, lambda job: problem, lambda job: Outcome(cancelled=True), leaving)
    ended = [_job(work).start() for work in works]
    for job in ended:
        _until(lambda job=job: not job.running)
    assert [job.phase.value for job in ended] == ["done", "failed", "failed", "failed", "cancelled", "failed"]
    assert words.ending(ended[1]) == "no room, /film, free some"
    assert "ZeroDivisionError" in words.ending(ended[2])
    assert "ZeroDivisionError" in capsys.readouterr().err


class Stoppable:
    """A client or publication that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def cancel(self) -> None:
        self.told.append("cancel")

    def close(self) -> None:
        self.told.append("close")


def test_cancelling_stops_the_publication_once_and_before_it_begins() -> None:
    publication, release = Stoppable(), threading.Event()

    def work(job: Any) -> Outcome:
        job.attach(Stoppable(), publication)
        release.wait(WAIT)
        return Outcome(cancelled=True)

    job = _job(work).start()
    _until(lambda: job._publication is publication)
    job.cancel()
    job.cancel()
    release.set()
    _until(lambda: not job.running)
    assert publication.told == ["cancel"]

    client, go = Stoppable(), threading.Event()

    def late(job: Any) -> Outcome:
        go.wait(WAIT)
        job.attach(client)
        raise AssertionError("it went on")

    early = _job(late).start()
    early.cancel()
    go.set()
    _until(lambda: not early.running)
    assert (early.phase.value, client.told) == ("cancelled", ["close"])


def test_cancelling_while_the_clips_wait_to_be_placed_places_none() -> None:
    placed: list[str] = []

    def work(job: Any) -> Outcome:
        job.attach(Stoppable(), Stoppable())
        job.progress = Progress("job", "succeeded", 1.0, None, "succeeded")
        job.main.call(lambda: placed.append("strip"), calm=True)
        return Outcome()

    job = _job(work).start()
    _until(job.main.waiting)
    assert words.doing(job) == "Waiting for a calm moment to put the strips in place"
    job.poll(calm=False)
    job.cancel()
    _until(lambda: not job.running)
    job.poll()
    assert (job.phase.value, placed) == ("cancelled", [])


def test_a_job_that_is_followed_no_longer_lets_its_thread_go() -> None:
    client = Stoppable()

    def work(job: Any) -> Outcome:
        job.attach(client)
        job.main.call(lambda: "never")
        return Outcome()

    listed = jobs.Jobs()
    job = listed.add(_job(work))
    _until(lambda: len(job.main._calls) == 1)
    listed.clear()
    assert not job._thread.is_alive()
    assert client.told == ["close"]
    assert listed.all() == []


def test_the_catalogue_is_the_same_after_it_was_kept(known: Any, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.json"
    assert catalogue.load(file) is None
    catalogue.save(known, file)
    assert catalogue.load(file) == known
    file.write_text(file.read_text()[:-20])
    assert catalogue.load(file) is None


def test_a_catalogue_that_cannot_be_kept_is_there_all_the_same(known: Any, tmp_path: Path) -> None:
    fresh = module("server.server").Server()
    fresh.keep_in(tmp_path / "no folder" / "catalogue.json")
    fresh.take(known)
    assert (fresh.catalogue, fresh.problem) == (known, None)


def test_what_nobody_foresaw_in_a_talk_with_the_server_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    asked = module("server.server").Server()
    thread = asked.look(None)
    thread.join(WAIT)
    assert str(asked.problem).startswith("AttributeError: ")
    assert "Traceback" in capsys.readouterr().err
    assert not asked.doing


def test_parameters_have_the_kinds_limits_and_defaults_of_their_schema(known: Any) -> None:
    for spec in STAGES:
        stage = known.stage(spec.name)
        schema = spec.schema()["properties"]
        assert {parameter.name for parameter in stage.parameters} == set(schema)
        for parameter in stage.parameters:
            written = schema[parameter.name]
            assert parameter.default == written["default"]
            assert type(parameter.default) is type(written["default"])
            assert (parameter.minimum, parameter.maximum) == (written.get("minimum"), written.get("maximum"))
            assert list(parameter.choices) == written.get("enum", [])


@pytest.mark.parametrize("preset", [preset.name for preset in PRESETS])
def test_a_preset_becomes_a_recipe_that_the_server_reads_as_the_same(preset: str, known: Any) -> None:
    stages = recipe.of_preset(recipe.named(preset, known), known)
    assert not recipe.differs(stages, known.preset(preset), known)
    built = recipe.build(recipe.Wish(stages, profile="ffv1"), known)
    wanted = {stage.stage: stage for stage in next(each for each in PRESETS if each.name == preset).stages}
    assert [stage.stage for stage in built.stages] == [spec.name for spec in STAGES if spec.name in wanted]
    for stage in built.stages:
        spec = next(spec for spec in STAGES if spec.name == stage.stage)
        values = {name: plain(value) for name, value in stage.parameters.items()}
        assert values == {name: written["default"] for name, written in spec.schema()["properties"].items()} | dict(
            wanted[stage.stage].parameters
        )
    assert (built.delivery.profile, built.delivery.tail_frames) == ("ffv1", 2)
    assert built.delivery.keep_audio is False
    assert built.delivery.HasField("keep_audio")


def test_a_target_changes_the_stages_that_bring_it_about_and_adds_those_that_miss(known: Any) -> None:
    kept = recipe.StageChoice("upscale", known.stage("upscale").filled({"model": "none"}), 0.5)
    built = recipe.build(recipe.Wish((kept,), recipe.Target((3840, 2160), "60000/1001"), tail_frames=0), known)
    upscale, interpolate = built.stages
    assert (upscale.stage, interpolate.stage) == ("upscale", "interpolate")
    assert [plain(upscale.parameters[name]) for name in ("model", "width", "height")] == ["none", 3840, 2160]
    assert upscale.strength == 0.5
    assert plain(interpolate.parameters["rate"]) == "60000/1001"
    assert built.delivery.tail_frames == 0


def test_what_stages_take_is_what_their_specs_say(known: Any) -> None:
    words = {"keep": "keep-matte"}
    for spec in STAGES:
        stage = known.stage(spec.name)
        assert [words.get(kind.value, kind.value) for kind in stage.inputs] == [kind.value for kind in spec.inputs]
        assert stage.renders == spec.renders
    assert Input.DEFECT_MAP in known.stage("repair").inputs
    assert known.stage("repair").keeps
    assert not known.stage("upscale").keeps


def test_strips_ask_for_themselves_and_change_maps_rename_nothing(known: Any) -> None:
    more = replace(
        known, stages=(*known.stages, replace(known.stage("repair"), name="tint", inputs=(Input.KEY_FRAMES,)))
    )
    stages = (recipe.StageChoice("repair", {}), recipe.StageChoice("tint", {}))
    ask = asking.Ask(
        None,
        1,
        "reel",
        "/out",
        stages,
        kept={"a": {"repair": "3", "deflicker": "4"}},
        key_frames={"a": "/k", "b": "/l"},
    )
    order = asking.order_of(ask, more)
    assert order.own_of("a") == {"keep_frames": {"repair": "3"}, "key_frames": {"tint": "/k"}}
    assert order.own_of("b") == {"key_frames": {"tint": "/l"}}
    assert asking.order_of(replace(ask, key_frames={}), known).own_of("b") == {}
    asked = asking.order_of(replace(ask, change_maps=True), more)
    assert (order.recipe.delivery.change_maps, asked.recipe.delivery.change_maps) == (False, True)
    assert recipe_digest(asked.recipe) == recipe_digest(order.recipe)


def test_wrong_recipes_are_refused_in_words(known: Any) -> None:
    with pytest.raises(InvalidRecipe, match="no stage is switched on, choose a preset"):
        recipe.build(recipe.Wish(()), known)
    with pytest.raises(UnknownPreset, match="known are silent-film"):
        recipe.named("talkies", known)
    for text in ("{", '{"stages": 3}', '{"colour": true}'):
        with pytest.raises(InvalidRecipe, match="this is no recipe"):
            recipe.from_json(text, 2)
    for text in ("4K", "3840x", "x2160", "3840*2160"):
        with pytest.raises(InvalidRecipe, match="write it as 3840x2160"):
            recipe.size(text)


def test_a_scripts_recipe_keeps_its_stages_and_gets_the_layouts_tail() -> None:
    text = '{"stages": [{"stage": "upscale"}], "delivery": {"profile": "ffv1", "tailFrames": 7, "keepAudio": true}}'
    read = recipe.from_json(text, 2)
    assert (read.stages[0].stage, read.delivery.profile) == ("upscale", "ffv1")
    assert (read.delivery.tail_frames, read.delivery.keep_audio) == (2, False)
    assert (recipe.tail_of("overlay"), recipe.tail_of("replace"), recipe.tail_of("new-timeline")) == (2, 2, 0)


@given(st.decimals(-9999, 9999, places=3))
def test_numbers_typed_into_single_precision_come_out_as_typed(typed: Any) -> None:
    import struct

    (stored,) = struct.unpack("f", struct.pack("f", float(typed)))
    assert recipe.number(stored) == float(typed)


@given(st.floats(-1e6, 1e6), st.integers(-1000, 1000))
def test_values_are_kept_within_their_limits_and_kinds(value: float, whole: int) -> None:
    number = Parameter("a", Kind.NUMBER, 1.0, "", 0.25, 4.0)
    integer = Parameter("b", Kind.INTEGER, 1, "", 0, 16)
    assert 0.25 <= recipe.clamped(number, value) <= 4.0
    clamped = recipe.clamped(integer, whole)
    assert type(clamped) is int
    assert clamped == min(16, max(0, whole))


def test_the_pixel_that_blender_leaves_out_of_a_mask_is_that_beside_it() -> None:
    with_last_pixel = module("sending.registering").with_last_pixel
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    mended = with_last_pixel(picture)
    assert mended[-1, -1].tolist() == picture[-1, -2].tolist()
    assert ((mended != picture).any(axis=2)).sum() == 1
    assert picture[-1, -1].tolist() == [21, 22, 23]
    assert with_last_pixel(picture[:, :1]).tolist() == picture[:, :1].tolist()


def test_what_strips_showed_is_read_back_exactly() -> None:
    shown = module("strips.shown").Shown(
        "film", "u1", 2, 10, 74, ("meta",), "/film/%05d.dpx", "sequence", Fraction(7, 3), Fraction(1001, 1000), True,
        Fraction(24000, 1001), 86400, 2048, 1556, 3, 4,
    )  # fmt: skip
    still = module("strips.shown").Shown(
        "still", "u2", 1, 1, 2, (), "/a.png", "still", Fraction(0), Fraction(1), False, None, None, 4, 4
    )
    kept = {"u1": shown, "u2": still}
    assert keeping.from_json(keeping.to_json(kept)) == kept
    for text in ("", "[]", '{"u1": {}}', '{"u1": 3}'):
        with pytest.raises(InvalidRequest):
            keeping.from_json(text)


def test_addresses_beyond_this_machine_need_blenders_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RESILVER_ADDRESS", "RESILVER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    far = connection.Connection(address="tls://render.studio:50051", token="t")
    with pytest.raises(ServerUnreachable, match="Allow Online Access"):
        far.open()
    monkeypatch.setenv("RESILVER_ADDRESS", "tls://render.studio:50051")
    with pytest.raises(ServerUnreachable, match="not allowed to go online"):
        connection.Connection(token="t").open()
    with pytest.raises(ServerUnreachable, match="no server answers"):
        connection.Connection(address="127.0.0.1:1", token="t").open()
    monkeypatch.setattr(Client, "check", lambda client: "")  # from here on it counts who is asked, not who answers
    for address in ("127.0.0.1:1", "localhost:1", "tls://127.0.0.1:1", "unix:/run/resilver.sock"):
        connection.Connection(address=address, token="t").open().close()
    connection.Connection(address="tls://render.studio:50051", token="t", online=True).open().close()
    with pytest.raises(InvalidRequest, match="no such certificate file"):
        connection.Connection(address="tls://127.0.0.1:1", token="t", certificates="/nowhere.pem").open()
    opened = connection.Connection(address="tls://127.0.0.1:1", token="t", certificates=__file__).open()
    assert opened.endpoint().certificates == __file__
    assert "hidden" not in repr(connection.Connection(token="hidden"))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.2, "about 1 s left"),
        (75, "about 75 s left"),
        (200, "about 3 min left"),
        (9000, "about 2 h 30 min left"),
    ],
)
def test_time_left_is_said_in_round_words(seconds: float | None, said: str) -> None:
    assert words.time_left(seconds) == said
