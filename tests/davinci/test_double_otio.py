"""The double writes OTIO as Resolve does, held against real exports, and reads it by Resolve's rules."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from davinci.resolve_double import PROFILES, Double, Item, Media, Profile, profile
from support.shared import otio_sample

MXF = "E:\\SHOWREEL\\NBC UNIVERSAL\\more 13th st\\1128797.mxf"
AYON = "C:\\Users\\robin\\OneDrive\\Bureau\\dev_ayon\\"
Node = dict[str, Any]


def desk(version: str = "21.0.4 Studio", rate: str = "50") -> Double:
    """A double with an empty timeline."""
    double = Double(profile(version))
    double.open_project("Film", rate)
    double.open_timeline("Edit")
    return double


def mxf(double: Double) -> Media:
    """The one clip of the real timelines: 30 s at 50 fps from 10:00:00:00."""
    return double.media(MXF, frames=1500, fps=50.0, start_timecode="10:00:00:00", type="Video + Audio")


def differences(made: Any, real: Any, where: str = "") -> list[str]:
    """Where two trees differ, in words: a million characters of OTIO are no message."""
    if isinstance(made, dict) and isinstance(real, dict) and set(made) == set(real):
        pairs = [(f"{where}.{key}", made[key], real[key]) for key in real]
    elif isinstance(made, list) and isinstance(real, list) and len(made) == len(real):
        pairs = [(f"{where}[{index}]", one, other) for index, (one, other) in enumerate(zip(made, real, strict=True))]
    else:
        same = type(made) is type(real) and made == real
        return [] if same else [f"{where}: {str(made)[:300]} is not {str(real)[:300]}"]
    return [found for place, one, other in pairs for found in differences(one, other, place)]


def base(double: Double) -> None:
    double.faults.bare_audio_effects = True
    double.lay(mxf(double), duration=1500, audio=True)


def clean_audio(double: Double) -> None:
    double.lay(mxf(double), duration=1500, audio=True)
    audio = double.project.media[-1]
    for _ in range(len(sample_tracks("ref10_clean_audio_base.otio")) - 2):
        double.project.timeline().tracks["audio"].append(type(double.timeline.tracks["audio"][0])("", "mono"))
    for index, track in enumerate(double.timeline.tracks["audio"], 1):
        track.name = f"Audio {index}"
    assert audio.sound


def transition(frames: int) -> Callable[[Double], None]:
    def lay(double: Double) -> None:
        media = mxf(double)
        first = double.lay(media, duration=596)
        second = double.lay(media, start=596, duration=904, source_in=596)
        second.fade_out = 50
        double.link([first, double.lay_audio(media, duration=1500)])
        double.lay_transition(first, second, frames, frames)

    return lay


def half_speed(double: Double) -> None:
    double.lay(mxf(double), duration=1500, speed=Fraction(1, 2), audio=True)


def ramp(double: Double) -> None:
    keys = [(0, 0), (10.32, 10.32), (49.199999999999996, 20.04), (59.14, 29.98)]
    media = mxf(double)
    item = double.lay_ramp(media, keys, duration=2956)
    double.link([item, double.lay_audio(media, duration=1500)])


def sample_tracks(name: str) -> list[Node]:
    tracks: list[Node] = json.loads(otio_sample("resolve", name).read_text())["tracks"]["children"]
    return tracks


@pytest.mark.parametrize(
    ("name", "lay"),
    [
        ("base.otio", base),
        ("ref2.otio", transition(50)),
        ("ref4_retime_50pct.otio", half_speed),
        ("ref5_speedramp_stepped.otio", ramp),
        ("ref10_clean_audio_base.otio", clean_audio),
    ],
)
def test_writes_what_resolve_wrote(name: str, lay: Callable[[Double], None]) -> None:
    real = json.loads(otio_sample("resolve", name).read_text())
    double = desk()
    lay(double)
    assert differences(json.loads(double.export_otio()), real) == []


def test_writes_the_keys_in_resolves_order() -> None:
    """Key for key, so that a reader that goes by order would be found out."""
    real = json.loads(otio_sample("resolve", "ref2.otio").read_text())
    double = desk()
    transition(50)(double)
    assert list(keys_of(json.loads(double.export_otio()))) == list(keys_of(real))


def keys_of(node: Any) -> Any:
    if isinstance(node, dict):
        yield list(node)
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from keys_of(inner)


def test_writes_what_resolve_wrote_with_a_fader_and_a_volume() -> None:
    """ref3 has a clip volume, and key frames that are not set, which the double does not model; all else is equal."""
    real = json.loads(otio_sample("resolve", "ref3_clipvol.otio").read_text())
    double = desk()
    transition(10)(double)
    sound = [one["metadata"]["Resolve_OTIO"] for one in real["tracks"]["children"][1]["children"][0]["effects"]]
    assert sound[0].pop("Parameters")[0]["Parameter Value"] == -10.0
    sound[0]["Parameters"] = []
    assert all(band.pop("Key Frames") == {} for one in sound[4:] for band in one["Parameters"])
    assert differences(json.loads(double.export_otio()), real) == []


def sequence(double: Double, first: int, frames: int, fps: float, timecode: str = "", folder: str = "") -> Media:
    pattern = AYON + folder + "\\output.%04d.tif"
    return double.media(pattern, frames, fps, timecode, first_number=first)


def clip(double: Double, item: Item, marker: int) -> Node:
    """The one clip of the timeline, with a marker as AYON sets it."""
    handle = double.handle(item)
    assert handle.AddMarker(marker, "Green", "name", "note", 1, "") is True
    tracks = json.loads(double.export_otio())["tracks"]["children"]
    node: Node = next(child for child in tracks[0]["children"] if child["OTIO_SCHEMA"] == "Clip.2")
    return node


def doubled_sequence(double: Double) -> Node:
    media = sequence(double, 1001, 99, 24.0, folder="data\\img_sequence\\tif")
    return clip(double, double.lay(media, duration=11, source_in=39, speed=2), 24)


def handled_movie(double: Double) -> Node:
    media = double.media(AYON + "data\\simple_editorial_setup.mp4", 16450, 25.0, type="Video + Audio")
    return clip(double, double.lay(media, duration=171, audio=True), 85)


def quickened_movie(double: Double) -> Node:
    media = double.media(AYON + "data\\simple_editorial_setup.mp4", 16450, 25.0, type="Video + Audio")
    return clip(double, double.lay(media, duration=171, speed=Fraction(5, 2), audio=True), 85)


def timecoded_movie(double: Double) -> Node:
    media = double.media(AYON + "data\\qt_embedded_tc.mov", 100, 24.0, "01:00:00:00")
    return clip(double, double.lay(media, duration=44, source_in=32 * Fraction(24, 25)), 54)


def handled_sequence(double: Double) -> Node:
    media = sequence(double, 1000, 101, 25.0, folder="samples")
    return clip(double, double.lay(media, duration=39, source_in=34), 53)


@pytest.mark.parametrize(
    ("name", "rate", "lay"),
    [
        ("img_seq_2x_speed_resolve.json", "24", doubled_sequence),
        ("movie_with_handles.json", "25", handled_movie),
        ("qt_retimed_speed.json", "25", quickened_movie),
        ("qt_embedded_tc.json", "25", timecoded_movie),
        ("img_seq_with_handles.json", "25", handled_sequence),
    ],
)
def test_writes_the_clips_that_resolve_wrote(name: str, rate: str, lay: Callable[[Double], Node]) -> None:
    """Made with Resolve 19 and 20, whose effects do not say how they are displayed; AYON's own metadata left aside."""
    real = json.loads(otio_sample("resolve_clips", name).read_text())
    made = lay(desk("20.3.1 Studio", rate))
    for marker in real["markers"] + made["markers"]:
        marker["metadata"] = {key: sorted(marker["metadata"]["Resolve_OTIO"]) for key in ("Resolve_OTIO",)}
        marker["name"] = ""
    assert differences(made, real) == []


