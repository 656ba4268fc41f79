"""What unlucky and hostile people give to the command: one line that says what to do, never a trace, never a wait."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
import typer

from resilver.v1 import jobs_pb2
from resilver_client.errors import ClipUnsupported, InvalidMatte, InvalidRate, MediaUnreadable, TimelineUnreadable
from resilver_otio.read import read_timeline
from resilver_otio.request import Overrides
from resilver_server.cli import arguments, lab
from resilver_server.cli.main import app
from resilver_server.cli.paths import real_path
from resilver_server.cli.reporting import TRACEBACK, ReportingGroup, console
from resilver_server.cli.watching import follow
from resilver_server.config import ServerSettings
from resilver_server.domain.rates import parse_rate, snap_rate
from resilver_server.media.probe import probe
from resilver_server.stages.mattes import matte_files


def failing(error: Exception) -> typer.Typer:
    group = typer.Typer(cls=ReportingGroup)

    @group.command()
    def fail() -> None:
        raise error

    @group.callback()
    def _group() -> None: ...

    return group


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MediaUnreadable("no film", where="/film/two\nlines\x1b[31m.mov"), r"MEDIA_UNREADABLE: no film, /film/two\nl"),
        (PermissionError(13, "Permission denied", "/closed"), "OUTPUT_UNWRITABLE: Permission denied, /closed, "),
        (OSError(28, "No space left on device", "/full"), "DISK_FULL: the disk is full, /full, "),
        (ZeroDivisionError("by zero"), "INTERNAL: ZeroDivisionError: by zero, test_hostile_input.py:"),
    ],
)
def test_every_error_is_one_line(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TRACEBACK, raising=False)
    with pytest.raises(SystemExit) as ended:
        failing(error)(["fail"])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith(f"error: {line}")
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_a_fault_of_ours_can_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACEBACK, "1")
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())(["fail"])


def test_a_pipe_is_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe.mov"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/zero"):
        with pytest.raises(MediaUnreadable, match="no regular file"):
            probe(path)
    with pytest.raises(SystemExit):
        app(["inspect", str(pipe)])
    assert capsys.readouterr().err.startswith("error: MEDIA_UNREADABLE: ")


def test_links_in_a_circle(tmp_path: Path) -> None:
    loop = tmp_path / "loop.mov"
    loop.symlink_to(loop.name)
    with pytest.raises(MediaUnreadable):
        real_path(loop)
    with pytest.raises(Exception, match="links lead nowhere"):
        ServerSettings(home=tmp_path).allow(str(loop))


@pytest.mark.parametrize("text", ["1e999999999", "0.0000001", "nan", "1/0", "-24", "1e12", "9" * 400])
def test_rates_that_are_none(text: str) -> None:
    with pytest.raises(InvalidRate):
        parse_rate(text)


def test_a_rate_never_snaps_to_nothing() -> None:
    assert snap_rate(Fraction(1, 1001)) > 0
    for value in (float("nan"), float("inf"), Fraction(1, 5000)):
        with pytest.raises(InvalidRate):
            snap_rate(value)


@pytest.mark.parametrize("value", ["1e999999999", "inf", "1/0", "9" * 100])
def test_overrides_that_would_be_computed_for_hours(value: str) -> None:
    for key in ("rate", "output_offset"):
        clip = otio.schema.Clip("shot", metadata={"resilver": {key: value}})
        with pytest.raises(ClipUnsupported, match=key):
            Overrides.of(clip)
    assert Overrides.of(otio.schema.Clip("shot", metadata={"resilver": {"rate": 23.976}})).rate == Fraction(24000, 1001)


def test_numbers_too_long_for_a_message_are_wrong_usage() -> None:
    with pytest.raises(typer.BadParameter):
        arguments.parse_selection([f"index={'9' * 20}"], None, Fraction(24))
    for text in ("²:5", f"1:{'9' * 24}", f"{'9' * 20}:00:00:00-00:00:00:01"):
        with pytest.raises(typer.BadParameter):
            arguments.parse_range(text, Fraction(24))


def test_a_matte_is_looked_for_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert arguments.parse_stage("deflicker:matte=dirt.png").matte == str(tmp_path / "dirt.png")


def test_a_wrong_number_in_a_timeline_names_its_file(tmp_path: Path) -> None:
    timeline = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(0, 24))
    file = tmp_path / "edit.otio"
    file.write_text(timeline.to_json_string().replace("24.0", "0.0"))
    with pytest.raises(TimelineUnreadable) as refused:
        read_timeline(file)
    assert refused.value.where == str(file)
    assert refused.value.remedy


def test_a_retried_job_is_followed_past_its_first_end() -> None:
    states = (jobs_pb2.JOB_STATE_CANCELLED, jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_SUCCEEDED)
    events = [jobs_pb2.JobEvent(kind=jobs_pb2.EVENT_KIND_STATE, state=state) for state in states]
    last = follow(events, console)
    assert last is not None
    assert last.state == jobs_pb2.JOB_STATE_SUCCEEDED


@pytest.mark.parametrize("item", ["dirt=1e9", "dirt=Infinity", "dirt=NaN", "flicker_gain=-1", "cadence=1/0", "odd=1"])
def test_damage_beyond_measure_is_wrong_usage(item: str) -> None:
    with pytest.raises(typer.BadParameter):
        lab._settings([item])
    assert lab._settings(["dirt=9", "cadence=3/2"]).dirt == 9


def test_a_matte_may_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidMatte, match="empty"):
        matte_files(str(tmp_path))
    for number in (2, 1):
        (tmp_path / f"matte.{number}.png").write_bytes(b"picture")
    assert [file.name for file in matte_files(str(tmp_path))] == ["matte.1.png", "matte.2.png"]


@pytest.mark.parametrize("written", ["50% %d", "50%% %%d"])
def test_a_matte_may_lie_in_a_folder_with_percent_signs(tmp_path: Path, written: str) -> None:
    folder = tmp_path / "50% %d"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"matte.{number}.png").write_bytes(b"picture")
    names = [file.name for file in matte_files(f"{tmp_path}/{written}/matte.%d.png")]
    assert names == ["matte.1.png", "matte.2.png"]
    assert matte_files(str(folder / "matte.1.png")) == [folder / "matte.1.png"]
