"""What people write on the command line."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import typer

from resilver_server.cli.arguments import (
    Target,
    parse_range,
    parse_selection,
    parse_stage,
    parse_target,
    with_stage,
    with_target,
)
from resilver_server.domain.recipes import Recipe, StageSettings
from resilver_server.domain.spans import Span


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("3840x2160@60", Target((3840, 2160), Fraction(60))),
        ("1280x720", Target((1280, 720), None)),
        ("@59.94", Target(None, Fraction(60000, 1001))),
        ("640x480@24000/1001", Target((640, 480), Fraction(24000, 1001))),
    ],
)
def test_target(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text", ["", "4k", "3840", "x2160", "3840x2160@", "3840x2160@fast", "0x0", "1x1@-3", "1x1@1/0"]
)
def test_target_that_is_none(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_target(text)


def test_stage_with_parameters() -> None:
    assert parse_stage("upscale:model=span-x4,strength=0.5,matte=/m.png") == StageSettings(
        "upscale", {"model": "span-x4"}, 0.5, "/m.png"
    )


def test_what_a_stage_takes_and_keeps() -> None:
    found = parse_stage("repair:keep_frames=120-139,200,keep_matte=/k.png,bad=7,9,defect_map=/d.%04d.png")
    assert found.keep_frames == (Span(120, 140), Span(200, 201))
    assert (found.matte, found.keep_matte, found.defect_map) == (None, "/k.png", "/d.%04d.png")
    assert found.parameters == {"bad": "7,9"}
    laid = with_stage(Recipe((found,)), StageSettings("repair", matte="/m.png", keep_matte="/new.png"))
    assert laid.stages == (replace(found, matte="/m.png", keep_matte="/new.png"),)


@pytest.mark.parametrize(
    "text",
    [
        "upscale:model",
        "upscale:3-4",
        "repair:keep_frames=last",
        "upscale:=4",
        "upscale:strength=2",
        "upscale:strength=much",
    ],
)
def test_stage_that_is_wrong(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_stage(text)


def test_range_in_frames_and_timecode() -> None:
    assert parse_range("24:48", Fraction(24)) == (1, 2)
    assert parse_range("00:00:01:00-00:00:01:12", Fraction(24)) == (1, Fraction(3, 2))
    assert parse_range("01:00:01:00-01:00:02:00", Fraction(25), Fraction(3600)) == (1, 2)
    for wrong in ("48:24", "24", "00:00:01:00-00:00:02:00"):
        with pytest.raises(typer.BadParameter):
            parse_range(wrong, Fraction(24), Fraction(3600))


def test_selection() -> None:
    selection = parse_selection(["name=Shot 4", "name=Shot 5", "index=3", "color=CYAN"], "0:24", Fraction(24))
    assert selection.names == ("Shot 4", "Shot 5")
    assert selection.indices == (3,)
    assert selection.colours == ("CYAN",)
    assert selection.range == (0, 1)
    with pytest.raises(typer.BadParameter):
        parse_selection(["Shot 4"], None, Fraction(24))


def test_target_is_laid_over_the_recipe() -> None:
    recipe = Recipe(stages=(StageSettings("upscale", {"model": "span-x4"}, 0.5),))
    laid = with_target(recipe, parse_target("1280x720@60"))
    assert laid.stages == (
        StageSettings("upscale", {"model": "span-x4", "width": 1280, "height": 720}, 0.5),
        StageSettings("interpolate", {"rate": "60"}),
    )
    assert with_stage(laid, StageSettings("interpolate", {"rate": "50"})).stages[1].parameters == {"rate": "50"}
