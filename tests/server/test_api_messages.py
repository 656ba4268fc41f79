"""What goes through a message comes out as it was."""

from __future__ import annotations

import json
from fractions import Fraction

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver.v1 import jobs_pb2, types_pb2
from resilver_client.client import connect
from resilver_client.errors import InvalidRequest
from resilver_client.values import fraction, plain, rational, timestamp
from resilver_otio.types import Layout, Selection
from resilver_server.api.reading import read_recipe, read_request, read_states
from resilver_server.api.writing import write_event, write_job, write_request, write_state
from resilver_server.config import ServerSettings
from resilver_server.domain.failures import Failure
from resilver_server.domain.jobs import JobState
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.media.profiles import PROFILES
from resilver_server.models.cards import all_cards
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import (
    Event,
    EventKind,
    JobRecord,
    ShotPhase,
    ShotProgress,
    ShotRecord,
)
from resilver_server.scheduling.requests import JobRequest
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.presets import PRESETS
from support.serving import TOKEN, services_over

text = st.text(max_size=20)
big = 2**63 - 1
seconds = st.fractions(min_value=0, max_value=1000, max_denominator=100_000)
scalars = st.one_of(text, st.integers(-big, big), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
spans = st.tuples(st.integers(0, 10**6), st.integers(1, 10**6)).map(lambda pair: Span(pair[0], sum(pair)))
settings = st.builds(
    StageSettings,
    stage=text,
    parameters=st.dictionaries(text, scalars, max_size=4),
    strength=st.floats(0, 1),
    matte=st.none() | text,
    keep_matte=st.none() | text,
    keep_frames=st.lists(spans, max_size=3).map(tuple),
    defect_map=st.none() | text,
    key_frames=st.none() | text,
)
deliveries = st.builds(
    Delivery,
    profile=text.filter(bool),
    audio=st.none() | text,
    keep_audio=st.booleans(),
    tail_frames=st.integers(0, 100),
    change_maps=st.booleans(),
)
ranges = st.tuples(seconds, seconds).map(sorted).filter(lambda pair: pair[0] < pair[1]).map(tuple)
words = st.lists(text, max_size=3).map(tuple)
selections = st.builds(
    Selection,
    names=words,
    indices=st.lists(st.integers(0, 1000), max_size=3).map(tuple),
    tracks=words,
    markers=words,
    colours=words,
    range=st.none() | ranges,
)
requests = st.builds(
    JobRequest,
    request_id=text.filter(bool),
    title=text,
    timeline=text,
    recipe=st.builds(Recipe, stages=st.lists(settings, max_size=3).map(tuple), delivery=deliveries),
    output_folder=text,
    name=text,
    selection=selections,
    layout=st.sampled_from(Layout),
    at_delivery_rate=st.booleans(),
    skip_refused=st.booleans(),
    preview_frames=st.integers(0, 100),
)


@given(requests)
def test_a_request_survives_the_wire(request: JobRequest) -> None:
    sent = write_request(request).SerializeToString()
    assert read_request(jobs_pb2.JobRequest.FromString(sent)) == request


def test_types_of_parameters_survive() -> None:
    recipe = Recipe((StageSettings("s", {"a": 1, "b": 1.0, "c": True, "d": "1"}),))
    sent = write_request(JobRequest("1", "", "", recipe, "/out")).recipe
    assert {name: type(value) for name, value in read_recipe(sent).stages[0].parameters.items()} == {
        "a": int,
        "b": float,
        "c": bool,
        "d": str,
    }


def test_what_is_left_out_is_the_default() -> None:
    message = jobs_pb2.JobRequest(request_id="1")
    message.recipe.stages.add(stage="upscale")
    assert read_request(message) == JobRequest("1", "", "", Recipe((StageSettings("upscale"),)), "")


@given(st.builds(Fraction, st.integers(-big, big), st.integers(1, big)))
def test_fractions_are_exact(value: Fraction) -> None:
    assert fraction(rational(value), "here") == value


@pytest.mark.parametrize(
    "fault",
    [
        {"request_id": ""},
        {"request_id": "x" * 129},
        {"layout": 77},
        {"preview_frames": -1},
        {"selection": {"range": {"start": {"numerator": 0}, "stop": {"numerator": 1, "denominator": 1}}}},
        {
            "selection": {
                "range": {"start": {"numerator": 1, "denominator": 1}, "stop": {"numerator": 1, "denominator": 1}}
            }
        },
        {"recipe": {"delivery": {"tail_frames": -1}}},
        {"recipe": {"stages": [{"stage": "s", "parameters": {"p": {}}}]}},
    ],
)
def test_nonsense_is_refused_by_name(fault: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_request(jobs_pb2.JobRequest(**({"request_id": "1"} | fault)))  # type: ignore[arg-type]
    assert caught.value.where


def test_every_state_has_its_word_on_both_sides() -> None:
    assert set(read_states([write_state(state) for state in JobState])) == set(JobState)
    assert len(jobs_pb2.JobState.keys()) == len(JobState) + 1
    assert len(jobs_pb2.EventKind.keys()) == len(EventKind) + 1
    assert len(jobs_pb2.ShotPhase.keys()) == len(ShotPhase) + 1
    assert len(jobs_pb2.Layout.keys()) == len(Layout) + 1
    with pytest.raises(InvalidRequest):
        read_states([0])  # type: ignore[list-item]


def test_a_job_is_told_whole() -> None:
    shot = ShotRecord(
        0, "0/3", "Shot", ShotPhase.DONE, "/out/a.mov", 90, 4, 4, ("careful",), {"cuts": "3"}, "ab", ("/p.png",)
    )
    failure = Failure("DISK_FULL", "no space", "/out", "free some")
    record = JobRecord("j", "r", "t", JobState.FAILED, 1700000000.5, 1700000001.25, None, 12, (shot,), (), failure)
    message = write_job(record)
    assert message.create_time.ToMicroseconds() == 1700000000500000
    assert message.start_time.ToMicroseconds() == 1700000001250000
    assert not message.HasField("end_time")
    assert message.error == types_pb2.Error(reason="DISK_FULL", what="no space", where="/out", remedy="free some")
    assert message.shots[0].findings == {"cuts": "3"}
    assert (message.shots[0].frames, message.shots[0].chunks, message.shots[0].digest) == (90, 4, "ab")
    assert message.state == jobs_pb2.JOB_STATE_FAILED
    assert message.sequence == 12


def test_shot_and_chunk_zero_are_not_nothing() -> None:
    progress = ShotProgress(0, "s", ShotPhase.RENDERING, "upscale", 3, 9, 1.5, None)
    event = Event("j", 4, 1.0, EventKind.CHUNK, JobState.RENDERING, 0, 0, "", None, (progress,))
    message = write_event(event)
    assert message.HasField("shot")
    assert message.HasField("chunk")
    assert not message.HasField("error")
    assert not message.progress[0].HasField("seconds_left")
    bare = write_event(Event("j", 4, 1.0, EventKind.STATE, JobState.RENDERING))
    assert not bare.HasField("shot")


def test_times_are_kept_to_the_microsecond() -> None:
    assert timestamp(1763800000.123456).ToMicroseconds() == 1763800000123456


def test_the_catalogue_is_told_as_it_is() -> None:
    class Touched(JobManager):
        def touch(self) -> None: ...

    with services_over(Touched(ServerSettings())) as address, connect(address, TOKEN) as client:
        stages, models = client.stages(), client.models()
        presets, profiles = client.presets(), client.profiles()
    assert [stage.name for stage in stages] == [spec.name for spec in STAGES]
    for stage, spec in zip(stages, STAGES, strict=True):
        schema = json.loads(stage.parameters_schema)
        jsonschema.Draft202012Validator.check_schema(schema)
        defaults = {name: plain(value) for name, value in stage.defaults.items()}
        jsonschema.validate(defaults, schema)
        assert spec.parse(defaults) == spec.parameters()
        assert all(field["description"] for field in schema["properties"].values())
    assert [model.id for model in models] == sorted(card.id for card in all_cards())
    assert all(model.weights_licence and model.size for model in models)
    assert [preset.name for preset in presets] == [preset.name for preset in PRESETS]
    for told, preset in zip(presets, PRESETS, strict=True):
        assert read_recipe(told.recipe).stages == preset.stages
    assert [profile.name for profile in profiles] == [entry.name for entry in PROFILES]
