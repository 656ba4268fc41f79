"""Timelines in the formats of other programs, out and in again."""

from __future__ import annotations

import opentimelineio as otio
import pytest

from resilver_otio.read import read_timeline
from support.command import Desk

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
