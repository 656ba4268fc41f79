"""Results as files: names, folders, and what Resolve makes of them when a person imports one by hand."""

from __future__ import annotations

import json
import math
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from davinci.resolve_double import PROFILES, Double
from davinci.resolve_double.double import Lying
from davinci.resolve_double.rates import timecode_of
from resilver_bridge.files import WrittenFile, write_result
from resilver_client.errors import InvalidRequest, OutputUnwritable
from resilver_otio.collect import collect
from resilver_otio.place import place
from resilver_otio.times import snap_rate
from resilver_otio.types import Layout, Restored
from support.resolve_edits import around, clip, gap, restored, title, track
from support.resolve_rules import faults_of

TEXT = json.dumps(around(clip("a.mov"), title(12), clip("b.mov")))


class TestFile:
    def test_it_is_shaped_for_resolve_and_says_what_is_left_out(self, tmp_path: Path) -> None:
        done = write_result(TEXT, str(tmp_path / "new" / "folder"), "Reel 1")
        assert done.path == tmp_path / "new" / "folder" / "Reel 1.otio"
        assert faults_of(json.loads(done.path.read_text("utf-8"))) == []
        (said,) = done.report
        assert said.startswith("Text+ (Video 1, 2.000 s in)")
        assert list(done.path.parent.iterdir()) == [done.path]

    def test_never_over_another(self, tmp_path: Path) -> None:
        (tmp_path / "Reel 1.otio").write_text("mine")
        (tmp_path / "Reel 1 2.otio").mkdir()
        names = [write_result(TEXT, str(tmp_path), "Reel 1").path.name for _ in range(2)]
        assert names == ["Reel 1 3.otio", "Reel 1 4.otio"]
        assert (tmp_path / "Reel 1.otio").read_text() == "mine"

    @pytest.mark.parametrize(
        ("asked", "name"),
        [
            ("Schnitt Ä / Rolle 3: neu?", "Schnitt Ä _ Rolle 3_ neu_.otio"),
            ("../../etc/passwd", "_.._etc_passwd.otio"),
            ("aux", "_aux.otio"),
            ("COM1.final", "_COM1.final.otio"),
            ("...", "restored.otio"),
            ("", "restored.otio"),
            ("a\nb", "a_b.otio"),
            ("x" * 300, "x" * 120 + ".otio"),
        ],
    )
    def test_names_that_every_system_takes(self, tmp_path: Path, asked: str, name: str) -> None:
        assert write_result(TEXT, str(tmp_path), asked).path == tmp_path / name

    def test_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputUnwritable, match="the folder cannot be made"):
            write_result(TEXT, str(tmp_path / "file" / "folder"), "Reel 1")

    def test_nothing_is_written_of_what_is_not_resolves(self, tmp_path: Path) -> None:
        data = json.loads(TEXT)
        del data["metadata"]["Resolve_OTIO"]
        with pytest.raises(InvalidRequest):
            write_result(json.dumps(data), str(tmp_path / "new"), "Reel 1")
        assert not (tmp_path / "new").exists()


RATES = ("23.976", "24", "25", "29.97", "50", "59.94", "60")


class TestImport:
    """A round trip as a person makes it without the menu script: export, restore, import by hand."""

    @pytest.mark.parametrize("profile", ["19.1.3 Free", "21.0.4 Studio", "21.1.0 Free"])
    @pytest.mark.parametrize("rate", RATES)
    def test_every_clip_lies_on_its_frame(self, tmp_path: Path, rate: str, profile: str) -> None:
        """Start and duration are the original's; the file shows the frame that is its head into it."""
        desk = Desk(rate, tmp_path, profile)
        results = desk.restored(False)
        assert len(results) == 7, "all but the title and the clip that is offline"
        originals = [each for each in desk.lying if each.path not in ("", desk.gone)]
        after = desk.imported(desk.written(results, False))
        restored = [each for each in after if each.path.startswith("/out/")]
        assert [(each.start, each.duration) for each in restored] == [(e.start, e.duration) for e in originals]
        into = [result.head * desk.delivery for result in results]
        assert [math.floor(each.source_in) for each in restored] == [math.floor(frame) for frame in into]
        kept = [each for each in after if each.path not in ("", desk.gone) and each not in restored]
        assert [shown(each) for each in kept] == [shown(each) for each in originals]

    @pytest.mark.parametrize("rate", RATES)
    def test_at_the_rate_of_the_result(self, tmp_path: Path, rate: str) -> None:
        """All clips of the edit, each cut on the first frame of the new rate that is not before it, from hour 1."""
        desk = Desk(rate, tmp_path)
        results = desk.restored(True)
        originals = [each for each in desk.lying if each.path not in ("", desk.gone)]
        after = desk.imported(desk.written(results, True))
        restored = [each for each in after if each.path.startswith("/out/")]
        hour = 3600 * round(desk.delivery)

        def cut(time: F) -> int:
            return math.ceil(time * desk.delivery)

        for new, old, result in zip(restored, originals, results, strict=True):
            start = (old.start - desk.start) / desk.rate
            end = start + old.duration / desk.rate
            assert (new.start - hour, new.start - hour + new.duration) == (cut(start), cut(end))
            assert new.source_in == cut(start) - cut(start - result.head)
            assert new.source_in + new.duration <= result.frames
        kept = [each for each in after if each.path not in ("", desk.gone) and each not in restored]
        assert [(each.start, each.duration) for each in kept] == [(each.start, each.duration) for each in restored]

    def test_what_is_left_out_is_named(self, tmp_path: Path) -> None:
        desk = Desk("25", tmp_path)
        report = " ".join(desk.written(desk.restored(False), False).report)
        for name in ("Text+", desk.gone, "frames.[00101-00200].dpx"):
            assert name in report

    def test_as_it_came_resolve_would_refuse_it(self, tmp_path: Path) -> None:
        """The title alone makes the whole import fail: the shaping is what makes it go through."""
        desk = Desk("25", tmp_path)
        text = place(desk.text, desk.restored(False), Layout.OVERLAY).timeline
        assert desk.double.import_otio(text) is None

    def test_sequences_before_19(self, tmp_path: Path) -> None:
        """What the report warns of."""
        desk = Desk("25", tmp_path, "18.6.6 Free")
        done = desk.written(desk.restored(False), False)
        assert desk.double.import_otio(done.path.read_text("utf-8")) is None
        assert any("Resolve 18" in line for line in done.report)


