"""Which clips are meant: every rule, its words, and why it matches nothing."""

from __future__ import annotations

from typing import Any

import pytest

from davinci.listings import edit, item, media, track
from resilver_bridge.edit import read_edit
from resilver_bridge.host import Rule
from resilver_bridge.rules import rules

NEWEST = (21, 1, 0)
FILM = media("/film/reel.mov", 100, 24)
A, B, C = (item(name, start, 10, FILM) for name, start in (("a", 86400), ("b", 86410), ("c", 86420)))


def found(
    *items: dict[str, Any], version: tuple[int, int, int] = NEWEST, restored: tuple[str, ...] = (), **changes: object
) -> tuple[Rule, ...]:
    read = read_edit(edit(track(1, *items), **changes))
    return rules(read, list(read.items()), version, restored)


def named(rules: tuple[Rule, ...], name: str) -> Rule:
    return next(rule for rule in rules if rule.name == name)


def test_the_order_in_which_they_are_tried() -> None:
    assert [rule.name for rule in found(A)] == ["selected", "marks", "colour", "current", "all"]


def test_selected() -> None:
    rule = named(found(A, B, C, selected=["c", "a", "an audio clip"]), "selected")
    assert (rule.clips, rule.label, rule.why_not) == (("a", "c"), "2 clips selected", "")


def test_a_clip_that_is_switched_off_or_restored_is_meant_where_it_is_selected() -> None:
    rules = found({**A, "enabled": False}, B, C, selected=["a", "b"], restored=("b",))
    assert named(rules, "selected").clips == ("a", "b")
    assert named(rules, "all").clips == ("c",)


def test_nothing_selected_and_not_able_to_say_are_told_apart() -> None:
    assert named(found(A, selected=[]), "selected") == Rule(
        "selected", "selected clips", (), "no video clip is selected"
    )
    rule = named(found(A, version=(20, 3, 1)), "selected")
    assert (rule.clips, rule.why_not) == (
        (), "Resolve 20.3 does not tell which clips are selected (21.0.4 and later do)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "clips"),
    [
        ({"in": 0, "out": 10}, ("a",)),  # the out mark's frame is the first that is not meant
        ({"in": 0, "out": 11}, ("a", "b")),
        ({"in": 9, "out": 20}, ("a", "b")),
        ({"in": 10, "out": 10}, ("b",)),  # one frame is meant
        ({"in": 20, "out": None}, ("c",)),
        ({"in": None, "out": 5}, ("a",)),
    ],
)
def test_marks(marks: object, clips: tuple[str, ...]) -> None:
    assert named(found(A, B, C, marks=marks), "marks").clips == clips


def test_marks_say_how_they_are_read() -> None:
    rule = named(found(A, B, C, marks={"in": 0, "out": 10}), "marks")
    assert rule.label == "1 clip between the marks (frames 0 up to 10 of the timeline, without the last)"


def test_no_marks() -> None:
    assert named(found(A), "marks").why_not == "no in or out mark is set"
    assert "19.1 and later" in named(found(A, version=(18, 6, 6)), "marks").why_not
    assert named(found(A, marks={"in": 500, "out": 600}), "marks").why_not == "no clip lies between the marks"


def test_every_colour_is_a_rule() -> None:
    rules = found({**A, "colour": "Teal"}, {**B, "colour": "Chocolate"}, {**C, "colour": "Teal"}, restored=("a",))
    colours = [(rule.label, rule.clips) for rule in rules if rule.name == "colour"]
    assert colours == [("1 clip coloured Chocolate", ("b",)), ("1 clip coloured Teal", ("c",))]


def test_no_colour() -> None:
    assert named(found(A), "colour").why_not == "no clip has a clip colour"


def test_current() -> None:
    assert named(found(A, B, current="b"), "current") == Rule("current", "the clip under the playhead (b)", ("b",))
    assert named(found(A, B), "current").why_not == "no clip lies under the playhead"


def test_all() -> None:
    assert named(found(A, B), "all") == Rule("all", "every clip of the timeline (2)", ("a", "b"))
    assert named(found(), "all").why_not == "the timeline has no video clip"
