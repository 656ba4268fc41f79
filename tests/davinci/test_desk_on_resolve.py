"""The desk on the real session and the real script side, over the double of Resolve and a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from davinci.desks import desk_over, ended, quick, runs, shown, until
from davinci.linked import Link, doubled
from davinci.reels import reel
from davinci.resolve_double import PROFILES, Double, Profile
from support.serving import ServerProcess, server_process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return reel(tmp_path_factory.mktemp("film") / "reel.mov", 48)


def edit(profile: Profile, film: Path) -> Double:
    """Two clips, the second of them selected, and a title."""
    double = doubled(profile, "24")
    media = double.media(str(film), frames=48, fps=24.0, width=160, height=120)
    double.lay(media, start=0, duration=24, name="first")
    chosen = double.lay(media, start=24, duration=20, source_in=4, name="second")
    double.lay_title("Title", start=60)
    double.select([chosen])
    return double


@pytest.mark.parametrize(
    "profile", [profile for profile in PROFILES if profile.runs_python_menu], ids=lambda profile: profile.name
)
def test_select_restore_and_take_back(profile: Profile, film: Path, server: ServerProcess, tmp_path: Path) -> None:
    double = edit(profile, film)
    before = double.lying()
    link = Link(double, tmp_path / "home")
    with desk_over(link.resolve, tmp_path / "home", server.client) as desk:
        quick(desk, tmp_path / "results")
        rules = shown(desk)["edit"]["rules"]
        matched = rules[shown(desk)["choice"]["rule"]]
        assert matched["name"] == ("selected" if profile.version >= (21, 0, 4) else "current")
        desk.choose(len(rules) - 1)
        clips = {clip["name"]: clip for clip in shown(desk)["edit"]["clips"]}
        assert clips["Title"]["refusal"]["what"]
        assert clips["first"]["in"] == "01:00:00:00"
        number, names = shown(desk)["edit"]["number"], [clip["name"] for clip in shown(desk)["edit"]["clips"]]
        assert desk.thumbnail(number, names.index("second"), 30).startswith(b"\xff\xd8")
        desk.choose(clips=[clips["first"]["id"], clips["second"]["id"]])
        desk.start()
        run = ended(desk)
        assert (run["phase"], run["problems"]) == ("done", [])
        placed = [each for each in double.lying() if each.track == 2]
        assert [(each.start - before[0].start, each.duration) for each in placed] == [(0, 24), (24, 20)]
        assert shown(desk)["edit"]["number"] == number + 1
        desk.take_back(run["job"])
        until(lambda: runs(desk)[0]["phase"] == "taken-back")
        assert double.lying() == before
        until(lambda: [job["can"] for job in shown(desk)["jobs"]["list"]] == [["place", "forget"]])
