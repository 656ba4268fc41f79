"""A person's way through the page, in a real browser: rules, choosing, a preset, a parameter, a preview with its wipe,
start, cancel, start again, done, take back, jobs.

``RESILVER_SCREENSHOTS`` names a folder for pictures of every step, for the documentation.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from davinci import browsing
from davinci.browsing import choose_quick, keep, opened, set_folder, shot
from davinci.desks import BRIDGE, STATION, TITLE, TUNNEL, conform, desk_over, ended, runs, shown, until
from davinci.memory_desk_host import MemoryDeskHost
from publish.conftest import CLOSED, known_models
from resilver_bridge.desk import Desk
from resilver_bridge.page.serving import Serving
from resilver_client.client import Client
from resilver_client.errors import ServerUnreachable
from resilver_publish.types import Layout, Progress
from support.models import installed_models
from support.serving import ServerProcess, server_process

pytestmark = pytest.mark.skipif(browsing.CHROMIUM is None, reason="no Chromium is installed on this system")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def host(tmp_path: Path) -> MemoryDeskHost:
    return conform(tmp_path)


@pytest.fixture
def desk(host: MemoryDeskHost, server: ServerProcess, tmp_path: Path) -> Iterator[Desk]:
    with desk_over(host, tmp_path / "home", server.client) as desk:
        yield desk


@pytest.fixture
def serving(desk: Desk) -> Iterator[Serving]:
    serving = Serving(desk)
    serving.start()
    yield serving
    desk.close()
    serving.stop()


@pytest.fixture
def page(browser: Browser, serving: Serving) -> Iterator[Page]:
    page = browsing.new_page(browser)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(serving.url())
    yield page
    page.context.close()
    assert faults == []


def test_a_persons_way(page: Page, host: MemoryDeskHost, desk: Desk, server: ServerProcess, tmp_path: Path) -> None:
    _choose_clips(page)
    _set_up(page, desk, tmp_path)
    _preview(page)
    with server.client() as client:
        _restore(page, host, client)
    _take_back_and_place(page, host)


def _choose_clips(page: Page) -> None:
    """The rule that matched, another one, some of its clips."""
    expect(page.get_by_role("radio", name="3 selected clips matched")).to_be_checked()
    clips = page.get_by_label("Clips")
    expect(clips.get_by_text("2 of 3 chosen")).to_be_visible()
    expect(clips.get_by_text("It is a generator, which has no film. Leave it out.")).to_be_visible()
    expect(clips.get_by_role("checkbox", name=TITLE)).to_be_disabled()
    expect(page.get_by_role("radio", name="Clips between the marks")).to_be_disabled()
    expect(clips.get_by_alt_text(f"First frame of {STATION}")).to_have_js_property("complete", True)
    assert clips.get_by_alt_text(f"First frame of {STATION}").evaluate("picture => picture.naturalWidth") == 160
    expect(clips.get_by_label("No picture: It is a generator")).to_be_visible()
    shot(page, "1-clips")
    page.get_by_role("radio", name="All 5 clips").check()
    expect(clips.get_by_role("checkbox")).to_have_count(5)
    expect(clips.get_by_role("checkbox", name=TUNNEL)).to_be_checked()
    clips.get_by_role("checkbox", name=TUNNEL).uncheck()
    expect(page.get_by_role("button", name="Restore 2 clips")).to_be_enabled()
    clips.get_by_role("button", name="None").click()
    expect(page.get_by_role("button", name="Restore", exact=True)).to_be_disabled()
    page.get_by_role("radio", name="3 selected clips").check()


def _set_up(page: Page, desk: Desk, folder: Path) -> None:
    """A preset, a parameter that then differs and is set back, a target, and where it goes."""
    page.get_by_role("combobox", name="Preset", exact=True).select_option("talkie")
    expect(page.get_by_text("its own 24 frames a second are kept")).to_be_visible()
    expect(page.get_by_text("Changed from the preset", exact=True)).to_be_hidden()
    opened(page, "deflicker").click()
    window = page.locator('[id="deflicker.window"]')
    expect(window).to_have_value("1")
    window.fill("2")
    window.press("Tab")
    expect(page.get_by_text("Changed from the preset", exact=True)).to_be_visible()
    expect(page.locator(".parameter.changed")).to_have_count(1)
    until(lambda: _stage(desk, "deflicker")["differs"] == ["window"])
    shot(page, "2-recipe")
    page.get_by_role("combobox", name="Size", exact=True).select_option("1920x1080")
    expect(page.locator('[id="upscale.width"]').get_by_text("1920 (target)")).to_have_count(1)
    page.get_by_role("combobox", name="Size", exact=True).select_option("")
    page.get_by_role("button", name="Set back", exact=True).click()
    expect(window).to_have_value("1")
    opened(page, "deflicker").click()
    choose_quick(page, folder / "results")
    until(lambda: shown(desk)["wish"]["folder"] == str(folder / "results"))


def _stage(desk: Desk, name: str) -> dict[str, object]:
    return next(dict(stage) for stage in shown(desk)["wish"]["stages"] if stage["name"] == name)


def _preview(page: Page) -> None:
    """Before and after, the wipe dragged and moved by keys, and what a stage changed."""
    frames = page.get_by_label("Frames of a preview")
    frames.fill("2")
    frames.press("Tab")
    page.get_by_role("button", name="Preview", exact=True).click()
    viewer = page.get_by_label("Preview", exact=True)
    expect(viewer.get_by_role("group", name="Frames of the preview").get_by_role("button")).to_have_count(4)
    handle = viewer.get_by_role("slider")
    expect(handle).to_have_attribute("aria-valuenow", "50")
    canvas = viewer.locator("canvas")
    expect(canvas).to_have_js_property("width", 160)
    middle = _pixels(page)
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(handle).to_have_attribute("aria-valuenow", "80")
    shot(page, "3-preview")
    moved = _pixels(page)
    assert moved[: 78 * 4] == middle[: 78 * 4], "what was before the wipe is before it still"
    assert moved[82 * 4 : 126 * 4] != middle[82 * 4 : 126 * 4], "between the two places it is now what was before"
    assert moved[130 * 4 :] == middle[130 * 4 :]
    handle.press("Home")
    expect(handle).to_have_attribute("aria-valuenow", "0")
    viewer.get_by_role("button", name="After").click()
    assert _pixels(page) == _pixels_when_wiped_away(page, viewer.get_by_role("button", name="Wipe"))
    viewer.get_by_role("button", name="Δ deflicker").click()
    expect(viewer.get_by_text("Before", exact=True).last).to_be_hidden()
    shot(page, "4-change-map")
    viewer.get_by_role("button", name=f"{BRIDGE} · 15").click()
    expect(viewer.get_by_text("frame 15")).to_be_visible()
    viewer.get_by_role("button", name="Wipe").click()
    handle.press("End")
    for _ in range(5):
        handle.press("PageUp")


def _pixels(page: Page) -> list[int]:
    """RGBA of the middle row of what is shown."""
    page.wait_for_timeout(150)  # the picture is decoded and painted
    return list(
        page.locator(".viewer canvas").evaluate(
            "canvas => [...canvas.getContext('2d').getImageData(0, canvas.height >> 1, canvas.width, 1).data]"
        )
    )


def _pixels_when_wiped_away(page: Page, wipe: Locator) -> list[int]:
    wipe.click()
    return _pixels(page)


def _restore(page: Page, host: MemoryDeskHost, client: Client) -> None:
    """Start, see it go, cancel, start again, done."""
    host.while_working = lambda progress: _pause(host, client, progress)
    page.get_by_role("button", name="Restore 2 clips").click()
    run = page.get_by_role("article", name="Restore 2 clips of Reel 2 conform")
    expect(run.get_by_role("progressbar").first).to_be_visible()
    expect(run.get_by_role("listitem").filter(has_text=STATION)).to_be_visible()
    expect(run.get_by_text("Paused", exact=True)).to_be_visible()
    expect(run.get_by_role("button", name="Go on")).to_be_visible()
    run.get_by_role("button", name="Cancel").click()
    expect(run.get_by_text("Cancelled", exact=True)).to_be_visible()
    expect(run.get_by_text("Nothing was placed.")).to_be_visible()
    run.get_by_role("button", name="Start again").click()
    expect(run.get_by_text("Done", exact=True)).to_be_visible()
    expect(run.get_by_label("Where the clips lie").get_by_role("listitem")).to_have_text(
        [f"{STATION}Track 2", f"{BRIDGE}Track 2"]
    )
    shot(page, "6-done")


def _pause(host: MemoryDeskHost, client: Client, progress: Progress) -> None:
    """A job of small films would be done before a person could cancel it."""
    host.while_working = lambda _: None
    client.pause(progress.job)


class Gate:
    """Holds a job's news up once, half-way, for a picture of it."""

    def __init__(self) -> None:
        self.held, self.go = threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> None:
        if 0.03 < progress.fraction < 0.99 and not self.go.is_set():
            self.held.set()
            self.go.wait(30)