def test_fractions_of_a_timeline_frame() -> None:
    """24 fps media in a 25 fps timeline, from 87399@24: six timeline frames in, as AYON's clip with a timecode."""
    real = json.loads(otio_sample("resolve_clips", "img_seq_embedded_tc.json").read_text())
    double = desk("20.3.1 Studio", "25")
    media = sequence(double, 1000, 101, 24.0, "01:00:41:15")
    made = clip(double, double.lay(media, duration=39, source_in=6 * Fraction(24, 25)), 25)
    assert made["source_range"]["start_time"] == real["source_range"]["start_time"]
    assert made["media_references"]["DEFAULT_MEDIA"]["available_range"]["start_time"]["value"] == 87399.0
    assert made["source_range"]["start_time"]["value"] == 91046.625


def test_offline_titles_stills_generators_and_reverse() -> None:
    double = desk(rate="24")
    gone = double.media("/a/gone.mov", 100, 24.0, "00:00:10:00", online=False)
    still = double.media("/a/still.png", 1, 24.0, type="Still")
    played = double.media("/a/played.mov", 100, 24.0)
    double.lay(gone, duration=24)
    double.lay_title("Text+", start=24)
    double.lay(still, start=60, duration=300)
    double.lay_generator(start=360)
    double.lay(played, start=384, duration=41, source_in=20, speed=-1)
    nodes = json.loads(double.export_otio())["tracks"]["children"][0]["children"]
    references = [node["media_references"]["DEFAULT_MEDIA"] for node in nodes if node["OTIO_SCHEMA"] == "Clip.2"]
    assert references[0]["OTIO_SCHEMA"] == "MissingReference.1"
    assert references[0]["metadata"] == {"Resolve_OTIO": {"Media Url": "/a/gone.mov"}}
    assert references[0]["available_range"]["start_time"]["value"] == 240.0
    assert (references[1]["metadata"], references[1]["available_range"], nodes[1]["metadata"]) == ({}, None, {})
    assert nodes[2]["source_range"]["duration"]["value"] == 12.0, "the gap before the still"
    assert references[2]["available_range"]["duration"]["value"] == 1.0
    assert nodes[3]["source_range"]["duration"]["value"] == 300.0
    assert references[3]["OTIO_SCHEMA"] == "GeneratorReference.1"
    assert nodes[5]["effects"][0]["time_scalar"] == -1.0
    assert nodes[5]["source_range"]["start_time"]["value"] == 20.0


