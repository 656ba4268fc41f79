"""Results as files: names, folders, and what Resolve makes of them when a person imports one by hand."""

from __future__ import annotations

import json
from fractions import Fraction as F
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from resilver_bridge.files import write_result
from resilver_client.errors import InvalidRequest, OutputUnwritable
from support.resolve_edits import around, clip, gap, title, track
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
