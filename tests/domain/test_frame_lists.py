"""Lists of frames as people write them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import InvalidRecipe
from resilver_server.domain.spans import Span, format_frames, merged, parse_frames

spans = st.tuples(st.integers(0, 300), st.integers(0, 20)).map(lambda pair: Span(pair[0], sum(pair)))


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("", ()),
        ("120-139, 200", (Span(120, 140), Span(200, 201))),
        ("200;120 - 139", (Span(120, 140), Span(200, 201))),
        ("0 1,2-4 3-9", (Span(0, 10),)),
        ("7-7", (Span(7, 8),)),
    ],
)
def test_lists(text: str, frames: tuple[Span, ...]) -> None:
    assert parse_frames(text) == frames


@pytest.mark.parametrize("text", ["-3", "5-", "9-3", "1.5", "a", "1-2-3", "10000000000", "१२"])
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidRecipe, match="stage repair"):
        parse_frames(text, "stage repair")


@given(st.lists(spans, max_size=8))
def test_merging_keeps_the_frames(given: list[Span]) -> None:
    found = merged(given)
    assert {frame for span in found for frame in span} == {frame for span in given for frame in span}
    assert all(one.stop < other.start for one, other in pairwise(found))
    assert parse_frames(format_frames(found)) == found
