"""Timelines in the formats of other programs, out and in again."""

from __future__ import annotations

import json

import opentimelineio as otio
import pytest

from resilver_otio.read import read_timeline
from support.command import Desk
from support.resolve_edits import around, clip, span, title
from support.resolve_rules import faults_of

pytestmark = pytest.mark.xdist_group("cli")
LIGHT = ("--stage", "upscale:width=96,height=64,model=none", "--layout", "replace")


@pytest.fixture(scope="session")
def edit(desk: Desk) -> str:
    """Frames 2 to 8 of the film, as an editor would write it down."""
    whole = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(desk.frames, 24))
    part = otio.opentime.TimeRange(otio.opentime.RationalTime(2, 24), otio.opentime.RationalTime(6, 24))
    timeline, track = otio.schema.Timeline("cut"), otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.append(otio.schema.Clip("shot", otio.schema.ExternalReference(str(desk.film), whole), part))
    timeline.tracks.append(track)
    path = desk.folder / "cut.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return str(path)


@pytest.mark.parametrize("suffix", ["otioz", "xml", "edl"])
def test_the_result_is_written_in_the_format_of_its_name(desk: Desk, edit: str, suffix: str) -> None:
    result = desk.folder / f"back_{suffix}.{suffix}"
    done = desk.run("restore", edit, "-o", result, *LIGHT)
    assert done.returncode == 0, done.stderr
    timeline = otio.adapters.read_from_string(read_timeline(result).json, "otio_json")
    (clip,) = timeline.find_clips()
    assert clip.media_reference.target_url.endswith("shot.mov")
    assert clip.duration().to_seconds() == pytest.approx(6 / 24)


def test_a_format_that_nobody_writes_is_refused_before_any_work(desk: Desk, edit: str) -> None:
    done = desk.run("restore", edit, "-o", desk.folder / "back.doc", *LIGHT)
    assert done.returncode == 1
    assert done.stderr.startswith("error: OUTPUT_UNWRITABLE: ")
    assert not (desk.folder / "back clips").exists()


def test_what_an_adapter_cannot_write_is_kept_as_otio(desk: Desk, edit: str) -> None:
    done = desk.run("restore", edit, "-o", desk.folder / "avid.aaf", *LIGHT)  # the adapter asks for Avid's own ids
    assert done.returncode == 1
    assert done.stderr.startswith("error: OUTPUT_UNWRITABLE: ")
    assert len(list(otio.adapters.read_from_file(str(desk.folder / "avid.otio")).find_clips())) == 1
    assert (desk.folder / "avid clips" / "shot.mov").is_file()


@pytest.fixture(scope="session")
def resolve_export(desk: Desk) -> str:
    """Frames 2 to 8 of the film and a title, as DaVinci Resolve writes them down."""
    media = clip("film.mkv")["media_references"]["DEFAULT_MEDIA"]
    media.update(target_url=str(desk.film), available_range=span(0, desk.frames, 24.0))
    path = desk.folder / "resolve.otio"
    path.write_text(json.dumps(around(clip("film.mkv", 2, 6, reference=media), title(12))))
    return str(path)


@pytest.mark.parametrize("options", [(), ("--at-delivery-rate", "--stage", "interpolate:model=blend,rate=60")])
def test_an_export_of_resolve_goes_back_as_resolve_takes_it(
    desk: Desk, resolve_export: str, options: tuple[str, ...]
) -> None:
    result = desk.folder / f"to resolve {len(options)}.otio"
    done = desk.run("restore", resolve_export, "-o", result, "--skip-refused", *LIGHT[:2], *options)
    assert done.returncode == 0, done.stderr
    timeline = json.loads(result.read_text("utf-8"))
    assert faults_of(timeline) == []
    rate = 60.0 if options else 24.0
    assert timeline["global_start_time"]["value"] == 3600 * rate
    (restored,) = timeline["tracks"]["children"][1]["children"]
    assert restored["source_range"] == span(0, 6 * rate / 24, rate)
    assert "Text+ (Video 1, 0.250 s in) is left out" in " ".join((done.stdout + done.stderr).split())


def test_no_fcpxml_is_made_of_an_export_of_resolve(desk: Desk, resolve_export: str, edit: str) -> None:
    """Its rates would be wrong. Of another edit the same command line is taken."""
    result = desk.folder / "final cut.fcpxml"
    done = desk.run("restore", resolve_export, "-o", result, "--plan", "--skip-refused", *LIGHT[:2])
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert said.startswith("error: OUTPUT_UNWRITABLE: the FCPXML that can be written for an edit of DaVinci Resolve")
    assert "write .otio" in said
    assert not list(desk.folder.glob("final cut*"))
    assert desk.run("restore", edit, "-o", result, "--plan", *LIGHT[:2]).returncode == 0


def test_two_media_on_a_clip_are_said_to_be_nothing_for_resolve(desk: Desk, resolve_export: str) -> None:
    result = desk.folder / "switchable.otio"
    done = desk.run("restore", resolve_export, "-o", result, "--skip-refused", *LIGHT[:2], "--layout", "switchable")
    assert done.returncode == 0, done.stderr
    assert "DaVinci Resolve will not import the timeline" in " ".join((done.stdout + done.stderr).split())
    assert "restored" in result.read_text("utf-8")
