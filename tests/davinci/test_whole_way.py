"""All of it at once, as on a user's machine: the installed menu entry in the oldest Python that Resolve takes, the
bridge as its own process, the real server, and a person at the page in a real browser. Only Resolve is the double.

``RESILVER_SCREENSHOTS`` names a folder for pictures of the steps, ``RESILVER_FILM`` and ``RESILVER_RESULTS`` the film
and the folder of results to be seen on them.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from playwright.sync_api import Browser, Page, expect

from davinci.browsing import CHROMIUM, choose_quick, new_page, shot
from davinci.installed import Machine, Running, interpreter
from davinci.linked import doubled
from davinci.reels import reel
from davinci.resolve_double import Double
from davinci.resolve_double.double import Lying
from davinci.resolve_double.profiles import profile
from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from support.serving import ServerProcess, server_process

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed on this system"),
    pytest.mark.xdist_group("davinci-bridge"),
    pytest.mark.timeout(300),
]
BRIDGE = [sys.executable, "-m", "resilver_server.cli.main", "bridge"]
OLDEST = interpreter("3.6") or sys.executable
PLACES = {"Meadow, wide": (0, 20, 4), "Meadow, close": (20, 14, 30)}
"""Start after the timeline's first frame, frames, and the first media frame."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(tmp_path / "server") as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, BRIDGE)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = new_page(browser)
    yield page
    page.context.close()


def edit(folder: Path, name: str = "21.0.4 Studio") -> Double:
    """Two clips of a film side by side, a title, and another that is not meant."""
    given = os.environ.get("RESILVER_FILM")
    film = Path(given) if given else reel(folder / "hafen – reel 3.mp4", 48)
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        rate, width, height = stream.average_rate, stream.width, stream.height
    double = doubled(profile(name), f"{float(rate):g}")  # type: ignore[arg-type]
    media = double.media(str(film), frames=48, fps=rate, width=width, height=height)
    items = [double.lay(media, 1, start, frames, first, name=clip) for clip, (start, frames, first) in PLACES.items()]
    double.lay(media, 1, 50, 10, 0, name="Later")
    items.append(double.lay_title("The Meadow", track=1, start=70, duration=12))
    double.select(items)
    return double


def opened(running: Running) -> str:
    """The page's address, as the menu script prints it."""
    assert running.stdout is not None
    for line in running.stdout:
        found = re.search(rb"http://\S+", line)
        if found:
            return found.group().decode()
    raise AssertionError(running.communicate()[1].decode())


def ended(running: Running) -> None:
    """It ends by itself, without a word of complaint."""
    _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (0, b"")


def restored(double: Double) -> dict[str, Lying]:
    """What lies on track 2, by the name of the clip below that it covers exactly."""
    below = {(each.start, each.duration): each.name for each in double.lying() if each.track == 1}
    above = [each for each in double.lying() if each.track == 2 and each.kind == "video"]
    return {below[each.start, each.duration]: each for each in above}


def test_select_restore_and_place(machine: Machine, server: ServerProcess, page: Page, tmp_path: Path) -> None:
    double = edit(tmp_path)
    before = double.lying()
    running = machine.start(double, python=OLDEST, probe=sys.executable, RESILVER_HOME=str(server.home))
    page.goto(opened(running))
    expect(page.get_by_role("radio", name="3 clips selected")).to_be_checked()
    expect(page.get_by_text("2 of 3 chosen")).to_be_visible()
    choose_quick(page, Path(os.environ.get("RESILVER_RESULTS") or tmp_path / "ergebnisse"))
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_label("Preview", exact=True).get_by_role("slider")).to_be_visible()
    shot(page, "preview")
    page.get_by_role("button", name="Restore 2 clips").click()
    run = page.get_by_role("article").filter(has=page.get_by_role("button", name="Take back"))
    expect(run.get_by_text("Done", exact=True)).to_be_visible()
    expect(run.get_by_label("Where the clips lie").get_by_role("listitem")).to_have_count(2)
    shot(page, "done")
    page.get_by_role("button", name="Close Resilver").click()
    ended(running)
    after = machine.after()
    assert [each for each in after.lying() if each in before] == before
    assert set(restored(after)) == set(PLACES)
    assert all(each.colour and each.source_in == 0 for each in restored(after).values())
    after.save_and_reopen()
    assert set(restored(after)) == set(PLACES), "it was saved"


def test_the_next_day(machine: Machine, server: ServerProcess, page: Page, tmp_path: Path) -> None:
    """Resolve is gone in the middle of a job; the job ends on the server; Jobs places its clips."""
    double = edit(tmp_path, "18.6.6 Free")
    for _, _, item in list(double.timeline.items())[:2]:
        double.colour(item, "Chocolate")
    home = {"RESILVER_HOME": str(server.home)}
    running = machine.start(double, python=OLDEST, probe=sys.executable, **home)
    page.goto(opened(running))
    expect(page.get_by_role("radio", name="2 clips coloured Chocolate")).to_be_checked()
    choose_quick(page, tmp_path / "results")
    page.get_by_role("button", name="Restore 2 clips").click()
    with server.client() as client:
        job = _submitted(client, str(tmp_path / "results"))
        client.pause(job, now=True)  # small films are done before anybody can close Resolve
        running.kill()
        running.communicate()
        expect(page.get_by_text("The bridge has gone.")).to_be_visible()
        client.resume(job)
        list(client.watch(job))
        assert client.get(job).state == jobs_pb2.JOB_STATE_SUCCEEDED
    running = machine.start(double, "jobs", python=OLDEST, probe=sys.executable, **home)
    page.goto(opened(running))
    place = page.get_by_role("button", name="Place all finished (1)")
    expect(place).to_be_visible()
    shot(page, "jobs")
    place.click()
    expect(page.get_by_label("Jobs", exact=True).get_by_text("Placed", exact=True)).to_be_visible()
    page.get_by_role("button", name="Close Resilver").click()
    ended(running)
    assert set(restored(machine.after())) == set(PLACES)


def _submitted(client: Client, folder: str) -> str:
    """The id of the job that renders into this folder, as soon as the server has it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for job in client.all_jobs():
            if any(shot.output.startswith(folder) for shot in job.shots):
                return job.id
        time.sleep(0.02)
    raise AssertionError("no job was submitted")
