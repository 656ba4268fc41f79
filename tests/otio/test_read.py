"""Files that are timelines, files that are not, and how paths are understood."""

from __future__ import annotations

import json
import os
from fractions import Fraction as F
from pathlib import Path

import opentimelineio as otio
import pytest

from resilver_client.errors import ClipUnsupported, TimelineUnreadable
from resilver_otio.collect import collect
from resilver_otio.paths import media_path, resolve_url, sequence_pattern, split_pattern
from resilver_otio.place import place
from resilver_otio.read import read_timeline
from resilver_otio.types import Layout, Restored

RT, TR = otio.opentime.RationalTime, otio.opentime.TimeRange


def clip(url: str, name: str = "a") -> otio.schema.Clip:
    return otio.schema.Clip(name, otio.schema.ExternalReference(url), TR(RT(0, 24), RT(24, 24)))


def edit(*urls: str, name: str = "edit") -> otio.schema.Timeline:
    timeline = otio.schema.Timeline(name)
    track = otio.schema.Track("V1", kind="Video")
    track.extend([clip(url) for url in urls])
    timeline.tracks.append(track)
    return timeline


class TestPaths:
    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("/film/a b.mov", "/film/a b.mov"),
            ("/film/50%20off.mov", "/film/50%20off.mov"),
            ("file:///film/a%20b.mov", "/film/a b.mov"),
            ("file://localhost/film/%C3%A9.mov", "/film/é.mov"),
            ("file:/film/a.mov", "/film/a.mov"),
            ("file:///film/a%23b.mov", "/film/a#b.mov"),
            ("file:///film/a?b.mov", "/film/a?b.mov"),
            ("file:///C:/film/a%20b.mov", "C:/film/a b.mov"),
            ("file://C:/film/a.mov", "C:/film/a.mov"),
            ("file://nas/share/a.mov", "//nas/share/a.mov"),
            ("E:\\SHOW REEL\\a.mxf", "E:\\SHOW REEL\\a.mxf"),
            ("\\\\nas\\share\\a.mov", "\\\\nas\\share\\a.mov"),
            ("film/a.mov", "film/a.mov"),
        ],
    )
    def test_media_path(self, url: str, path: str) -> None:
        assert media_path(url) == path

    def test_other_schemes(self) -> None:
        with pytest.raises(ClipUnsupported):
            media_path("s3://bucket/a.mov")

    @pytest.mark.parametrize(
        ("base", "prefix", "padding", "pattern"),
        [
            ("/film", "scan.", 5, "/film/scan.%05d.dpx"),
            ("/film/", "scan.", 0, "/film/scan.%d.dpx"),
            ("file:///film%20one/", "s_", 4, "/film one/s_%04d.dpx"),
            ("C:\\film", "s.", 4, "C:\\film\\s.%04d.dpx"),
            ("C:/film\\", "s.", 7, "C:/film\\s.%07d.dpx"),
            ("/film", "100%.", 4, "/film/100%%.%04d.dpx"),
        ],
    )
    def test_sequences(self, base: str, prefix: str, padding: int, pattern: str) -> None:
        assert sequence_pattern(base, prefix, padding, ".dpx") == pattern
        parts = split_pattern(pattern)
        assert parts is not None
        assert parts[1:] == (prefix, padding, ".dpx")

    @pytest.mark.parametrize("name", ["/film/a.mov", "/film/100%done.mov", "/film/50%.mov", "/f%04d/a.mov"])
    def test_plain_files_are_no_patterns(self, name: str) -> None:
        assert split_pattern(name) is None

    def test_relative_paths_count_from_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "a b.mov").write_bytes(b"x")
        (tmp_path / "c%20d.mov").write_bytes(b"x")
        assert resolve_url("a%20b.mov", tmp_path) == str(tmp_path / "a b.mov")
        assert resolve_url("c%20d.mov", tmp_path) == str(tmp_path / "c%20d.mov")
        assert resolve_url("gone.mov", tmp_path) == str(tmp_path / "gone.mov")
        for absolute in ("/x/a.mov", "C:\\a.mov", "file:///a.mov", "\\\\nas\\a.mov", ""):
            assert resolve_url(absolute, tmp_path) == absolute