@pytest.mark.parametrize(("short", "rate"), [(False, 24000 / 1001), (True, 23.976)])
def test_how_23_976_is_written_is_a_switch(short: bool, rate: float) -> None:
    double = desk(rate="23.976")
    double.faults.short_rates = short
    assert json.loads(double.export_otio())["global_start_time"] == {
        "OTIO_SCHEMA": "RationalTime.1",
        "rate": rate,
        "value": 86400.0,
    }


def test_drop_frame_starts_where_its_timecode_says() -> None:
    double = Double(profile("21.0.4 Studio"))
    double.open_project("Film", "29.97")
    double.open_timeline("Edit", drop_frame=True)
    assert json.loads(double.export_otio())["global_start_time"]["value"] == 107892.0


# Reading


def edit(version: str = "20.3.1 Studio") -> Double:
    """A double with a file of a start timecode on its timeline."""
    double = desk(version, "24")
    double.files["/a/b.mov"] = {"frames": 100, "fps": 24.0, "start_timecode": "10:00:00:00", "type": "Video"}
    double.lay(double.media("/a/b.mov", 100, 24.0, "10:00:00:00"), start=5, duration=30, source_in=12)
    return double


def altered(double: Double, change: Callable[[Node, Node], object]) -> str:
    """The export with something changed: the timeline's node and its clip's."""
    node = json.loads(double.export_otio())
    change(node, node["tracks"]["children"][0]["children"][1])
    return json.dumps(node)


@pytest.mark.parametrize("one", [one for one in PROFILES if not one.has((21, 1))], ids=lambda one: one.name)
def test_what_it_wrote_it_reads(one: Profile) -> None:
    double = edit(one.name)
    before = [lying[1:8] for lying in double.lying()]
    text = double.export_otio()
    assert double.import_otio(text, "again") is not None, double.refused
    assert [lying[1:8] for lying in double.lying()] == before
    assert [media.path for media in double.project.media].count("/a/b.mov") == 2, "source clips are imported anew"


