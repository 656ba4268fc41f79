"""Dataclasses as JSON and back; nothing is dropped, nothing is guessed."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import InvalidRequest
from resilver_server.domain.digests import digest_of
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.serial import canonical, dumps, loads
from resilver_server.domain.shots import Shot

scalars = st.one_of(st.text(max_size=8), st.integers(-9, 9), st.floats(-2, 2), st.booleans())
settings = st.builds(
    StageSettings,
    st.text(max_size=8),
    st.dictionaries(st.text(max_size=5), scalars, max_size=3),
    st.floats(0, 1),
    st.none() | st.text(max_size=8),
)
recipes = st.builds(Recipe, st.lists(settings, max_size=4).map(tuple), st.builds(Delivery, st.text(max_size=8)))
fractions = st.fractions(-1000, 1000)
shots = st.builds(Shot, st.text(), st.text(), st.fractions(1, 60), fractions, fractions, fractions)


@given(recipes)
def test_recipes_come_back(recipe: Recipe) -> None:
    assert loads(Recipe, dumps(recipe)) == recipe
    assert loads(Recipe, canonical(recipe)) == recipe


@given(shots)
def test_shots_come_back_exactly(shot: Shot) -> None:
    assert loads(Shot, dumps(shot)) == shot


@given(st.dictionaries(st.text(max_size=5), scalars, max_size=5))
def test_digests_do_not_depend_on_order(values: dict[str, object]) -> None:
    assert digest_of(values) == digest_of(dict(reversed(values.items())))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": 1}, "colour"),
        ({"name": 3}, "Shot.name"),
        ({"rate": "24/0"}, "Shot.rate"),
        ({"handles": "yes"}, "Shot.handles"),
        ({"fields": "weave"}, "Shot.fields"),
    ],
)
def test_wrong_fields_are_named(change: dict[str, object], field: str) -> None:
    data = json.loads(dumps(Shot("a", "b", Fraction(24), Fraction(0), Fraction(1)))) | change
    with pytest.raises(InvalidRequest, match=field):
        loads(Shot, json.dumps(data))


def test_missing_fields_are_named() -> None:
    with pytest.raises(InvalidRequest, match="media"):
        loads(Shot, '{"name": "a"}')
