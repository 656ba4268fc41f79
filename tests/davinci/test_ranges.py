"""What lies on a timeline of the double, through its export and its listing, back to the media frames that are shown:
trims, retimes, stills, sequences, timecodes, at every pair of rates, under every profile that runs the menu script."""

from __future__ import annotations

from fractions import Fraction as F
from pathlib import Path
from typing import Any

import pytest

from davinci.linked import Heard, Link, doubled, no_server
from davinci.resolve_double import PROFILES, Double, Item, Profile
from resilver_bridge.clips import Shown
from resilver_client.errors import ClipOffline, ClipUnsupported
from resilver_otio.collect import collect
from resilver_otio.locate import locate
from resilver_otio.types import Selection

ABLE = [profile for profile in PROFILES if profile.runs_python_menu]
RATES = ("23.976", "24", "25", "29.97", "50", "60")


def opened(profile: Profile, rate: str, home: Path, **timeline: Any) -> tuple[Double, Path]:
    """An edit, and a film of 500 frames that is there (its content is not looked at)."""
    film = home / "reel.mov"
    film.touch()
    return doubled(profile, rate, **timeline), film


def read(double: Double, home: Path) -> dict[str, Shown]:
    return dict(Link(double, home).resolve.read().meant.shown)


def checked(shown: Shown, item: Item, frames: int) -> None:
    """The range that the edit shows, spelled out: the lowest frame first, ``source_frames`` of them."""
    assert shown.clip.refusal is None, shown.clip.refusal
    assert shown.request is not None
    located = locate(shown.request, shown.request.media_rate or F(24), frames)
    speed, rate = located.speed, located.rate
    assert (speed, located.duration) == (item.speed, item.duration / shown.request.timeline_rate)
    travel = item.source_frames
    assert abs(speed) * located.duration * rate == travel
    first = located.start * rate
    low = first if speed >= 0 else first + abs(speed) * rate / shown.request.timeline_rate - travel
    assert abs(low - item.source_in) <= F(1, 1000), f"{float(low)} is not {float(item.source_in)}"


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
@pytest.mark.parametrize("rate", RATES)
def test_trims_and_retimes_at_every_rate(profile: Profile, rate: str, tmp_path: Path) -> None:
    double, film = opened(profile, rate, tmp_path)
    laid = []
    for media_rate in RATES:
        media = double.media(str(film), frames=500, fps=media_rate, start_timecode="10:00:00:00")
        for number, speed in enumerate((F(1), F(1, 2), F(2), F(-1), F(-2), F(5, 2))):
            start = 25 * len(laid)
            laid.append(
                double.lay(media, 1, start, 24, source_in=30 + number, speed=speed, name=f"{media_rate} x{speed}")
            )
    shown = read(double, tmp_path)
    assert len(shown) == len(laid)
    for item in laid:
        checked(shown[item.id], item, 500)


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
def test_what_restores_is_what_the_server_will_collect(profile: Profile, tmp_path: Path) -> None:
    double, film = opened(profile, "25", tmp_path)
    media = double.media(str(film), frames=500, fps=24.0, start_timecode="01:00:00:00")
    first = double.lay(media, 1, 10, 50, source_in=20, name="first")
    second = double.lay(media, 1, 60, 40, source_in=100, speed=F(-1), name="second")
    double.lay_transition(first, second, 6, 6)
    link = Link(double, tmp_path)
    read = link.resolve.read()
    session = link.resolve.session(read, [second.id, first.id], no_server(), Heard().listener())
    timeline = session.timeline(session.selection())
    clips = collect(timeline.otio, Selection(indices=timeline.selection)).clips
    assert [(clip.name, clip.record_start * 25, clip.speed) for clip in clips] == [("first", 10, 1), ("second", 60, -1)]
    assert [clip.id for clip in clips] == [timeline.places[first.id], timeline.places[second.id]]
    assert (clips[0].tail, clips[1].head) == (F(6, 25), F(6, 25))


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
@pytest.mark.parametrize("timecode", ["", "00:00:00:00", "01:00:00:00", "09:59:59:13"])
def test_starts_between_frames_and_timecodes(profile: Profile, timecode: str, tmp_path: Path) -> None:
    """A cut on a frame of 25 falls between frames of 24: 10.08, 11.04, 20.5."""
    double, film = opened(profile, "25", tmp_path)
    media = double.media(str(film), frames=500, fps=24.0, start_timecode=timecode)
    laid = [
        double.lay(media, 1, 40 * number, 30, source_in=start)
        for number, start in enumerate((F(252, 25), F(276, 25), F(41, 2), F(0)))
    ]
    shown = read(double, tmp_path)
    for item in laid:
        checked(shown[item.id], item, 500)


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
def test_sequences_keep_their_numbers(profile: Profile, tmp_path: Path) -> None:
    pattern = str(tmp_path / "scan é.%05d.dpx")
    Path(pattern % 1001).touch()
    double, _ = opened(profile, "24", tmp_path)
    media = double.media(pattern, frames=200, fps=18.0, first_number=1001)
    item = double.lay(media, 1, 0, 48, source_in=39, speed=F(2), name="scan")
    (shown,) = read(double, tmp_path).values()
    checked(shown, item, 200)
    assert shown.media is not None
    assert (shown.media.path, shown.media.first_number, shown.media.is_sequence) == (pattern, 1001, True)
    assert shown.media.first_frame == 39


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
def test_stills_and_freezes_show_one_frame(profile: Profile, tmp_path: Path) -> None:
    double, film = opened(profile, "24", tmp_path)
    (tmp_path / "still.png").touch()
    still = double.lay(double.media(str(tmp_path / "still.png"), frames=1, type="Still"), 1, 0, 120, name="still")
    freeze = double.lay(double.media(str(film), frames=100), 1, 200, 48, source_in=20, speed=0, name="freeze")
    shown = read(double, tmp_path)
    for item, frames, first in ((still, 1, 0), (freeze, 100, 20)):
        each = shown[item.id]
        assert each.clip.refusal is None
        assert each.request is not None
        located = locate(each.request, F(24), frames)
        assert (located.start * 24, located.speed, located.duration * 24) == (first, 0, item.duration)


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
@pytest.mark.parametrize(("rate", "drop"), [("29.97", True), ("29.97", False), ("59.94", True), ("23.976", False)])
def test_ntsc_and_drop_frame(profile: Profile, rate: str, drop: bool, tmp_path: Path) -> None:
    double, film = opened(profile, rate, tmp_path, drop_frame=drop, start_timecode="10:00:00;00" if drop else "")
    media = double.media(str(film), frames=500, fps=rate)
    item = double.lay(media, 1, 17983, 100, source_in=11)
    link = Link(double, tmp_path)
    read = link.resolve.read()
    assert (read.drop_frame, read.rate.denominator) == (drop, 1001)
    checked(read.meant.shown[item.id], item, 500)
    (clip,) = read.clips
    assert clip.start - read.start == 17983


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
def test_empty_tracks_and_what_is_no_film(profile: Profile, tmp_path: Path) -> None:
    double, film = opened(profile, "24", tmp_path)
    media = double.media(str(film), frames=100)
    good = double.lay(media, 3, 5, 20, name="good")
    double.lay(double.media("/gone/b.mov", frames=100, online=False), 1, 0, 20, name="offline")
    double.lay(double.media("/gone/c.mov", frames=100), 1, 30, 20, name="missing")
    double.lay_title("Text+", 1, 60)
    double.lay_generator("Solid Color", 1, 90)
    double.lay_adjustment("Adjustment Clip", 4, 0)
    double.lay_compound("Compound Clip 1", 1, 120)
    double.lay_multicam("Multicam 1", 1, 150)
    double.lay_ramp(media, [(0, 0), (1, 2)], 1, 180)
    before, after = (
        double.lay(media, 5, 0, 20, source_in=20, name="l"),
        double.lay(media, 5, 20, 20, source_in=40, name="r"),
    )
    double.lay_transition(before, after, 4, 4)
    shown = read(double, tmp_path)
    assert shown[good.id].clip.refusal is None
    refused = {each.clip.name: each.clip.refusal for each in shown.values() if each.clip.refusal is not None}
    assert sorted(refused) == sorted([
        "offline", "missing", "Text+", "Solid Color", "Adjustment Clip", "Compound Clip 1", "Multicam 1", "reel.mov",
    ])  # fmt: skip
    assert {name for name, error in refused.items() if isinstance(error, ClipOffline)} == {"offline", "missing"}
    assert all(
        isinstance(error, ClipOffline | ClipUnsupported) and error.where == name for name, error in refused.items()
    )
    assert "speed changes" in refused["reel.mov"].what
    assert "compound" in refused["Compound Clip 1"].what
    assert "multicam" in refused["Multicam 1"].what
    assert len(shown) == 11  # and no transition
