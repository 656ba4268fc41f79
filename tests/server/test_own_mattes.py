"""Mattes that a clip brings for itself: they hold for it alone, are looked at first, and count in its keys."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from resilver_client.errors import ClipUnsupported, InvalidMatte, InvalidRecipe, PathNotAllowed, ResilverError
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.scheduling.records import EventKind
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.spec import FIELDS
from support.clips import moving, planes_of, write_movie
from support.edits import Cut, edit, movie
from support.jobs import decoded, manager, on_loop, request, rows

WIDTH, HEIGHT, FRAMES = 96, 64, 6


def picture(path: Path, *white: slice) -> str:
    """Black, but for some columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for columns in white:
        pixels[:, columns] = 255
    cv2.imwrite(str(path), pixels)
    return str(path)


def reel(path: Path, frames: int = FRAMES) -> Path:
    """A smooth picture in steady movement: between any two frames something can be computed."""
    return write_movie(path, [planes_of(moving(k, WIDTH, HEIGHT), "yuv420p") for k in range(frames)], "ffv1", "yuv420p")


def smooth(matte: str | None = None) -> Recipe:
    """Every odd frame of the result is computed, where the stage works; elsewhere the frame before is held."""
    stage = StageSettings("interpolate", {"model": "blend", "rate": "48"}, matte=matte)
    return Recipe((stage,), Delivery("ffv1"))


def test_two_clips_of_one_job_with_mattes_of_their_own(tmp_path: Path) -> None:
    film = reel(tmp_path / "film.mkv")
    left, right = picture(tmp_path / "left.png", slice(0, 48)), picture(tmp_path / "right.png", slice(48, 96))
    cuts = [
        Cut(movie(film), (0, FRAMES), name, resilver={"mattes": {"interpolate": matte}} if matte else {})
        for name, matte in (("own", left), ("recipes", None))
    ]
    recipes = {"both": smooth(right), "all": smooth(), "none": smooth(picture(tmp_path / "black.png"))}

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            for name, recipe in recipes.items():
                shown = edit(24, cuts if name == "both" else cuts[1:])
                job = await running.submit(request(name, shown, tmp_path / name, recipe=recipe))
                await rows(running, job.id)
                assert (await running.get(job.id)).failure is None

    on_loop(check)
    own, others = decoded(tmp_path / "both/own.mkv"), decoded(tmp_path / "both/recipes.mkv")
    full, plain = decoded(tmp_path / "all/recipes.mkv"), decoded(tmp_path / "none/recipes.mkv")
    for k in (3, 5, 7):
        assert (full[k] != plain[k]).any(axis=2).mean() > 0.2
        assert np.array_equal(own[k][:, :48], full[k][:, :48]), "white is the stage"
        assert np.array_equal(own[k][:, 48:], plain[k][:, 48:]), "black is the film"
        assert np.array_equal(others[k][:, :48], plain[k][:, :48])
        assert np.array_equal(others[k][:, 48:], full[k][:, 48:]), "the recipe's matte holds for the other clip"


def test_a_repainted_frame_renders_the_chunk_under_it_again(tmp_path: Path) -> None:
    """A matte of 144 frames over three chunks of 48 (96 of the result); frame 100 is painted anew."""
    film = reel(tmp_path / "film.mkv", 144)
    for k in range(144):
        picture(tmp_path / f"matte/m.{k:04d}.png", slice(0, 48))
    own = {"mattes": {"interpolate": str(tmp_path / "matte/m.%04d.png")}}
    shown = edit(24, [Cut(movie(film), (0, 144), resilver=own)])
    told = {}

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            for name in ("before", "after"):
                job = await running.submit(request(name, shown, tmp_path / name, recipe=smooth()))
                events = [event for event in await rows(running, job.id) if event.kind is EventKind.CHUNK]
                told[name] = [event.message for event in sorted(events, key=lambda event: event.chunk or 0)]
                picture(tmp_path / "matte/m.0100.png", slice(24, 72))

    on_loop(check)
    assert told == {"before": ["", "", ""], "after": ["already in the store", "already in the store", ""]}
    before, after = decoded(tmp_path / "before/shot.mkv"), decoded(tmp_path / "after/shot.mkv")
    assert [k for k in range(288) if not np.array_equal(before[k], after[k])] == [201]


