"""From what the page is set to, to an order: presets, changes, targets, what is kept; and timecodes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_bridge import orders, wishes
from resilver_bridge.orders import Shape, StageWish, Wish, adopted, changed, differs, with_preset
from resilver_bridge.timecodes import timecode
from resilver_client.catalogue import (
    Catalogue,
    Input,
    Kind,
    Parameter,
    Preset,
    PresetStage,
    Profile,
    Stage,
    read_parameter,
)
from resilver_client.errors import InvalidRecipe, InvalidRequest, OutputUnwritable
from resilver_client.values import plain
from resilver_publish.types import Layout, Occupied

CLEAN = Stage(
    "clean", "", (Parameter("amount", Kind.NUMBER, 1.5), Parameter("local", Kind.FLAG, True)), (Input.KEEP, Input.MATTE)
)
UPSCALE = Stage("upscale", "", (Parameter("width", Kind.INTEGER, 0), Parameter("height", Kind.INTEGER, 0)))
INTERPOLATE = Stage("interpolate", "", (Parameter("rate", Kind.TEXT, "60"),), renders=False)
LIGHT = Preset("light", "", (PresetStage("clean", {"amount": 1.0}, 0.5),))
OFFER = Catalogue(
    (CLEAN, UPSCALE, INTERPOLATE),
    (LIGHT, Preset("full", "", tuple(PresetStage(stage.name) for stage in (CLEAN, UPSCALE, INTERPOLATE)))),
    (Profile("prores", "", ".mov"), Profile("png", "", ".png", True)),
)
SHAPE = Shape(1440, 1080, Fraction(24000, 1001))


def set_to(*changes: dict[str, object]) -> Wish:
    wish = adopted(Wish(folder="/results"), OFFER)
    for change in changes:
        wish = changed(wish, change, OFFER)
    return wish


def stages_of(wish: Wish) -> dict[str, dict[str, object]]:
    recipe = orders.recipe(wish, OFFER, SHAPE)
    return {each.stage: {name: plain(value) for name, value in each.parameters.items()} for each in recipe.stages}


def test_a_fresh_page_has_the_first_preset_and_profile() -> None:
    wish = set_to()
    assert (wish.preset, wish.profile) == ("light", "prores")
    assert stages_of(wish) == {"clean": {"amount": 1.0, "local": True}}
    assert orders.recipe(wish, OFFER, SHAPE).stages[0].strength == 0.5
    assert all(differs(wish, stage, OFFER) == () for stage in OFFER.stages)


def test_only_what_differs_from_the_preset_is_marked() -> None:
    wish = set_to({"stage": "clean", "parameter": "amount", "value": 2}, {"stage": "upscale", "on": True})
    assert differs(wish, CLEAN, OFFER) == ("amount",)
    assert differs(wish, UPSCALE, OFFER) == ("on",)
    assert differs(wish, INTERPOLATE, OFFER) == ()
    assert differs(changed(wish, {"stage": "clean", "strength": 1}, OFFER), CLEAN, OFFER) == ("amount", "strength")
    back = changed(wish, {"stage": "clean", "reset": True}, OFFER)
    assert differs(back, CLEAN, OFFER) == ()
    assert differs(changed(wish, {"preset": "light"}, OFFER), UPSCALE, OFFER) == ()


def test_a_target_is_laid_over_the_stages_that_bring_it_about() -> None:
    wish = set_to({"size": "3840x2160"}, {"rate": "60"})
    assert stages_of(wish) == {
        "clean": {"amount": 1.0, "local": True},
        "upscale": {"width": 3840, "height": 2160},
        "interpolate": {"rate": "60"},
    }
    own = set_to({"preset": "full"}, {"size": "timeline"}, {"rate": "timeline"})
    assert stages_of(own)["upscale"] == {"width": 1440, "height": 1080}
    assert stages_of(own)["interpolate"] == {"rate": "24000/1001"}


@pytest.mark.parametrize(
    ("layout", "tail"),
    [("overlay", 1), ("replace", 1), ("file", 1), ("take", 0), ("new-timeline", 0)],
)
def test_sound_stays_with_the_timeline_and_the_tail_is_the_layouts(layout: str, tail: int) -> None:
    order = orders.order(set_to({"layout": layout}, {"occupied": "above"}, {"profile": "png"}), OFFER, SHAPE, "title")
    delivery = order.recipe.delivery
    assert (delivery.keep_audio, delivery.tail_frames, delivery.profile) == (False, tail, "png")
    assert delivery.HasField("keep_audio")
    assert (order.layout, order.occupied, order.output_folder) == (Layout(layout), Occupied.ABOVE, "/results")


@pytest.mark.parametrize(
    ("timeline", "asked", "media", "tail"),
    [("24", "60", "24", 3), ("24000/1001", "60000/1001", "16", 3), ("24", "59.94", "24", 3), ("25", "50", "25", 2),
     ("60", "60", "24", 1), ("24", "", "24", 1), ("24", "", "60", 3), ("24", "", "0", 1), ("60", "", "24", 1)],
)  # fmt: skip
def test_the_tail_lasts_a_frame_of_the_timeline(timeline: str, asked: str, media: str, tail: int) -> None:
    shape = Shape(1440, 1080, Fraction(timeline), Fraction(media))
    assert orders.recipe(set_to({"rate": asked}), OFFER, shape).delivery.tail_frames == tail


def test_a_clip_asks_for_itself(tmp_path: Path) -> None:
    asked = {"clip": "c1", "stage": "clean"}
    wish = set_to(
        asked | {"asks": "keep_frames", "value": " 200;120 - 139, 130-150 "},
        asked | {"asks": "mattes", "value": "/m/matte.mov"},
        {"clip": "c2", "stage": "upscale", "asks": "mattes", "value": "/m/other.mov"},
        {"change_maps": True},
    )
    own = {"keep_frames": {"clean": "120-150, 200"}, "mattes": {"clean": "/m/matte.mov"}}
    assert wish.own["c1"] == own
    order = orders.order(wish, OFFER, SHAPE, "title")
    assert order.own_of("c1") == own
    assert (order.own_of("c2"), order.own_of("c3")) == ({}, {}), "upscale is not in the recipe"
    assert order.recipe.delivery.change_maps
    wishes.save(wish, tmp_path / "page.json")
    assert wishes.load(tmp_path / "page.json") == wish
    fewer = changed(wish, asked | {"asks": "keep_frames", "value": ""}, OFFER)
    assert changed(fewer, asked | {"asks": "mattes", "value": " "}, OFFER).own.keys() == {"c2"}


def test_nothing_to_do_and_nowhere_to_put_it_are_told() -> None:
    with pytest.raises(InvalidRecipe, match="no stage"):
        orders.recipe(set_to({"stage": "clean", "on": False}), OFFER, SHAPE)
    for folder in ("", "results", "~/results"):
        with pytest.raises(OutputUnwritable):
            orders.order(set_to({"folder": folder}), OFFER, SHAPE, "title")


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"path": "/etc/passwd"},
        {"size": "3840x2160", "rate": "60"},
        {"size": "0x100"},
        {"size": "big"},
        {"rate": "0"},
        {"rate": "fast"},
        {"layout": "beside"},
        {"preset": "none"},
        {"stage": "none", "on": True},
        {"stage": "clean", "parameter": "none", "value": 1},
        {"stage": "clean", "parameter": "amount", "value": "much"},
        {"stage": "clean", "parameter": "amount", "value": True},
        {"stage": "clean", "parameter": "local", "value": 1},
        {"stage": "upscale", "parameter": "width", "value": 1.5},
        {"stage": "interpolate", "parameter": "rate", "value": 60},
        {"stage": "clean", "strength": 1.1},
        {"preview_frames": 0},
        {"clip": "c1", "stage": "clean", "asks": "password", "value": "x"},
        {"clip": "c1", "asks": "mattes", "value": "x"},
        {"clip": "c1", "stage": "clean", "asks": "keep_frames", "value": "20-10"},
        {"clip": "c1", "stage": "clean", "asks": "keep_frames", "value": "all"},
    ],
)
def test_what_cannot_be_set_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        changed(set_to(), change, OFFER)


def test_numbers_keep_their_kind() -> None:
    wish = set_to(
        {"stage": "clean", "parameter": "amount", "value": 2}, {"stage": "upscale", "parameter": "width", "value": 8.0}
    )
    amount, width = wish.stages["clean"].parameters["amount"], wish.stages["upscale"].parameters["width"]
    assert (type(amount), type(width)) == (float, int)


def test_fields_are_drawn_from_the_schema() -> None:
    schema = {"type": "string", "enum": ["a", "b"], "default": "b", "description": "which"}
    assert read_parameter("x", schema) == Parameter("x", Kind.CHOICE, "b", "which", choices=("a", "b"))
    schema = {"type": "number", "default": 2, "minimum": 1, "maximum": 3}
    assert read_parameter("x", schema) == Parameter("x", Kind.NUMBER, 2.0, minimum=1, maximum=3)
    assert read_parameter("x", {"type": "boolean"}) == Parameter("x", Kind.FLAG, False)


def test_what_was_set_is_kept_for_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "davinci" / "page.json"
    wish = set_to({"preset": "full"}, {"stage": "clean", "parameter": "amount", "value": 3}, {"layout": "replace"})
    wishes.save(wish, file)
    assert wishes.load(file) == wish
    for damaged in ("", "{}", '{"format": 2}', file.read_text().replace("replace", "beside")):
        file.write_text(damaged)
        assert wishes.load(file) == Wish()
    assert wishes.load(tmp_path / "none") == Wish()


def test_another_server_may_have_other_stages() -> None:
    kept = Wish(preset="gone", stages={"gone": StageWish(True, {}), "clean": StageWish(True, {"gone": 1})})
    wish = adopted(kept, OFFER)
    assert wish.preset == "light"
    kept = with_preset(Wish(), LIGHT, OFFER)
    fewer = adopted(kept, Catalogue((UPSCALE,), (LIGHT,)))
    assert list(fewer.stages) == ["upscale"]


def test_a_folder_fits_every_system() -> None:
    assert wishes.folder_for('A: "reel" 1/2 <50 %>.').name == "A_ _reel_ 1_2 _50 __"
    assert wishes.folder_for("..").name == "Untitled"
    assert wishes.folder_for("Zürich").is_absolute()


@pytest.mark.parametrize(
    ("frame", "rate", "drop", "text"),
    [
        (86400, "24", False, "01:00:00:00"),
        (86399, "24000/1001", False, "00:59:59:23"),
        (90000, "25", False, "01:00:00:00"),
        (1799, "30000/1001", True, "00:00:59;29"),
        (1800, "30000/1001", True, "00:01:00;02"),
        (17981, "30000/1001", True, "00:09:59;29"),
        (17982, "30000/1001", True, "00:10:00;00"),
        (107892, "30000/1001", True, "01:00:00;00"),
        (3600, "60000/1001", True, "00:01:00;04"),
        (215784, "60000/1001", True, "01:00:00;00"),
        (1800, "30000/1001", False, "00:01:00:00"),
    ],
)
def test_timecodes(frame: int, rate: str, drop: bool, text: str) -> None:
    assert timecode(frame, Fraction(rate), drop) == text


@given(st.integers(0, 2_000_000), st.sampled_from([30, 60]))
def test_drop_frame_leaves_out_only_the_first_numbers_of_minutes(frame: int, count: int) -> None:
    text = timecode(frame, Fraction(count * 1000, 1001), drop_frame=True)
    hours, minutes, rest = text.split(":")
    seconds, frames = map(int, rest.split(";"))
    total = int(hours) * 60 + int(minutes)
    assert not (seconds == 0 and frames < count // 15 and total % 10)
    dropped = (count // 15) * (total - total // 10)
    assert (total * 60 + seconds) * count + frames - dropped == frame
