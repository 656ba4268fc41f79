"""Cuts are found where the scene changes, and nowhere else."""

from __future__ import annotations

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from resilver_client.errors import InvalidRecipe
from resilver_server.stages.cadence.run import Analyser
from resilver_server.stages.cadence.spec import SPEC, CadenceParameters
from support.cadences import measured, solved
from support.shared import footage
from support.transfers import Bytes, analysis_frame, read_luma

CUTS_ONLY = CadenceParameters(repeats="keep")
SIZE = (320, 180)


def clip(name: str, count: int, start: int = 0, step: int = 1) -> Bytes:
    return read_luma(footage("colour", name), count, SIZE, start, step).astype(np.uint8)


def cuts_of(pictures: Bytes, rate: int = 24, parameters: CadenceParameters = CUTS_ONLY) -> tuple[int, ...]:
    return solved(measured(pictures, parameters), rate, parameters).findings.cuts


def test_the_cuts_of_a_government_film() -> None:
    """Seen by eye on a contact sheet: soldier, sign, lorries, marching men. A shaking camera, a sign that darkens and
    scratches lie between."""
    path = footage("film", "a_bomb_blast_effects_1950s.mp4")
    with av.open(str(path)) as container:
        pictures = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    cadence = solved(measured(pictures, CUTS_ONLY), 29, CUTS_ONLY)
    assert cadence.findings.cuts == (44, 134, 299)
    assert cadence.clock.walls == (44, 134, 299)
    assert cadence.clock.frames == tuple(range(360))
    assert cadence.clock.times == tuple(Fraction(i, 29) for i in range(360))


def test_joined_scenes_are_cut_at_the_joins_also_when_short() -> None:
    parts = [clip("bigbuckbunny.mp4", 20), clip("flower.mp4", 7), clip("one-by-one-person-detection.mp4", 20)]
    assert cuts_of(np.concatenate(parts)) == (20, 27)


def test_dark_and_flat_scenes_are_told_apart() -> None:
    dark = [(part * 0.12 + 14).astype(np.uint8) for part in (clip("bigbuckbunny.mp4", 16), clip("flower.mp4", 16))]
    assert cuts_of(np.concatenate(dark)) == (16,)


@pytest.mark.parametrize("name", ["bigbuckbunny.mp4", "flower.mp4"])
def test_flicker_is_no_cut(name: str) -> None:
    pictures = clip(name, 60).astype(np.float32)
    gains = 1 + np.random.default_rng(2).uniform(-0.2, 0.2, len(pictures))
    assert cuts_of((pictures * gains[:, None, None]).clip(0, 255).astype(np.uint8)) == ()


@pytest.mark.parametrize("frames", [1, 2])
def test_a_flash_is_no_cut(frames: int) -> None:
    pictures = clip("flower.mp4", 40)
    pictures[20 : 20 + frames] = np.clip(pictures[20 : 20 + frames].astype(int) * 2 + 90, 0, 255)
    assert cuts_of(pictures) == ()


def test_a_burnt_white_frame_is_no_cut() -> None:
    pictures = clip("bigbuckbunny.mp4", 40)
    pictures[20] = 250
    assert cuts_of(pictures) == ()


def test_fast_motion_is_no_cut() -> None:
    """Every sixth frame of a film with running animals, and a pan that crosses a tenth of its picture each frame."""
    assert cuts_of(clip("bigbuckbunny.mp4", 21, step=6)) == ()
    world = cv2.resize(clip("bigbuckbunny.mp4", 1)[0], (1280, 720), interpolation=cv2.INTER_CUBIC)
    pan = np.stack([world[200:380, 32 * i : 32 * i + 320] for i in range(28)])
    assert cuts_of(pan) == ()


def test_animation_on_threes_is_not_cut_at_every_drawing() -> None:
    pictures = clip("bigbuckbunny.mp4", 20, step=3)
    assert cuts_of(np.repeat(pictures, 3, axis=0)) == ()


def test_the_users_cuts_count_too_and_alone() -> None:
    pictures = np.concatenate([clip("bigbuckbunny.mp4", 16), clip("flower.mp4", 16)])
    rows = measured(pictures, CUTS_ONLY)
    both = CadenceParameters(repeats="keep", cut_list="108, 100,999")
    alone = CadenceParameters(repeats="keep", cuts="none", cut_list="108")
    assert solved(rows, 24, both, start=100).findings.cuts == (108, 116)
    assert solved(rows, 24, alone, start=100).findings.cuts == (108,)
    assert solved(rows, 24, alone, start=100).clock.frames[0] == 100


def test_a_cut_list_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRecipe, match="cut_list"):
        solved({"change": np.zeros(4, np.float32)}, 24, SPEC.parse({"cut_list": "12,x", "cuts": "none"}))


def test_tiny_and_empty_pictures_are_measured() -> None:
    for shape in ((1, 1), (2, 5), (48, 17), (30, 500)):
        for value in (0, 255):
            pictures = np.full((3, *shape), value, np.uint8)
            rows = measured(pictures)
            assert all(np.isfinite(values).all() for values in rows.values())
            assert solved(rows, 24).findings.cuts == ()


def test_a_measurement_depends_on_the_pair_alone() -> None:
    pictures = clip("flower.mp4", 6)
    frames = [analysis_frame(index, picture) for index, picture in enumerate(pictures)]
    analyser = Analyser(CadenceParameters())
    rows = measured(pictures)
    for index in (5, 2, 3):
        alone = analyser.measure(frames[index], frames[index - 1])
        assert all(np.array_equal(alone[name], rows[name][index]) for name in rows)