def _take_back_and_place(page: Page, host: MemoryDeskHost) -> None:
    run = page.get_by_role("article", name="2 clips of Reel 2 conform").first
    run.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("2 clips taken out of Reel 2 conform again")).to_be_visible()
    expect(run.get_by_text("Taken back", exact=True)).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    run.get_by_role("button", name="Close").click()
    page.get_by_role("tab", name="Jobs").click()
    jobs = page.get_by_label("Jobs", exact=True)
    expect(jobs.get_by_text("Finished", exact=True)).to_be_visible()
    shot(page, "7-jobs")
    jobs.get_by_role("button", name="Place all finished (1)").click()
    expect(jobs.get_by_text("Placed", exact=True)).to_be_visible()
    assert len([clip for track, _, clip in host.edit.clips() if track == 2]) == 2
    jobs.get_by_role("button", name="Forget").click()
    expect(jobs.get_by_text("No job is kept for this project.")).to_be_visible()


def test_problems_are_told_by_clip_and_repaired(page: Page, host: MemoryDeskHost, tmp_path: Path) -> None:
    choose_quick(page, tmp_path / "results")
    opened(page, "deflicker").click()
    page.locator('[id="deflicker.limit"]').fill("0.4")  # another test's segments would be found in the server's store
    opened(page, "deflicker").click()
    gate = Gate()
    host.while_working = gate
    page.get_by_role("button", name="Restore 2 clips").click()
    first = page.get_by_role("article").last
    assert gate.held.wait(60)
    expect(first.get_by_text(re.compile(r"^[1-9]\d? %"))).to_be_visible()
    expect(first.get_by_role("progressbar").first).not_to_have_attribute("aria-valuenow", "0")
    shot(page, "5-progress")
    gate.go.set()
    expect(first.get_by_text("Done", exact=True)).to_be_visible()
    page.get_by_role("button", name="Restore 2 clips").click()
    second = page.get_by_role("article").first
    expect(second.get_by_text(f"{BRIDGE}: The place for the restored clip is taken")).to_be_visible()
    shot(page, "8-problems")
    second.get_by_role("button", name="Use the next free track").first.click()
    expect(second.get_by_text("Done", exact=True)).to_be_visible()
    expect(second.get_by_text("Track 3").first).to_be_visible()


