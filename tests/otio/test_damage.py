"""Whatever a file says, reading and collecting end in a result or in a typed error."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilver_client.errors import SelectionEmpty, TimelineUnreadable
from resilver_otio.collect import collect
from resilver_otio.parse import parse_timeline, to_json
from resilver_otio.read import read_timeline
from support.shared import otio_sample

JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, -0.5, "", "x", "file://[", "C:", [], {}, [1], {"OTIO_SCHEMA": "Gap.1"}, {"a": "b"},
    float("nan"), float("inf"), 10**30, "Clip.2", {"OTIO_SCHEMA": "RationalTime.1", "rate": 0, "value": 1},
    {"OTIO_SCHEMA": "RationalTime.1", "rate": -24, "value": 1}, {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 1e9},
)  # fmt: skip


def spots(data: Any) -> list[tuple[Any, Any]]:
    """Every place in the JSON that a value can be put."""
    keys = list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    found = [(data, key) for key in keys]
    for key in keys:
        found.extend(spots(data[key]))
    return found


@pytest.mark.parametrize("sample", ["transition.otio", "nested_example.otio", "resolve/ref4_retime_50pct.otio"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), junk=st.lists(st.sampled_from(JUNK), min_size=1, max_size=3))
def test_any_value_may_be_wrong(sample: str, seed: int, junk: list[Any]) -> None:
    data = json.loads(otio_sample(sample).read_text())
    choose = random.Random(seed)
    for value in junk:
        owner, key = choose.choice(spots(data))
        owner[key] = copy.deepcopy(value)
    with contextlib.suppress(TimelineUnreadable, SelectionEmpty):
        collect(to_json(parse_timeline(json.dumps(data))))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_any_byte_may_be_wrong(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    choose = random.Random(seed)
    content = bytearray(otio_sample("transition.otio").read_bytes())
    for _ in range(choose.randint(1, 5)):
        content[choose.randrange(len(content))] = choose.randrange(256)
    file: Path = tmp_path_factory.mktemp("damage") / "edit.otio"
    file.write_bytes(content)
    with contextlib.suppress(TimelineUnreadable, SelectionEmpty):
        collect(read_timeline(file).json)