def test_retimes_and_sequences_come_back() -> None:
    double = desk("21.0.4 Studio", "24")
    double.files["/s/f_%04d.dpx"] = {"frames": 50, "fps": 0.0, "type": "Video"}
    media = double.media("/s/f_%04d.dpx", 50, 24.0, first_number=101)
    double.lay(media, duration=10, source_in=20, speed=-2)
    before = double.lying()[0]
    assert double.import_otio(double.export_otio(), "again") is not None, double.refused
    after = double.lying()[0]
    assert (after.path, after.source_in, after.source_frames) == (before.path, 20, 20)
    assert double.timeline.items()[0][2].speed == -2
    double.faults.sequence_import_fails = True
    assert double.import_otio(double.export_otio(), "third") is None


REFUSALS: dict[str, Callable[[Node, Node], object]] = {
    "0-based source on media with a timecode": lambda _, one: one["source_range"]["start_time"].update(value=12.0),
    "unknown schema": lambda _, one: one["markers"].append({"OTIO_SCHEMA": "Marker.3"}),
    "older clip": lambda _, one: one.update(OTIO_SCHEMA="Clip.1"),
    "title": lambda _, one: one["media_references"]["DEFAULT_MEDIA"].update(OTIO_SCHEMA="MissingReference.1"),
    "no global start": lambda node, _: node.pop("global_start_time"),
    "no media references": lambda _, one: one.pop("media_references"),
    "no available range": lambda _, one: one["media_references"]["DEFAULT_MEDIA"].update(available_range=None),
    "no enabled": lambda _, one: one.pop("enabled"),
    "URL": lambda _, one: one["media_references"]["DEFAULT_MEDIA"].update(target_url="file:///a/b.mov"),
    "moved media": lambda _, one: one["media_references"]["DEFAULT_MEDIA"].update(target_url="/elsewhere/b.mov"),
    "no source range": lambda _, one: one.update(source_range=None),
}


@pytest.mark.parametrize("change", REFUSALS.values(), ids=REFUSALS)
def test_what_resolve_refuses(change: Callable[[Node, Node], object]) -> None:
    double = edit()
    pool = list(double.project.media)
    assert double.import_otio(altered(double, change), "again") is None
    assert double.refused
    assert double.project.media == pool
    assert len(double.project.timelines) == 1


def test_a_duplicate_name_is_refused() -> None:
    double = edit()
    assert double.import_otio(double.export_otio(), "Edit") is None
    assert double.import_otio(double.export_otio(), "Edit 2") is not None


@pytest.mark.parametrize(
    ("version", "source_clips", "online"),
    [
        ("19.1.3 Studio", True, True),
        ("19.1.3 Studio", False, False),
        ("21.0.4 Studio", False, False),
        ("21.1.0 Studio", False, True),
        ("21.1.0 Studio", True, None),
    ],
)
def test_source_clips_by_version(version: str, source_clips: bool, online: bool | None) -> None:
    """By default 21.1 refuses media that is in the pool; without source clips older versions make it offline."""
    double = edit(version)
    made = double.import_otio(double.export_otio(), "again", source_clips)
    shown = [double.project.media_of(item.media) for _, _, item in made.items()] if made else []
    assert [media.online for media in shown] == ([] if online is None else [online])


def test_image_sequences_do_not_import_on_18() -> None:
    double = desk("18.6.6 Studio", "24")
    double.files["/s/f_%04d.dpx"] = {"frames": 50, "fps": 0.0, "type": "Video"}
    double.lay(double.media("/s/f_%04d.dpx", 50, 24.0, first_number=101))
    assert double.import_otio(double.export_otio(), "again") is None
    assert "sequences" in double.refused


def test_the_open_question_of_the_rate_is_a_switch() -> None:
    double = edit()
    text = double.export_otio().replace('"rate": 24.0', '"rate": 25.0')
    assert double.import_otio(text, "again") is None, "its media starts at ten hours of 24"
    double = desk(rate="24")
    text = desk(rate="25").export_otio()
    made = double.import_otio(text, "again")
    assert made is not None
    assert made.rate == 25
    double.faults.import_rate_of_project = True
    made = double.import_otio(text, "third")
    assert made is not None
    assert made.rate == 24
