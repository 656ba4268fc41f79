"""Sound in form and odd in content: what Hypothesis makes of recipes, messages, worker lines and stored JSON."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS
from resilver.v1 import jobs_pb2, types_pb2
from resilver_client.errors import InvalidRequest, ResilverError
from resilver_otio.collect import collect
from resilver_otio.types import Selection
from resilver_server.api.reading import read_request, read_states
from resilver_server.domain.digests import digest_of
from resilver_server.domain.serial import canonical, loads
from resilver_server.execution.wire import decode
from resilver_server.scheduling.names import safe_stem, stems
from resilver_server.scheduling.requests import JobRequest
from resilver_server.stages.catalogue import STAGES, in_order, stage_spec
from security.test_limits import edit_of

TEXT = st.text(max_size=30) | st.sampled_from(
    ["\0", "..", "/", "%d", "\u202e", "1e9", "NaN", "60000/1001", "1/0", "-1"]
)
LONG = TEXT | st.text(st.characters(exclude_categories=["Cs"]), min_size=100, max_size=300)
WHOLE = st.integers(-(2**63), 2**63 - 1)
SHORT = st.integers(-(2**31), 2**31 - 1)
NUMBER = st.floats(allow_nan=True, allow_infinity=True)
NAMES = st.sampled_from([spec.name for spec in STAGES]) | TEXT
FIELDS = st.sampled_from([field for spec in STAGES for field in spec.schema()["properties"]]) | TEXT
SCALARS = st.one_of(
    TEXT.map(lambda each: types_pb2.Scalar(text=each)), WHOLE.map(lambda each: types_pb2.Scalar(integer=each)),
    NUMBER.map(lambda each: types_pb2.Scalar(number=each)), st.booleans().map(lambda each: types_pb2.Scalar(flag=each)),
    st.just(types_pb2.Scalar()),
)  # fmt: skip
SPANS = st.builds(types_pb2.Span, start=WHOLE, stop=WHOLE)
RATIONALS = st.builds(types_pb2.Rational, numerator=WHOLE, denominator=WHOLE)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | WHOLE | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def stage(draw: st.DrawFn) -> types_pb2.StageSettings:
    made = types_pb2.StageSettings(stage=draw(NAMES), strength=draw(NUMBER))
    for name, value in draw(st.dictionaries(FIELDS, SCALARS, max_size=5)).items():
        made.parameters[name].CopyFrom(value)
    made.keep_frames.extend(draw(st.lists(SPANS, max_size=3)))
    for name in draw(st.sets(st.sampled_from(["matte", "keep_matte", "defect_map", "key_frames"]))):
        setattr(made, name, draw(TEXT))
    return made


@st.composite
def job(draw: st.DrawFn) -> jobs_pb2.JobRequest:
    made = jobs_pb2.JobRequest(
        request_id=draw(TEXT), title=draw(TEXT), timeline=draw(TEXT), output_folder=draw(TEXT), name=draw(TEXT),
        layout=draw(SHORT), preview_frames=draw(SHORT),
    )  # fmt: skip
    made.recipe.stages.extend(draw(st.lists(stage(), max_size=4)))
    made.recipe.delivery.tail_frames = draw(SHORT)
    made.selection.range.start.CopyFrom(draw(RATIONALS))
    made.selection.range.stop.CopyFrom(draw(RATIONALS))
    made.selection.indices.extend(draw(st.lists(SHORT, max_size=4)))
    return made


@settings(max_examples=150, deadline=None)
@given(message=job())
def test_a_request_is_read_or_refused(message: jobs_pb2.JobRequest) -> None:
    with contextlib.suppress(ResilverError):
        request = read_request(message)
        digest_of(request)
        assert loads(JobRequest, canonical(request)) == request, "what is stored comes back"
        for each in in_order(request.recipe.stages):
            stage_spec(each.stage).parse(each.parameters)


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=200), states=st.lists(SHORT, max_size=5))
def test_bytes_are_a_message_or_none(data: bytes, states: list[int]) -> None:
    with contextlib.suppress(ResilverError, DecodeError):
        read_request(jobs_pb2.JobRequest.FromString(data))
    with contextlib.suppress(InvalidRequest):
        read_states(states)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(value=JSON, kind=st.sampled_from(["Run", "Answer", "Failed", "Report", "Ready", "Cancel", "Alive", ""]))
def test_a_worker_line_is_one_or_none(value: Any, kind: str) -> None:
    fields = {"message": kind, "kind": "ProbeTask", "task": value, "result": value, "id": value, "failure": value}
    for line in (json.dumps(value), json.dumps(fields), json.dumps({"message": kind, "id": 1, "progress": value})):
        with contextlib.suppress(InvalidRequest):
            decode(line.encode())


@settings(max_examples=150, deadline=None)
@given(value=JSON)
def test_stored_json_is_read_or_refused(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    for target in ("stored JSON", "manifest"):
        with contextlib.suppress(ResilverError):
            TARGETS[target](json.dumps(value).encode(), Path())


@settings(max_examples=150, deadline=None)
@given(names=st.lists(LONG, max_size=6), name=LONG)
def test_names_of_results_are_plain_and_all_different(names: list[str], name: str) -> None:
    for found in (stems(name, names), stems("", names)):
        assert len({each.lower() for each in found}) == len(names)
        for each in found:
            assert "/" not in each
            assert "\0" not in each
            assert not each.startswith(".")
            assert 0 < len(each.encode()) <= 255 - len(".resilver.json.00000000.partial")
    for each in (*names, name):
        assert safe_stem(safe_stem(each)) == safe_stem(each)


@settings(max_examples=100, deadline=None)
@given(names=st.lists(TEXT, max_size=5), tracks=st.lists(TEXT, max_size=3), indices=st.lists(SHORT, max_size=5))
def test_any_selection_selects_or_not(names: list[str], tracks: list[str], indices: list[int]) -> None:
    with contextlib.suppress(ResilverError):
        collect(edit_of(3, 1), Selection(tuple(names), tuple(indices), tuple(tracks), tuple(names), tuple(names)))