class TestReading:
    def test_media_are_absolute(self, tmp_path: Path) -> None:
        timeline = edit("media/a.mov")
        frames = otio.schema.ImageSequenceReference("frames", "s.", ".png", 1, 1, 24, 4)
        timeline.tracks[0].append(otio.schema.Clip("seq", frames, TR(RT(0, 24), RT(5, 24))))
        timeline.to_json_file(str(tmp_path / "edit.otio"))
        found = collect(read_timeline(tmp_path / "edit.otio").json).clips
        assert [each.media for each in found] == [str(tmp_path / "media/a.mov"), str(tmp_path / "frames/s.%04d.png")]

    def test_folder_given_relatively(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        edit("a.mov").to_json_file(str(tmp_path / "edit.otio"))
        monkeypatch.chdir(tmp_path)
        assert collect(read_timeline("edit.otio").json).clips[0].media == str(tmp_path / "a.mov")

    def test_numbers_are_kept(self, tmp_path: Path) -> None:
        """OpenTimelineIO's reader alone turns this one into its neighbour."""
        timeline = json.loads(edit("/a.mov").to_json_string())
        source = timeline["tracks"]["children"][0]["children"][0]["source_range"]
        source["start_time"]["value"] = 129549.37052947052
        (tmp_path / "edit.otio").write_text(json.dumps(timeline))
        assert json.loads(read_timeline(tmp_path / "edit.otio").json) == timeline

    @pytest.mark.parametrize("kind", ["clip", "track", "stack"])
    def test_lone_objects(self, kind: str, tmp_path: Path) -> None:
        timeline = edit("/a.mov")
        lone = {"clip": timeline.tracks[0][0], "track": timeline.tracks[0], "stack": timeline.tracks}[kind]
        lone.to_json_file(str(tmp_path / "lone.otio"))
        assert [each.id for each in collect(read_timeline(tmp_path / "lone.otio").json).clips] == ["0/0"]

    def test_collections(self, tmp_path: Path) -> None:
        one, two = edit("/a.mov", name="one"), edit("/b.mov", name="two")
        both = otio.schema.SerializableCollection("bin", [one, otio.schema.SerializableCollection("inner", [two])])
        both.to_json_file(str(tmp_path / "bin.otio"))
        with pytest.raises(TimelineUnreadable, match=r"2 timelines: there are 'one', 'two'"):
            read_timeline(tmp_path / "bin.otio")
        with pytest.raises(TimelineUnreadable, match="no timeline is named 'three'"):
            read_timeline(tmp_path / "bin.otio", name="three")
        assert collect(read_timeline(tmp_path / "bin.otio", name="two").json).clips[0].media == "/b.mov"
        otio.schema.SerializableCollection("bin", [two]).to_json_file(str(tmp_path / "one.otio"))
        assert collect(read_timeline(tmp_path / "one.otio").json).clips[0].media == "/b.mov"


def unknown(schema: str) -> bytes:
    timeline = json.loads(edit("/a.mov").to_json_string())
    timeline["tracks"]["children"][0]["children"][0]["effects"] = [{"OTIO_SCHEMA": schema, "name": "x"}]
    return json.dumps(timeline).encode()


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("a.otio", b"{", "not valid JSON"),
            ("a.otio", b"\xff\xfe\x00", "not valid JSON"),
            ("a.otio", b"[]", "not OpenTimelineIO"),
            ("a.otio", b'{"a": 1}', "not OpenTimelineIO"),
            ("a.otio", edit("/a.mov").to_json_string().encode()[:-40], "not valid JSON"),
            ("a.otio", b"[" * 100_000, "nested deeper than"),
            ("a.otio", b'{"OTIO_SCHEMA": "Timeline.1", "metadata": ' + b'{"a":' * 50_000, "nested deeper than"),
            ("a.otio", b'{"OTIO_SCHEMA": "Timeline.1"}', "KeyError|ValueError|TypeError"),
            ("a.otio", b'{"OTIO_SCHEMA": "Timeline.7"}', "Timeline.7 needs a newer OpenTimelineIO"),
            ("a.otio", b'{"OTIO_SCHEMA": "Wobble.1"}', r"Wobble\.1 is a schema that OpenTimelineIO does not know"),
            ("a.otio", unknown("Effect.9"), r"Effect\.9 needs a newer OpenTimelineIO.*clip 'a'"),
            ("a.otio", otio.schema.Marker().to_json_string().encode(), "no timeline but Marker"),
            ("a.xml", b"<xmeml><sequence>", "cannot read it"),
            ("a.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><xmeml/>', "entities"),
            ("a.edl", b"001 nonsense", "cannot read it"),
            ("a.aaf", b"not an aaf", "cannot read it"),
            ("a.mlt", b"<mlt/>", "no installed adapter reads .mlt.*otio"),
            ("a", b"", "no installed adapter reads files without a suffix"),
        ],
    )
    def test_with_the_reason(self, name: str, content: bytes, reason: str, tmp_path: Path) -> None:
        suffix = Path(name).suffix.lstrip(".")
        if suffix in ("xml", "edl", "aaf") and suffix not in otio.adapters.suffixes_with_defined_adapters(read=True):
            pytest.skip(f"needs the adapter for .{suffix}")
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(TimelineUnreadable, match=reason) as caught:
            read_timeline(file)
        assert str(file) in str(caught.value)

    def test_missing_and_folders(self, tmp_path: Path) -> None:
        with pytest.raises(TimelineUnreadable, match="no such file"):
            read_timeline(tmp_path / "gone.otio")
        with pytest.raises(TimelineUnreadable, match="it is a folder"):
            read_timeline(tmp_path)

    def test_huge_files_are_not_loaded(self, tmp_path: Path) -> None:
        file = tmp_path / "huge.otio"
        file.touch()
        os.truncate(file, 300 << 20)
        with pytest.raises(TimelineUnreadable, match="larger than 256 MiB"):
            read_timeline(file)


class TestUnknownSchemas:
    """One clip that cannot be understood does not take the others with it, and nothing of it is lost."""

    @pytest.mark.parametrize("where", ["effects", "media", "child", "markers"])
    def test_the_rest_goes_on(self, where: str) -> None:
        data = json.loads(edit("/a.mov", "/b.mov").to_json_string())
        row = data["tracks"]["children"][0]["children"]
        odd = {"OTIO_SCHEMA": "Wobble.1", "name": "odd", "amount": 0.1, "source_range": row[0]["source_range"]}
        if where == "media":
            row[0]["media_references"]["DEFAULT_MEDIA"] = odd
        elif where == "child":
            row[0] = odd
        else:
            row[0][where] = [odd]
        text = json.dumps(data)
        found = collect(text)
        assert found.clips[-1].media == "/b.mov"
        assert found.clips[-1].record_start == 1
        if where != "markers":
            (refusal,) = found.refusals
            assert (refusal.clip, refusal.reason) == ("odd" if where == "child" else "a", "CLIP_UNSUPPORTED")
            assert "Wobble.1" in refusal.message
        new = Restored("0/1", "/out/b.mov", F(60), 60, 1, 1, "j", "r")
        after = json.loads(place(text, [new], Layout.OVERLAY).timeline)
        del after["tracks"]["children"][1]
        assert after == data
