"""A round trip through every installed adapter: the same clips, frames and places come out of every format."""

from __future__ import annotations

import math
import zipfile
from fractions import Fraction as F
from pathlib import Path

import opentimelineio as otio
import pytest

from resilver_client.errors import OutputExists, OutputUnwritable, TimelineUnreadable
from resilver_otio.collect import collect
from resilver_otio.locate import locate
from resilver_otio.parse import parse_timeline, to_json
from resilver_otio.place import place
from resilver_otio.read import read_timeline
from resilver_otio.types import Layout, Restored
from resilver_otio.write import write_timeline

RT, TR = otio.opentime.RationalTime, otio.opentime.TimeRange
CUTS = (("c0", 10, 40), ("c1", 20, 30), ("c2", 5, 25))
"""Name, first media frame, length; a gap of 12 frames lies before the last."""


def edit(folder: Path) -> otio.schema.Timeline:
    timeline = otio.schema.Timeline("edit")
    track = otio.schema.Track("V1", kind="Video")
    timeline.tracks.append(track)
    for number, (name, start, length) in enumerate(CUTS):
        media = folder / f"{name}.mov"
        media.write_bytes(bytes(10 + number))
        if number == 2:
            track.append(otio.schema.Gap(source_range=TR(RT(0, 24), RT(12, 24))))
        reference = otio.schema.ExternalReference(media.as_uri(), TR(RT(0, 24), RT(100, 24)))
        clip = otio.schema.Clip(name, reference, TR(RT(start, 24), RT(length, 24)))
        clip.metadata["cmx_3600"] = {"reel": name}
        track.append(clip)
    return timeline


def for_aaf(timeline: otio.schema.Timeline) -> otio.schema.Timeline:
    """The AAF writer wants to be told which mob a clip comes from."""
    timeline.global_start_time = RT(0, 24)
    for number, clip in enumerate(timeline.find_clips()):
        mob = f"urn:smpte:umid:060a2b34.01010105.01010f10.13000000.060a2b34.7f7f2a80.5c9e6a3b.0{number}000000"
        clip.metadata["AAF"] = {"SourceID": mob}
        clip.media_reference.metadata["AAF"] = {"MobID": mob}
    return timeline


def needs(suffix: str) -> None:
    if suffix not in otio.adapters.suffixes_with_defined_adapters(read=True, write=True):
        pytest.skip(f"needs the adapter for .{suffix}: pip install 'resilver[timelines]'")


