"""Select, restore, look, under every profile and rate: each restored clip lies exactly over its original, and its file
shows on every frame of the timeline what the original shows there.

Upscale and interpolation run on real networks in a real server; the session, the script side and everything between
are the real ones; Resolve is the double. What a frame of the timeline shows is reckoned by Resolve's own rule (the
frame of the media that the time lies in), and told from pictures by a bar whose place says the media time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import pytest

from davinci.linked import Heard, Link, doubled
from davinci.resolve_double import PROFILES, Double, Profile
from davinci.resolve_double.double import Lying
from davinci.resolve_double.model import Item, Media
from resilver.v1 import types_pb2
from resilver_client.values import settings
from resilver_otio.times import snap_rate
from resilver_publish.publication import Publication
from resilver_publish.types import Layout, Order, Outcome, Repair
from support import bars
from support.models import installed_models
from support.serving import ServerProcess, server_process

ABLE = [profile for profile in PROFILES if profile.runs_python_menu]
RATES = ("23.976", "24", "25", "29.97", "50", "60")
OUTPUT = Fraction(60)
NETWORK = 0.15
"""Media frames by which a network may put the bar wrong between two filmed frames."""
FIRST_NUMBER, STILL = 86, 20
"""Number of the sequence's first file; media frame that the still shows."""
DISSOLVE = 4
"""Frames that the dissolve reaches over its cut, either way."""


@dataclass(frozen=True)
class Case:
    """A clip of the edit. On frame k of it the media frame ``first + step * k`` is due."""

    name: str
    start: int
    """After the timeline's first frame."""
    duration: int
    first: Fraction
    step: Fraction
    track: int = 1