@pytest.mark.parametrize(
    ("asked", "kind", "said"),
    [
        (
            {"mattes": {"deflicker": "{}"}},
            ClipUnsupported,
            "mattes for a stage that is not in the recipe.*stage deflic",
        ),
        ({"mattes": {"cadence": "{}"}}, ClipUnsupported, "the stage takes no mattes, clip shot, stage cadence"),
        (
            {"keep_mattes": {"cadence": "{}"}},
            ClipUnsupported,
            "the stage takes no keep mattes, clip shot, stage cadence",
        ),
        (
            {"key_frames": {"interpolate": "{}"}},
            ClipUnsupported,
            "the stage takes no key frames, clip shot, stage interpolate",
        ),
        (
            {"defect_maps": {"interpolate": "{}"}},
            ClipUnsupported,
            "the stage takes no defect maps, clip shot, stage int",
        ),
        ({"keep_frames": {"repair": "3"}}, ClipUnsupported, "keep frames for a stage that is not in the recipe"),
        ({"keep_frames": {"cadence": "3"}}, ClipUnsupported, "changes no frames, clip shot, stage cadence"),
        ({"keep_frames": {"interpolate": "3-"}}, ClipUnsupported, "'3-' names no frames, clip shot, stage interpolate"),
        ({"parameters": {"repair": {"a": 1}}}, ClipUnsupported, "parameters for a stage that is not in the recipe"),
        ({"parameters": {"interpolate": {"a": 1}}}, ClipUnsupported, "unknown parameter 'a', clip shot, stage interp"),
        ({"mattes": ["{}"]}, ClipUnsupported, "metadata.resilver.mattes is"),
        ({"mattes": {"interpolate": 7}}, ClipUnsupported, "metadata.resilver.mattes is"),
        ({"mattes": {"interpolate": "relative.png"}}, PathNotAllowed, "not an absolute path, relative.png"),
        ({"mattes": {"interpolate": "{}.gone"}}, InvalidMatte, "no such file, .*matte.png.gone"),
    ],
)
def test_what_cannot_be_used_is_never_left_out_silently(
    tmp_path: Path, asked: dict[str, object], kind: type[ResilverError], said: str
) -> None:
    film, matte = reel(tmp_path / "film.mkv"), picture(tmp_path / "matte.png")

    def filled(value: object) -> object:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value.replace("{}", matte) if isinstance(value, str) else value

    cuts = [Cut(movie(film), (0, FRAMES), resilver=filled(asked)), Cut(movie(film), (0, FRAMES), "other")]
    recipe = Recipe((StageSettings("cadence"), *smooth().stages), Delivery("ffv1"))
    wanted = request("a", edit(24, cuts), tmp_path / "out", recipe=recipe)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            with pytest.raises(ResilverError, match=said) as caught:
                await running.submit(wanted)
            assert type(caught.value) is kind
            plan = await running.plan(request("b", wanted.timeline, tmp_path, recipe=recipe, skip_refused=True))
            assert [(each.clip, each.reason) for each in plan.refusals] == [("shot", kind.reason)]
            assert [shot.plan.shot.name for shot in plan.shots] == ["other"], "the rest goes on"

    on_loop(check)


def test_a_recipe_s_matte_is_looked_at_first_too(tmp_path: Path) -> None:
    film = reel(tmp_path / "film.mkv")
    (tmp_path / "matte.png").write_text("not a picture")
    shown = edit(24, [Cut(movie(film), (0, FRAMES))])
    cadence = Recipe((StageSettings("cadence", matte=picture(tmp_path / "good.png")),))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            with pytest.raises(InvalidMatte, match=r"matte\.png"):
                await running.submit(request("a", shown, tmp_path, recipe=smooth(str(tmp_path / "matte.png"))))
            with pytest.raises(InvalidRecipe, match="takes no matte, stage cadence"):
                await running.submit(request("b", shown, tmp_path, recipe=cadence))

    on_loop(check)


def test_every_input_of_a_stage_has_its_place_in_the_settings() -> None:
    assert {each for spec in STAGES for each in spec.inputs} <= set(FIELDS)
    assert all(hasattr(StageSettings("x"), name) for name in FIELDS.values())