def test_what_is_done_quickly_is_done_in_order(page: Page, desk: Desk, tmp_path: Path) -> None:
    """Answers take a while, and a person does not wait for them."""
    page.get_by_role("radio", name="All 5 clips").check()
    until(lambda: shown(desk)["choice"]["rule"] == 4)
    expect(page.get_by_label("Clips").get_by_role("checkbox")).to_have_count(5)
    page.evaluate(
        """folder => {
            for (const name of ["Station", "Across"])
                [...document.querySelectorAll(".clips li")]
                    .find(row => row.textContent.includes(name)).querySelector("input").click();
            for (const stage of document.querySelectorAll("[data-do=stage]:checked"))
                if (stage.dataset.stage !== "deflicker") stage.click();
            const field = document.querySelector("[data-set=folder]");
            field.value = folder;
            field.dispatchEvent(new Event("change", { bubbles: true }));
            document.querySelector("[data-do=preview]").click();
        }""",
        "nowhere",
    )
    expect(page.get_by_text("There is no folder for the results")).to_be_visible()
    expect(page.get_by_text("1 of 5 chosen")).to_be_visible()
    wish = shown(desk)["wish"]
    assert [stage["name"] for stage in wish["stages"] if stage["on"]] == ["deflicker"]
    assert runs(desk) == []