class Edit:
    """The double with one clip of each kind on its timeline."""

    def __init__(self, profile: Profile, rate: str, folder: Path) -> None:
        self.double = doubled(profile, rate)
        self.rate = snap_rate(float(rate))
        self.cases: list[Case] = []
        film, scan = (self._movie(folder / name, fps) for name, fps in (("film.mp4", 24), ("scan.mp4", 16)))
        same = self._movie(folder / f"own {rate}.mp4", self.rate)
        pictures = self._pictures(folder / "pictures")
        picture = folder / "pictures" / bars.picture_name(FIRST_NUMBER + STILL)
        still = self.double.media(str(picture), frames=1, type="Still", fps=float(rate))
        timed = Fraction(24) / self.rate
        self._lay("whole", same, 0, bars.FRAMES // 3, 0, 1)
        self._lay("trimmed", film, 30, 17, 9, timed)
        self._lay("slow scan", scan, 50, 21, 5, Fraction(16) / self.rate)
        self._lay("half speed", same, 80, 19, 11, Fraction(1, 2))
        self._lay("double speed", same, 100, 13, 6, Fraction(2))
        self._lay("reversed", same, 120, 15, 20, Fraction(-1))
        self._lay("numbered", pictures, 140, 16, 7, 1)
        self._lay("still", still, 160, 11, 0, 0)
        before = self._lay("before the dissolve", same, 180, 14, 20, 1)
        after = self._lay("after the dissolve", same, 194, 14, 24, 1)
        self.double.lay_transition(before, after, DISSOLVE, DISSOLVE)
        self._lay("high up", same, 30, 12, 33, 1, track=3)
        gone = self.double.media(str(folder / "gone.mov"), frames=100, fps=float(rate), online=False)
        self.double.lay(gone, 1, 220, 10, name="offline")
        self.double.lay_title("The End", track=1, start=240, duration=10)
        for _, _, item in self.double.timeline.items():
            self.double.colour(item, "Chocolate")

    def _lay(
        self, name: str, media: Media, start: int, duration: int, first: int, step: Fraction | int, track: int = 1
    ) -> Item:
        """``first`` is the lowest media frame that is shown, ``step`` the media frames of a timeline frame."""
        exact, is_still = Fraction(step), step == 0
        speed = Fraction(1) if is_still else exact / (media.rate / self.rate)
        item = self.double.lay(media, track, start, duration, first, speed, name=name)
        shown_first = Fraction(STILL) if is_still else Fraction(first) if exact > 0 else first - exact * duration - 1
        self.cases.append(Case(name, start, duration, shown_first, exact, track))
        return item

    def _movie(self, path: Path, rate: Fraction | int) -> Media:
        exact = Fraction(rate)
        if not path.exists():
            bars.movie(path, exact)
        return self.double.media(str(path), frames=bars.FRAMES, fps=exact, width=bars.WIDTH, height=bars.HEIGHT)

    def _pictures(self, folder: Path) -> Media:
        if not folder.exists():
            bars.sequence(folder, FIRST_NUMBER)
        pattern = str(folder / "scan.%05d.png")
        return self.double.media(pattern, frames=bars.FRAMES, fps=self.rate, first_number=FIRST_NUMBER)


@pytest.fixture(scope="module")
def workshops(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A folder for each rate: what was rendered under one profile is found under the next."""

    @functools.cache
    def workshop(rate: str) -> Path:
        folder = tmp_path_factory.mktemp(f"at-{rate}")
        installed_models(folder / "home", "rife-4.25", "span-x2")
        return folder

    return workshop


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rate", [pytest.param(rate, marks=pytest.mark.xdist_group(rate)) for rate in RATES])
def test_every_clip_comes_back_in_its_place(rate: str, workshops: Callable[[str], Path], tmp_path: Path) -> None:
    """One test a rate, all profiles in it: they share one server, which renders each clip once."""
    workshop = workshops(rate)
    with server_process(workshop / "home") as server:
        for profile in ABLE:
            edit = Edit(profile, rate, workshop)
            before = edit.double.lying()
            outcome = _restore(edit, server, workshop / profile.name, model="span-x2" if rate == "24" else "none")
            _refused_by_name(outcome)
            worst = _all_in_place(edit, before)
            print(f"{profile.name}, {rate} fps: bars within {worst:.3f} media frames of their time")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("profile", [ABLE[0], ABLE[-1]], ids=lambda profile: profile.name)
@pytest.mark.parametrize("rate", [pytest.param(rate, marks=pytest.mark.xdist_group(rate)) for rate in ("23.976", "25")])
def test_a_new_timeline_has_every_cut_on_its_grid(
    profile: Profile, rate: str, workshops: Callable[[str], Path]
) -> None:
    workshop = workshops(rate)
    with server_process(workshop / "home") as server:
        edit = Edit(profile, rate, workshop)
        before = edit.double.lying()
        folder = workshop / f"new {profile.name}"
        outcome = _restore(edit, server, folder, layout=Layout.NEW_TIMELINE)
    assert outcome.placements, outcome.problems
    old, made = edit.double.project.timelines
    size = [made.settings[f"timelineResolution{side}"] for side in ("Width", "Height")]
    assert (made.rate_text, made.start, size) == ("60", 216000, [str(bars.WIDTH), str(bars.HEIGHT)])
    assert edit.double.timeline is old
    assert edit.double.lying(old) == before
    lying = [each for each in edit.double.lying(made) if each.kind == "video"]
    assert len(lying) == len(edit.cases)
    for case in edit.cases:
        first, last = (ceil(Fraction(frame) / edit.rate * OUTPUT) for frame in (case.start, case.start + case.duration))
        found = next(each for each in lying if case.name in Path(each.path).name and each.track == case.track)
        assert (found.start, found.duration) == (216000 + first, last - first), case.name
        offset = Fraction(first) / OUTPUT - Fraction(case.start) / edit.rate  # seconds after the clip's own cut
        bar = bars.frames_of(Path(found.path))[int(found.source_in) :]
        for number in range(found.duration):
            due = case.first + case.step * (offset + number / OUTPUT) * edit.rate
            assert abs(bar[number] - _shown(due, case)) <= NETWORK, (case.name, number)


def _restore(
    edit: Edit, server: ServerProcess, folder: Path, layout: Layout = Layout.OVERLAY, model: str = "none"
) -> Outcome:
    """All clips of the colour; those that cannot be restored are left out, as a person does after reading why."""
    stages = [
        settings("upscale", {"model": model, "scale": 1.0 if model == "none" else 2.0}),
        settings("interpolate", {"model": "rife-4.25", "rate": str(OUTPUT)}),
    ]
    tail = 0 if layout is Layout.NEW_TIMELINE else 1
    delivery = types_pb2.Delivery(profile="prores-422hq", keep_audio=False, tail_frames=tail)
    order = Order(types_pb2.Recipe(stages=stages, delivery=delivery), str(folder), "a reel", layout)
    link = Link(edit.double, server.home)
    read = link.resolve.read()
    rule = next(rule for rule in read.rules if rule.name == "colour" and rule.clips)
    with server.client() as client:
        heard = Heard()
        session = link.resolve.session(read, rule.clips, client, heard.listener())
        refused = Publication(session, client, order).run()
        assert {problem.error.where for problem in refused.problems if problem.clip} == {"offline", "The End"}
        assert all(Repair.LEAVE_OUT in problem.repairs for problem in refused.problems)
        out = frozenset(problem.clip for problem in refused.problems)
        order = Order(order.recipe, order.output_folder, order.title, layout, leave_out=out)
        outcome = Publication(link.resolve.session(read, rule.clips, client, heard.listener()), client, order).run()
    assert not outcome.problems, outcome.problems
    assert any("dissolve" in sentence.lower() for sentence in heard.reports), heard.reports
    link.resolve.leave()
    return outcome


def _refused_by_name(outcome: Outcome) -> None:
    said = " / ".join(outcome.report)
    assert "offline was left out" in said
    assert "The End was left out" in said


def _all_in_place(edit: Edit, before: list[Lying]) -> float:
    """Every original as it was, every restored clip over its own; the worst error of a bar in media frames."""
    lying = edit.double.lying()
    assert [each for each in lying if each in before] == before
    restored = [each for each in lying if each not in before]
    assert len(restored) == len(edit.cases)
    origin = edit.double.timeline.start
    saved = _reopened(edit.double)
    worst = 0.0
    for case in edit.cases:
        place = (case.track + 1, origin + case.start, case.duration)
        (found,) = [each for each in restored if (each.track, each.start, each.duration) == place]
        assert found in saved, "it is there after the project was closed and opened"
        worst = max(worst, _picture_errors(edit, case, found))
    return worst


def _reopened(double: Double) -> list[Lying]:
    double.save_and_reopen()
    return double.lying()


def _picture_errors(edit: Edit, case: Case, found: Lying) -> float:
    """How far the file's frames are from what is due on each frame of the timeline, in media frames of the original."""
    before = Fraction(DISSOLVE) / edit.rate if case.name == "after the dissolve" else Fraction(0)
    head = ceil(before * OUTPUT)
    assert found.source_in == head, "it begins at the clip's own first moment"
    bar = bars.frames_of(Path(found.path))
    worst = 0.0
    for number in range(case.duration):
        shown = head + floor(number * OUTPUT / edit.rate)
        begins = shown / OUTPUT - before  # seconds after the clip's first moment at which that frame begins
        due = _shown(case.first + case.step * begins * edit.rate, case)
        worst = max(worst, abs(bar[shown] - due))
        assert worst <= NETWORK, f"{case.name}, frame {number}: {bar[shown]:.2f} instead of {float(due):.2f}"
    return worst


def _shown(due: Fraction, case: Case) -> float:
    return float(min(max(due, Fraction(0)), Fraction(bars.FRAMES - 1)))
