"""Every limit: what reaches it passes, one more is refused with its name."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from resilver.v1 import jobs_pb2, types_pb2
from resilver_client import limits
from resilver_client.errors import InvalidRequest, LimitReached, TimelineUnreadable
from resilver_otio import parse
from resilver_otio.collect import collect
from resilver_otio.types import Selection
from resilver_server.api.reading import read_id, read_request, read_states
from resilver_server.scheduling.bounds import ensure_few_jobs, ensure_few_shots
from support.jobs import film, manager, request, timeline

Change = Callable[[jobs_pb2.JobRequest, int], object]


def stage(job: jobs_pb2.JobRequest, **values: Any) -> types_pb2.StageSettings:
    return job.recipe.stages.add(stage="upscale", **values)


def many_parameters(job: jobs_pb2.JobRequest, count: int) -> None:
    for number in range(count):
        job.recipe.stages[0].parameters[str(number)].integer = number


LIMITS: list[tuple[str, int, Change]] = [
    ("title", limits.TITLE, lambda job, n: setattr(job, "title", "t" * n)),
    ("name", limits.NAME, lambda job, n: setattr(job, "name", "\u00e9" * n)),
    ("output_folder", limits.PATH, lambda job, n: setattr(job, "output_folder", "/" * n)),
    ("preview_frames", limits.PREVIEW_FRAMES, lambda job, n: setattr(job, "preview_frames", n)),
    ("tail_frames", limits.TAIL_FRAMES, lambda job, n: setattr(job.recipe.delivery, "tail_frames", n)),
    ("profile", limits.NAME, lambda job, n: setattr(job.recipe.delivery, "profile", "p" * n)),
    ("audio", limits.PATH, lambda job, n: setattr(job.recipe.delivery, "audio", "/" * n)),
    ("stages", limits.STAGES, lambda job, n: [stage(job) for _ in range(n - 1)]),
    ("parameters", limits.PARAMETERS, lambda job, n: many_parameters(job, n)),
    ("stage", limits.NAME, lambda job, n: setattr(job.recipe.stages[0], "stage", "s" * n)),
    ("text", limits.TEXT, lambda job, n: setattr(job.recipe.stages[0].parameters["frames"], "text", "1" * n)),
    ("parameter", limits.NAME, lambda job, n: setattr(job.recipe.stages[0].parameters["p" * n], "flag", True)),
    ("keep_frames", limits.KEPT_SPANS,
     lambda job, n: [job.recipe.stages[0].keep_frames.add(start=k, stop=k + 1) for k in range(n)]),
    *((each, limits.PATH, lambda job, n, each=each: setattr(job.recipe.stages[0], each, "/" * n))  # type: ignore[misc]
      for each in ("matte", "keep_matte", "defect_map", "key_frames")),
    *((each, limits.SELECTED, lambda job, n, each=each: getattr(job.selection, each).extend("x" for _ in range(n)))  # type: ignore[misc]
      for each in ("names", "tracks", "markers", "colours")),
    ("indices", limits.SELECTED, lambda job, n: job.selection.indices.extend(range(n))),
]  # fmt: skip


@pytest.mark.parametrize(("where", "limit", "change"), LIMITS, ids=[each[0] for each in LIMITS])
def test_what_a_request_says_has_its_limit(where: str, limit: int, change: Change) -> None:
    for count, refused in ((limit, False), (limit + 1, True)):
        job = jobs_pb2.JobRequest(request_id="1")
        stage(job)
        change(job, count)
        if refused:
            with pytest.raises(LimitReached, match=str(limit)) as caught:
                read_request(job)
            assert caught.value.where
        else:
            read_request(job)


def test_ids_have_their_limit() -> None:
    longest = "i" * limits.REQUEST_ID
    assert read_request(jobs_pb2.JobRequest(request_id=longest)).request_id == longest
    with pytest.raises(InvalidRequest, match=str(limits.REQUEST_ID)):
        read_request(jobs_pb2.JobRequest(request_id=longest + "i"))
    assert read_id(longest, "job_id") == longest
    with pytest.raises(LimitReached, match="job_id"):
        read_id(longest + "i", "job_id")
    assert len(read_states([jobs_pb2.JOB_STATE_QUEUED] * limits.STATES)) == limits.STATES
    with pytest.raises(LimitReached):
        read_states([jobs_pb2.JOB_STATE_QUEUED] * (limits.STATES + 1))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_parameter_is_a_number(value: float) -> None:
    job = jobs_pb2.JobRequest(request_id="1")
    stage(job).parameters["scale"].number = value
    with pytest.raises(InvalidRequest, match="scale"):
        read_request(job)


EMPTY = {"OTIO_SCHEMA": "SerializableCollection.1", "children": []}


def nested(levels: int) -> bytes:
    """JSON that is so many levels deep."""
    return (
        b'{"OTIO_SCHEMA": "SerializableCollection.1", "children": [], "metadata": '
        + b'{"a":' * (levels - 1)
        + b"1"
        + b"}" * levels
    )


def test_nesting_has_its_limit() -> None:
    parse.parse_object(nested(limits.TIMELINE_DEPTH), "t")
    with pytest.raises(TimelineUnreadable, match=str(limits.TIMELINE_DEPTH)):
        parse.parse_object(nested(limits.TIMELINE_DEPTH + 1), "t")
    with pytest.raises(TimelineUnreadable, match="nested"):
        parse.parse_object(b"[" * (1 << 20), "t")
    with pytest.raises(TimelineUnreadable, match="nested"):
        parse.parse_object(b'{"' + b"a" * 10 + b'":' + b"[{}," * 500, "t")
    parse.parse_object(
        b'{"OTIO_SCHEMA": "SerializableCollection.1", "children": [], "name": "' + b"[" * 5000 + b'"}', "t"
    )  # text is no nesting


def edit_of(clips: int, markers: int = 0) -> str:
    edit, track = otio.schema.Timeline("edit"), otio.schema.Track("V1", kind="Video")
    edit.tracks.append(track)
    span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 24), otio.opentime.RationalTime(1, 24))
    track.extend([otio.schema.Clip("c", source_range=span) for _ in range(clips)])
    starts = (otio.opentime.RationalTime(k, 24) for k in range(markers))
    track.markers.extend([otio.schema.Marker("m", otio.opentime.TimeRange(start, span.duration)) for start in starts])
    return str(edit.to_json_string(indent=-1))


def test_clips_and_markers_have_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "TIMELINE_ITEMS", 50)
    around = 3  # the timeline, its stack and its track
    parse.parse_timeline(edit_of(30, 20 - around))
    with pytest.raises(TimelineUnreadable, match="more than 50 clips"):
        parse.parse_timeline(edit_of(30, 21 - around))
    with pytest.raises(TimelineUnreadable, match="more than 50 clips"):
        parse.parse_timeline(edit_of(51 - around, 0))


def test_values_have_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "TIMELINE_VALUES", 1000)
    for count, refused in ((999, False), (1000, True)):
        content = json.dumps(EMPTY | {"metadata": {"a": list(range(count))}}).encode()
        if refused:
            with pytest.raises(TimelineUnreadable, match="more than 1000 values"):
                parse.parse_object(content, "t")
        else:
            parse.parse_object(content, "t")


def test_bytes_have_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    parse.check_size(limits.TIMELINE_BYTES, "t")
    with pytest.raises(TimelineUnreadable, match=f"{limits.TIMELINE_BYTES >> 20} MiB"):
        parse.check_size(limits.TIMELINE_BYTES + 1, "t")


def test_a_timeline_at_its_limits_is_read_in_seconds() -> None:
    """Twenty thousand clips under as many markers, and patterns that a careless matcher would try for years."""
    text = edit_of(limits.SHOTS, limits.SHOTS)
    stars = tuple("*a" * 30 + "*b" + str(number) for number in range(5))
    every = Selection(markers=("m",), names=("c", *stars))
    assert len(collect(text, every).refusals) == limits.SHOTS  # no media


def test_jobs_and_shots_have_their_limit() -> None:
    ensure_few_jobs(9, 10)
    with pytest.raises(LimitReached, match="10"):
        ensure_few_jobs(10, 10)
    ensure_few_shots(limits.SHOTS)
    with pytest.raises(LimitReached, match=str(limits.SHOTS)):
        ensure_few_shots(limits.SHOTS + 1)


def test_a_client_has_so_many_unfinished_jobs(tmp_path: Path) -> None:
    async def run() -> None:
        movie = film(tmp_path / "film.mkv", 3)
        edit = timeline(movie, 3, ("a", 0, 3))
        async with manager(tmp_path / "home", unfinished_jobs=2) as jobs:
            first = await jobs.submit(request("1", edit, tmp_path / "1"))
            await jobs.pause(first.id, now=True)
            second = await jobs.submit(request("2", edit, tmp_path / "2"))
            await jobs.pause(second.id, now=True)
            with pytest.raises(LimitReached, match="2 jobs are not finished"):
                await jobs.submit(request("3", edit, tmp_path / "3"))
            assert (await jobs.submit(request("1", edit, tmp_path / "1"))).id == first.id, "known ones are told again"
            await jobs.cancel(first.id)
            await jobs.submit(request("3", edit, tmp_path / "3"))

    asyncio.run(run())


def test_a_shot_has_so_many_frames(tmp_path: Path) -> None:
    async def run() -> None:
        edit = json.loads(timeline(film(tmp_path / "film.mkv", 3), 3, ("a", 0, 3)))
        clip = edit["tracks"]["children"][0]["children"][0]
        for frames in (limits.SHOT_FRAMES + 1, 10**30):
            clip["metadata"] = {"resilver": {"output_frames": frames}}
            async with manager(tmp_path / "home") as jobs:
                with pytest.raises(LimitReached, match=str(limits.SHOT_FRAMES)):
                    await jobs.plan(request("1", json.dumps(edit), tmp_path / "1"))

    asyncio.run(run())


def test_the_page_of_limits_names_every_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    told = page.partition("## Limits")[2].partition("\n## ")[0]
    for name, value in vars(limits).items():
        if name.isupper():
            written = f"{value >> 20} MiB" if name in ("LARGEST_MESSAGE", "TIMELINE_BYTES") else f"{value:,}"
            assert re.search(rf"(?<![\d,]){written}(?![\d,]\d)", told), f"{name} is {written}"