def test_what_was_changed_is_shown_and_a_clip_keeps_frames(page: Page, desk: Desk, tmp_path: Path) -> None:
    choose_quick(page, tmp_path / "results")
    page.get_by_role("switch", name="Change maps").check()
    clips = page.get_by_label("Clips")
    asks = clips.locator("details.asks").first
    expect(clips.locator("details.asks")).to_have_count(2)
    asks.locator("summary").click()
    expect(asks.get_by_role("textbox")).to_have_count(3)
    expect(asks.get_by_text("It begins with frame 0 of its film.")).to_be_visible()
    expect(clips.get_by_text("It begins with frame 5 of its film.")).to_be_hidden()
    field = asks.get_by_role("textbox", name=f"Keep frames, Deflicker, {STATION}")
    field.fill("5 - 3")
    field.press("Tab")
    expect(page.get_by_text("'5-3' names no frames")).to_be_visible()
    field.fill("4,3, 10-12")
    field.press("Tab")
    expect(field).to_have_value("3-4, 10-12")
    page.get_by_role("button", name="Dismiss").click()
    expect(asks.get_by_role("img", name="1 set")).to_be_visible()
    opened(page, "repair").locator("input").check()
    expect(asks.get_by_role("textbox", name=f"Defect map, Repair, {STATION}")).to_be_visible()
    shot(page, "13-clip-asks")
    opened(page, "repair").locator("input").uncheck()
    page.get_by_role("button", name="Restore 2 clips").click()
    maps = page.get_by_role("list", name="Change maps").get_by_role("listitem")
    expect(maps).to_have_count(2)
    shot(page, "14-change-maps")
    paths = [Path(each["path"]) for each in ended(desk)["changes"]]
    assert [path.name.endswith(".changes.mkv") for path in paths] == [True, True]
    assert all(path.is_file() for path in paths)
    asked = [path.with_name(path.name.replace(".changes.mkv", ".resilver.json")).read_text() for path in paths]
    kept = [{stage["stage"]: stage["keep_frames"] for stage in json.loads(text)["stages"]} for text in asked]
    assert kept[0]["deflicker"] == [{"start": 3, "stop": 5}, {"start": 10, "stop": 13}]
    assert kept[1]["deflicker"] == []


def test_a_licence_is_read_before_it_is_accepted(browser: Browser, host: MemoryDeskHost, tmp_path: Path) -> None:
    home = tmp_path / "server"
    home.mkdir()
    known_models(home)
    with server_process(home) as server, desk_over(host, tmp_path / "home", server.client) as desk:
        serving = Serving(desk)
        page = browsing.new_page(browser)
        page.goto(serving.start())
        keep(page, "upscale")
        opened(page, "upscale").click()
        model = page.locator('[id="upscale.model"]')
        model.fill(CLOSED)
        model.press("Tab")
        page.get_by_role("combobox", name="Format", exact=True).select_option("ffv1")
        set_folder(page, tmp_path / "results")
        page.get_by_role("button", name="Restore 2 clips").click()
        page.get_by_role("button", name="Read the licence…").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text("Its weights are under CC-BY-NC-4.0")).to_be_visible()
        shot(page, "11-licence")
        dialog.get_by_role("button", name="Do not accept").click()
        expect(dialog).to_be_hidden()
        expect(page.get_by_text("Stopped", exact=True)).to_be_visible()
        page.get_by_role("button", name="Read the licence…").click()
        dialog.get_by_role("button", name="Accept CC-BY-NC-4.0 and install").click()
        expect(page.get_by_text("Done", exact=True)).to_be_visible()
        page.close()
        desk.close()
        serving.stop()