def shown(item: Lying) -> tuple[object, ...]:
    return (item.path, item.start, item.duration, item.source_in, item.source_frames)


class Desk:
    """An edit in the double of Resolve: retimes, a dissolve, a sequence, a title, and a clip that is offline."""

    film, gone = "/film/reel.mov", "/gone/gone.mov"

    def __init__(self, rate: str, folder: Path, profile: str = "21.0.4 Studio") -> None:
        self.folder = folder
        self.rate = snap_rate(float(rate))
        self.delivery = F(60) if self.rate.denominator == 1 else F(60000, 1001)
        self.double = Double(next(each for each in PROFILES if each.name == profile))
        self.double.open_project("project", rate=rate)
        self.start = self.double.open_timeline("edit", rate=rate, start_timecode="01:00:00:00").start
        film = self.double.media(self.film, 1000, rate, "01:00:00:00")
        frames = self.double.media("/film/frames.%05d.dpx", 100, rate, first_number=101)
        lay = self.double.lay
        first = lay(film, 1, 0, 49, 30)
        second = lay(film, 1, 49, 50, 200)
        lay(film, 1, 110, 33, 300, F(1, 2))
        lay(film, 1, 143, 21, 400, 2)
        lay(film, 1, 164, 17, 500, -1)
        lay(frames, 1, 200, 15, 40)
        self.double.lay_title("Text+", 1, 215, 20)
        lay(film, 1, 235, 11, 600)
        lay(self.double.media(self.gone, 100, rate, online=False), 1, 260, 10)
        self.double.lay_transition(first, second, 4, 6)
        self.double.files[self.film] = {"frames": 1000, "fps": float(self.rate), "start_timecode": "01:00:00:00"}
        self.double.files["/film/frames.%05d.dpx"] = {"frames": 100, "fps": float(self.rate)}
        self.text = self.double.export_otio()
        self.lying = [each for each in self.double.lying() if each.kind == "video"]

    def restored(self, at_delivery_rate: bool) -> list[Restored]:
        """The files that the server would have made of every clip, there for Resolve to import."""
        clips = collect(self.text).clips
        made = [restored(each, at_delivery_rate, self.delivery, name=str(number)) for number, each in enumerate(clips)]
        for each in made:
            label = "" if each.start_time is None else timecode_of(int(each.start_time * self.delivery), self.delivery)
            self.double.files[each.path] = {"frames": each.frames, "fps": float(each.rate), "start_timecode": label}
        return made

    def written(self, results: list[Restored], at_delivery_rate: bool) -> WrittenFile:
        text = place(self.text, results, Layout.OVERLAY, at_delivery_rate).timeline
        done = write_result(text, str(self.folder), "edit restored")
        assert faults_of(json.loads(done.path.read_text("utf-8"))) == []
        return done

    def imported(self, done: WrittenFile) -> list[Lying]:
        """By hand; from 21.1 on with the files in the media pool and "Automatically import source clips" off."""
        text = done.path.read_text("utf-8")
        if self.double.profile.version[:2] >= (21, 1):
            assert self.double.import_otio(text) is None
            for path in [path for path in self.double.files if path.startswith("/out/")]:
                assert self.double.import_file(path)
            timeline = self.double.import_otio(text, source_clips=False)
        else:
            timeline = self.double.import_otio(text)
        assert timeline is not None, self.double.refused
        return [each for each in self.double.lying(timeline) if each.kind == "video"]


class TestWhyNoFcpxml:
    """docs/decisions/1011: where one of these fails, the adapter has become better, and the decision can be looked at
    again."""

    @pytest.mark.parametrize("rate", [F(24000, 1001), F(30000, 1001), F(60000, 1001)])
    def test_ntsc_rates_are_not_written(self, rate: F) -> None:
        edit = around(clip("a.mov", rate=float(rate)))
        assert 'frameDuration=""' in fcpxml(edit)
        above = clip("b.mov", rate=float(rate))
        edit["tracks"]["children"].append(track("Restored", gap(48, float(rate)), above))
        edit["tracks"]["children"][0]["children"].append(clip("c.mov", rate=float(rate)))
        with pytest.raises(ValueError, match="not enough values to unpack"):
            fcpxml(edit)

    def test_a_file_of_60_is_declared_to_be_of_24(self) -> None:
        edit = around(clip("a.mov"), clip("b.mov"))
        media = edit["tracks"]["children"][0]["children"][1]["media_references"]["DEFAULT_MEDIA"]
        for time in media["available_range"].values():
            if isinstance(time, dict):
                time.update(rate=60.0, value=time["value"] * 2.5)
        text = fcpxml(edit)
        assert text.count("<format ") == 1
        assert 'frameDuration="25/600s"' in text

    def test_the_start_timecode_is_not_written(self) -> None:
        assert "tcStart" not in fcpxml(around(clip("a.mov")))


def fcpxml(edit: Any) -> str:
    timeline = otio.adapters.read_from_string(json.dumps(edit), "otio_json")
    return str(otio.adapters.write_to_string(timeline, "fcpx_xml"))