@pytest.mark.parametrize("suffix", ["otio", "otioz", "otiod", "xml", "fcpxml", "edl", "aaf"])
def test_clips_frames_and_places(suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    timeline = edit(tmp_path)
    file = tmp_path / f"edit.{suffix}"
    otio.adapters.write_to_file(for_aaf(timeline) if suffix == "aaf" else timeline, str(file))
    read = read_timeline(file)
    assert read.rate == 24
    found = collect(read.json)
    assert not found.refusals
    assert [clip.name for clip in found.clips] == ["c0", "c1", "c2"]
    assert [clip.record_start * 24 for clip in found.clips] == [0, 40, 82]
    restored = []
    for clip, (name, start, length) in zip(found.clips, CUTS, strict=True):
        spot = locate(clip, F(24), 100)
        assert (spot.start * 24, spot.duration * 24) == (start, length)
        assert Path(clip.media).name == f"{name}.mov"
        assert Path(clip.media).read_bytes() == bytes(10 + int(name[1]))
        frames = math.ceil(spot.duration * 60)
        restored.append(Restored(clip.id, f"/out/{name}.mov", F(60), frames, 3840, 2160, "job", "abc"))
    above = parse_timeline(place(read.json, restored, Layout.OVERLAY).timeline).tracks[1]
    spans = [above.range_of_child(clip) for clip in above.find_clips()]
    assert [(span.start_time.value, span.duration.value) for span in spans] == [(0, 40), (40, 30), (82, 25)]


@pytest.mark.parametrize("suffix", ["otio", "xml", "fcpxml"])
def test_result_is_written_and_read_again(suffix: str, tmp_path: Path) -> None:
    needs(suffix)
    text = to_json(edit(tmp_path))
    results = [
        Restored(clip.id, f"/out/{clip.name}.mov", F(60), 300, 3840, 2160, "job", "abc") for clip in collect(text).clips
    ]
    placed = place(text, results, Layout.OVERLAY).timeline
    target = tmp_path / f"result.{suffix}"
    write_timeline(placed, target)
    again = parse_timeline(read_timeline(target).json)
    paths = [clip.media_reference.target_url.removeprefix("file://") for clip in again.tracks[1].find_clips()]
    assert paths == ["/out/c0.mov", "/out/c1.mov", "/out/c2.mov"]
    with pytest.raises(OutputExists):
        write_timeline(placed, target)
    assert [each.name for each in tmp_path.iterdir() if ".part" in each.name] == []


def test_otio_is_written_as_it_is(tmp_path: Path) -> None:
    text = to_json(edit(tmp_path))
    write_timeline(text, tmp_path / "copy.otio")
    assert (tmp_path / "copy.otio").read_text() == text


def test_unwritable_format_is_named(tmp_path: Path) -> None:
    needs("edl")
    timeline = edit(tmp_path)
    timeline.tracks.append(timeline.tracks[0].deepcopy())
    with pytest.raises(OutputUnwritable, match=r"single video track.*write it as \.otio"):
        write_timeline(to_json(timeline), tmp_path / "two.edl")


EDL = """TITLE: x

001  R1       V     C        00:00:01:00 00:00:02:00 00:00:00:00 00:00:01:00
M2   R1       -24.0                00:00:01:00
* FROM CLIP NAME:  rev
* FROM CLIP: /a/rev.mov
002  R2       V     C        00:00:01:00 00:00:03:00 00:00:01:00 00:00:02:00
M2   R2       48.0                00:00:01:00
* FROM CLIP NAME:  fast
* FROM CLIP: /a/fast.mov
003  R3       V     C        00:00:01:00 00:00:02:00 00:00:02:00 00:00:03:00
* FROM CLIP NAME:  plain
* FROM CLIP: /a/plain.mov
004  R3       V     C        00:00:02:00 00:00:02:00 00:00:03:00 00:00:03:00
004  R4       V     D    012 00:00:01:00 00:00:02:00 00:00:03:00 00:00:04:00
* FROM CLIP NAME:  plain
* FROM CLIP: /a/plain.mov
* TO CLIP NAME:  next
* TO CLIP: /a/next.mov
"""


def test_edl_keeps_reverse_and_the_media_after_a_dissolve(tmp_path: Path) -> None:
    """The adapter alone drops the reversed event's speed and gives the last event the media of the one before."""
    needs("edl")
    file = tmp_path / "edit.edl"
    file.write_text(EDL)
    clips = {clip.name: clip for clip in collect(read_timeline(file).json).clips}
    assert {name: clip.speed for name, clip in clips.items()} == {"rev": -1, "fast": 2, "plain": 1, "next": 1}
    assert clips["next"].media == "/a/next.mov"
    assert locate(clips["rev"], F(24), 100).start * 24 == 24 + 24 - 1


def test_edl_takes_its_rate_from_the_caller(tmp_path: Path) -> None:
    needs("edl")
    file = tmp_path / "edit.edl"
    file.write_text(EDL.replace("-24.0", "-25.0").replace("48.0", "50.0"))
    read = read_timeline(file, rate=F(25))
    assert read.rate == 25
    assert {clip.name: clip.speed for clip in collect(read.json).clips}["rev"] == -1


FCPXML = """<?xml version="1.0"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.8"><resources>
<format id="r1" frameDuration="1/24s"/>
<asset id="r2" name="a" src="file:///a/a.mov" start="0s" duration="10s" hasVideo="1" format="r1"/>
<asset id="r3" name="b" src="file:///a/b.mov" start="0s" duration="10s" hasVideo="1" format="r1"/>
</resources>
<library><event name="e"><project name="edit"><sequence format="r1" duration="4s"><spine>
<clip name="a" offset="0s" duration="2s" start="0s"><video offset="0s" ref="r2" duration="10s"/></clip>
<transition name="Cross Dissolve" offset="1s" duration="1s"/>
<clip name="b" offset="2s" duration="2s" start="0s"><timeMap><timept time="0s" value="0s" interp="smooth2"/>
<timept time="2s" value="4s" interp="smooth2"/></timeMap><video offset="0s" ref="r3" duration="10s"/></clip>
</spine></sequence></project></event></library></fcpxml>
"""


def test_fcpxml_retimes_are_refused_and_lost_transitions_told(tmp_path: Path) -> None:
    """The adapter alone plays the retimed clip at its own speed."""
    needs("fcpxml")
    file = tmp_path / "edit.fcpxml"
    file.write_text(FCPXML)
    read = read_timeline(file)
    found = collect(read.json)
    assert [clip.name for clip in found.clips] == ["a"]
    assert [(each.clip, each.reason) for each in found.refusals] == [("b", "CLIP_UNSUPPORTED")]
    assert "1 transitions" in read.notes[0]


TIMEREMAP = """<filter><effect><name>Time Remap</name><effectid>timeremap</effectid><effecttype>motion</effecttype>
<mediatype>video</mediatype><parameter><parameterid>variablespeed</parameterid><value>0</value></parameter>
<parameter><parameterid>speed</parameterid><value>SPEED</value></parameter>
<parameter><parameterid>reverse</parameterid><value>REVERSE</value></parameter></effect></filter>"""


@pytest.mark.parametrize(
    ("speed", "reverse", "fine"), [("100", "FALSE", True), ("50", "FALSE", False), ("100", "TRUE", False)]
)
def test_final_cut_time_remap(speed: str, reverse: str, fine: bool, tmp_path: Path) -> None:
    needs("xml")
    plain = tmp_path / "plain.xml"
    otio.adapters.write_to_file(edit(tmp_path), str(plain))
    remap = TIMEREMAP.replace("SPEED", speed).replace("REVERSE", reverse)
    changed = plain.read_text().replace("</clipitem>", remap + "</clipitem>", 1)
    assert changed != plain.read_text()
    (tmp_path / "remapped.xml").write_text(changed)
    found = collect(read_timeline(tmp_path / "remapped.xml").json)
    assert [each.clip for each in found.refusals] == ([] if fine else ["c0"])


class TestBundles:
    def bundle(self, tmp_path: Path) -> Path:
        file = tmp_path / "edit.otioz"
        otio.adapters.write_to_file(edit(tmp_path), str(file))
        return file

    def test_media_are_unpacked_once_and_never_replaced(self, tmp_path: Path) -> None:
        file = self.bundle(tmp_path)
        media = {clip.name: Path(clip.media) for clip in collect(read_timeline(file).json).clips}
        assert media["c1"] == tmp_path / "edit.otioz.media" / "media" / "c1.mov"
        stamp = media["c1"].stat().st_mtime_ns
        read_timeline(file)
        assert media["c1"].stat().st_mtime_ns == stamp
        media["c1"].write_bytes(b"an artist's own file")
        with pytest.raises(TimelineUnreadable, match="is not the file in the bundle"):
            read_timeline(file)
        assert media["c1"].read_bytes() == b"an artist's own file"

    def test_media_go_where_the_caller_says(self, tmp_path: Path) -> None:
        read = read_timeline(self.bundle(tmp_path), media_folder=tmp_path / "elsewhere")
        assert all(Path(clip.media).is_relative_to(tmp_path / "elsewhere") for clip in collect(read.json).clips)

    @pytest.mark.parametrize("name", ["../evil.mov", "/etc/evil.mov", "media/../../evil.mov", "C:\\evil.mov"])
    def test_members_outside_are_refused(self, name: str, tmp_path: Path) -> None:
        file = self.bundle(tmp_path)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(name, b"evil")
        with pytest.raises(TimelineUnreadable, match="points outside"):
            read_timeline(file)

    def test_damaged_bundles_are_refused(self, tmp_path: Path) -> None:
        file = self.bundle(tmp_path)
        cut = tmp_path / "cut.otioz"
        cut.write_bytes(file.read_bytes()[:200])
        with pytest.raises(TimelineUnreadable, match="not a sound bundle"):
            read_timeline(cut)
        with zipfile.ZipFile(tmp_path / "empty.otioz", "w") as archive:
            archive.writestr("media/a.mov", b"")
        with pytest.raises(TimelineUnreadable, match=r"no content\.otio"):
            read_timeline(tmp_path / "empty.otioz")