def test_the_page_survives_a_reload_and_says_when_the_bridge_has_gone(
    page: Page, desk: Desk, serving: Serving, tmp_path: Path
) -> None:
    choose_quick(page, tmp_path / "results")
    page.get_by_role("radio", name="All 5 clips").check()
    expect(page.get_by_role("button", name="Restore 3 clips")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Restore 3 clips")).to_be_visible()
    expect(page.get_by_role("combobox", name="Preset", exact=True)).to_have_value("talkie")
    expect(page.get_by_label("Folder")).to_have_value(str(tmp_path / "results"))
    desk.close()
    serving.stop()
    expect(page.get_by_text("The bridge has gone.")).to_be_visible()


def test_what_the_user_cannot_see_is_said(
    page: Page, desk: Desk, host: MemoryDeskHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.silent = 16.0
    expect(page.get_by_text("DaVinci Resolve Studio has not answered for 15 s.")).to_be_visible()
    expect(page.get_by_text("A dialog may be open in it")).to_be_visible()
    shot(page, "9-waiting")
    host.silent = 0.0
    expect(page.get_by_text("A dialog may be open in it")).to_be_hidden()
    folder = page.get_by_label("Folder")
    folder.fill("results")
    folder.press("Tab")
    page.get_by_role("button", name="Restore 2 clips").click()
    expect(page.get_by_text("There is no folder for the results")).to_be_visible()
    page.get_by_role("button", name="Close Resilver").click()
    expect(page.get_by_text("Resilver is closed.")).to_be_visible()
    assert desk.left.is_set()


def test_a_missing_server_and_a_poor_edition(browser: Browser, host: MemoryDeskHost, tmp_path: Path) -> None:
    def unreachable() -> Client:
        raise ServerUnreachable("the server did not come up in time", where="server.log", remedy="the log says why")

    host.layouts = dict.fromkeys(Layout, "needs Resolve 18.5") | {Layout.FILE: ""}
    with desk_over(host, tmp_path / "home", unreachable) as desk:
        serving = Serving(desk)
        page = browsing.new_page(browser)
        page.goto(serving.start())
        expect(page.get_by_text("The server did not come up in time")).to_be_visible()
        expect(page.get_by_text("The log says why")).to_be_visible()
        expect(page.get_by_role("button", name="Start it again")).to_be_visible()
        page.close()
        desk.close()
        serving.stop()


def test_it_fits_narrow_windows_and_keys_reach_everything(page: Page, host: MemoryDeskHost) -> None:
    expect(page.get_by_role("button", name="Restore 2 clips")).to_be_visible()
    for width in (1280, 1000, 700):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        unlabelled = page.evaluate(
            "[...document.querySelectorAll('input, select, button')].filter(e => !e.labels?.length"
            " && !e.getAttribute('aria-label') && !e.textContent.trim()).map(e => e.outerHTML)"
        )
        assert unlabelled == []
    shot(page, "10-narrow")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("body").press("Tab")
    reached = set()
    for _ in range(60):
        reached.add(page.evaluate("document.activeElement.dataset.do ?? document.activeElement.dataset.set ?? ''"))
        page.keyboard.press("Tab")
    assert {
        "tab",
        "read",
        "leave",
        "rule",
        "clip",
        "preset",
        "stage",
        "target",
        "layout",
        "folder",
        "preview",
        "start",
    } <= reached


def test_networks_and_a_new_timeline(browser: Browser, tmp_path: Path) -> None:
    """The whole of what the menu entry is for, with real networks: twice the size, 60 frames a second."""
    home = installed_models(tmp_path / "server", "rife-4.25", "span-x2")
    host = conform(tmp_path, "new-timeline")
    host.selected = (STATION,)
    with server_process(home) as server, desk_over(host, tmp_path / "home", server.client) as desk:
        serving = Serving(desk)
        page = browsing.new_page(browser)
        page.goto(serving.start())
        expect(page.get_by_role("radio", name="New timeline")).to_be_checked()
        expect(page.get_by_role("combobox", name="Size", exact=True)).to_have_value("3840x2160")
        expect(page.get_by_role("combobox", name="Rate", exact=True)).to_have_value("60")
        page.get_by_role("combobox", name="Size", exact=True).select_option("own")
        own = page.get_by_label("Other size")
        own.fill("320x240")
        own.press("Tab")
        until(lambda: shown(desk)["wish"]["size"] == "320x240")
        opened(page, "upscale").click()
        model = page.locator('[id="upscale.model"]')
        model.fill("span-x2")
        model.press("Tab")
        keep(page, "deflicker", "upscale", "interpolate")
        page.get_by_role("combobox", name="Format", exact=True).select_option("ffv1")
        set_folder(page, tmp_path / "results")
        page.get_by_role("button", name="Restore 1 clip").click()
        placed = page.get_by_label("Where the clips lie")
        expect(placed.get_by_text("The second timeline")).to_be_visible(timeout=120_000)
        assert runs(desk)[0]["phase"] == "done"
        page.close()
        desk.close()
        serving.stop()
