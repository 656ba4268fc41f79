"""The colour stage's parts: what each must keep to on pictures made for it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import torch

from resilver_server.domain.clocks import Clock
from resilver_server.domain.formats import ColourTags
from resilver_server.lab import colour as lab
from resilver_server.lab.pictures import Image, to_grey
from resilver_server.media.colour import from_rgb
from resilver_server.stages.colour import run, tones
from resilver_server.stages.colour.chains import NEAREST, WIDEST, Steps, chains, shares
from resilver_server.stages.colour.course import automatic, wanted
from resilver_server.stages.colour.spec import ColourParameters
from resilver_server.stages.colour.spread import spread
from resilver_server.stages.keys import KEYS, NO_KEY
from support.colours import Shot
from support.flicker import clock_of

BT709, BT601 = (0.2126, 0.7152, 0.0722), (0.299, 0.587, 0.114)
RATE = Fraction(24)


def panned(count: int, height: int = 96, width: int = 160, step: int = 2) -> list[Image]:
    """A coloured texture that moves to the left."""
    random = np.random.default_rng(5)
    ground = np.zeros((3, height, width + step * count), np.float32)
    for edge in (8, 16, 32):
        cells = random.random((3, height // edge, ground.shape[2] // edge + 1)).astype(np.float32)
        ground += np.kron(cells, np.ones((edge, edge), np.float32))[..., : ground.shape[2]] * 0.3
    return [np.ascontiguousarray(ground[:, :, step * k : step * k + width]).clip(0, 1) for k in range(count)]


def still(count: int) -> Steps:
    return Steps(np.ones(count), np.zeros(count))


def decibels(results: Sequence[Image], truth: Sequence[Image]) -> float:
    errors = [((result - frame) ** 2).mean() for result, frame in zip(results, truth, strict=True)]
    return float(-10 * np.log10(np.mean(errors)))


class TestLuma:
    @pytest.mark.parametrize(("matrix", "weights"), [("bt709", BT709), ("smpte170m", BT601)])
    def test_it_is_the_same_code_whatever_the_chroma(self, matrix: str, weights: tones.Weights) -> None:
        random = torch.Generator().manual_seed(3)
        codes = torch.randint(64, 941, (1, 1, 60, 80), generator=random)
        light = (codes - 64).float() / 876
        chroma = torch.rand((1, 2, 60, 80), generator=random) * 3 - 1.5
        rgb = tones.joined(light, chroma, weights)
        tags = ColourTags("bt709", "bt709", matrix, full_range=False)
        assert rgb.min() >= -1e-6
        assert rgb.max() <= 1 + 1e-6
        assert np.array_equal(from_rgb(rgb[0], "yuv444p10le", tags)[0], codes[0, 0].numpy())

    def test_what_has_no_room_becomes_the_nearest_that_has(self) -> None:
        """A red that is too dark for its chroma keeps more of it than if it were made grey in proportion."""
        light = torch.full((1, 1, 1, 1), 0.15)
        chroma = torch.tensor([-0.02, 0.5]).reshape(1, 2, 1, 1)
        found = tones.joined(light, chroma, BT709)[0, :, 0, 0]
        wanted = light[0, 0, 0, 0] + torch.tensor([0.5, -(0.2126 * 0.5 - 0.0722 * 0.02) / 0.7152, -0.02])
        grid = torch.cartesian_prod(torch.linspace(0, 1, 401), torch.linspace(0, 1, 401))
        green = (0.15 - 0.2126 * grid[:, 0] - 0.0722 * grid[:, 1]) / 0.7152
        colours = torch.stack([grid[:, 0], green, grid[:, 1]], dim=1)[(green >= 0) & (green <= 1)]
        best = colours[(colours - wanted).square().sum(dim=1).argmin()]
        assert (found - best).abs().max() < 0.005

    def test_what_has_room_is_not_touched(self) -> None:
        light, chroma = torch.full((1, 1, 1, 1), 0.5), torch.tensor([0.1, 0.2]).reshape(1, 2, 1, 1)
        assert torch.equal(tones.joined(light, chroma, BT709)[:, [2, 0]], light + chroma)

    def test_what_lies_outside_stays(self) -> None:
        light = torch.tensor([-0.05, 1.08]).reshape(1, 1, 1, 2)
        rgb = tones.joined(light, torch.full((1, 2, 1, 2), 0.3), BT709)
        assert torch.equal(rgb, light.expand(-1, 3, -1, -1))

    @pytest.mark.parametrize("settings", [{"saturation": 2.0}, {"warmth": 1.0, "skin": 0.0}, {"palette": 1.0}])
    def test_no_parameter_alters_it(self, settings: dict[str, float]) -> None:
        frames = panned(3)
        shot = Shot(frames, {0: frames[0]}, ColourParameters(**settings))
        for (result, _), grey in zip(shot.coloured(range(3)), shot.grey, strict=True):
            assert np.abs(np.tensordot(BT709, result, 1) - grey[0]).max() < 1e-5


class TestTones:
    def test_warmth_takes_blue_and_gives_red(self) -> None:
        grey, light = torch.zeros((1, 2, 1, 1)), torch.full((1, 1, 1, 1), 0.5)
        blue, red = tones.graded(grey, light, 1.0, 1.0, 0.0, BT709)[0, :, 0, 0].tolist()
        assert blue < -0.03 < 0 < 0.02 < red

    def test_skin_is_left_alone_and_leaves_are_not(self) -> None:
        skin = torch.tensor([[0.85, 0.6, 0.5], [0.2, 0.5, 0.1]]).T.reshape(1, 3, 1, 2)
        chroma, light = tones.chroma(skin, BT709), tones.luma(skin, BT709)
        graded = tones.graded(chroma, light, 1.5, 0.0, 1.0, BT709)
        assert torch.allclose(graded[..., 0], chroma[..., 0])
        assert torch.allclose(graded[..., 1], 1.5 * chroma[..., 1])

    def test_a_palette_draws_what_lies_between(self) -> None:
        given = torch.zeros((1, 2, 10, 10))
        given[:, 1, :5], given[:, 1, 5:] = 0.4, -0.2
        drawn = tones.held(torch.tensor([0.0, 0.33]).reshape(1, 2, 1, 1), tones.palette([given]), 1.0)
        assert abs(float(drawn[0, 1, 0, 0]) - 0.4) < 0.04

    def test_chroma_goes_with_shade_and_not_with_flicker(self) -> None:
        there = torch.full((1, 1, 20, 20), 0.3)
        assert float(tones.shading(there / 3, there).mean()) < 0.5
        assert torch.equal(tones.shading(there * 0.9, there), torch.ones_like(there))


class TestSpread:
    def test_colour_stops_at_an_edge(self) -> None:
        light = torch.zeros((1, 1, 40, 60))
        light[..., 30:] = 0.6
        colour, known = torch.zeros((1, 2, 40, 60)), torch.full((1, 1, 40, 60), 1e-6)
        colour[:, 0, 18:22, 2:6], colour[:, 1, 18:22, 54:58] = 0.3, 0.2
        known[..., 18:22, 2:6] = known[..., 18:22, 54:58] = 10
        found = spread(light, colour, known)
        assert float(found[0, 0, 5, 20]) > 0.2 > 0.05 > float(found[0, 0, :, 35:].max())
        assert float(found[0, 1, 35, 40]) > 0.13 > 0.05 > float(found[0, 1, :, :25].max())


class TestChains:
    def test_stones_lead_from_the_key_frame(self) -> None:
        clock = clock_of(40, RATE)
        rows = chains(clock, [5, 30], still(40))
        half = rows.shape[1] // 2
        assert rows[5, 0] == rows[6, 0] == 5
        assert rows[4, 0] == NO_KEY
        assert rows[4, half] == 5
        assert rows[5 + 2 * WIDEST + 1, :4].tolist() == [5, 5 + WIDEST, 5 + 2 * WIDEST, NO_KEY]
        assert rows[29, half : half + 2].tolist() == [30, NO_KEY]
        assert rows[30, 0] == 30
        assert rows[30, half] == NO_KEY

    def test_motion_brings_them_closer(self) -> None:
        rows = chains(clock_of(20, RATE), [0], Steps(np.full(20, 0.8), np.zeros(20)))
        assert rows[12, :3].tolist() == [0, NEAREST, 2 * NEAREST]
        rows = chains(clock_of(20, RATE), [0], Steps(np.ones(20), np.full(20, 0.04)))
        assert rows[5, :3].tolist() == [0, 2, 4]

    def test_nothing_looks_across_a_wall(self) -> None:
        rows = chains(clock_of(20, RATE, walls=(8,)), [3], still(20))
        assert (rows[8:] == NO_KEY).all()
        assert (rows[:3, rows.shape[1] // 2] == 3).all()

    def test_a_repeat_stands_for_the_frame_that_it_repeats(self) -> None:
        clock = clock_of(4, RATE, frames=(0, 2, 5, 6))
        assert chains(clock, [4], still(4))[:, 0].tolist() == [NO_KEY, 4, 4, 4]

    def test_two_key_frames_share_by_time(self) -> None:
        clock = clock_of(11, RATE)
        found = shares(clock, chains(clock, [0, 10], still(11)))
        assert found == pytest.approx(np.linspace(1, 0, 11).clip(0, 1), abs=1e-9) or found[-1] == 1


class TestAdvice:
    def test_the_scene_without_a_key_frame_comes_first(self) -> None:
        kept = np.full(30, 0.95)
        kept[0] = kept[20] = 0
        sure = np.concatenate([0.95 ** np.arange(20), np.zeros(10)])
        assert 20 <= wanted(sure, kept)[0] < 30

    def test_none_where_all_is_told(self) -> None:
        assert wanted(np.full(30, 0.99), np.full(30, 0.99)) == []


class TestStage:
    def test_a_pan_is_coloured(self) -> None:
        frames = panned(9)
        truth, there = [frames[4], frames[8]], np.s_[..., :140]
        results = Shot(frames, {0: frames[0]}).coloured([4, 8])
        copies = list(lab.copied(truth, frames[0]))
        seen = [frame[there] for frame in truth]
        assert decibels([result[there] for result, _ in results], seen) > 30
        assert decibels([copy[there] for copy in copies], seen) < 20

    def test_the_order_of_frames_does_not_matter(self) -> None:
        frames = panned(16)
        forward = Shot(frames, {0: frames[0], 15: frames[15]}).coloured([3, 7, 11])
        backward = Shot(frames, {0: frames[0], 15: frames[15]}).coloured([11, 7, 3])
        for (one, _), (other, _) in zip(forward, backward[::-1], strict=True):
            assert np.array_equal(one, other)

    def test_what_comes_into_the_picture_is_not_sure(self) -> None:
        frames = panned(9, step=4)
        (_, sure), *_ = Shot(frames, {0: frames[0]}).coloured([8])
        assert sure[:, 16:110].mean() > sure[:, 132:].mean() + 0.3

    def test_a_scene_without_key_frames_stays_as_it_is(self) -> None:
        frames = panned(6)
        shot = Shot(frames, {0: frames[0]}, walls=(3,))
        assert np.array_equal(shot.processed(4), shot.grey[4])
        assert not np.array_equal(shot.processed(2), shot.grey[2])
        assert not (np.asarray(shot.state[KEYS])[3:] != NO_KEY).any()

    def test_advice_names_media_frames(self) -> None:
        frames = panned(6)
        shot = Shot(frames, {0: frames[0]}, walls=(3,))
        clock: Clock = shot.clock
        assert run.advice(shot.state, clock)["key frames wanted"][0] in range(3, 6)


def test_equal_frames_have_no_change_of_distribution() -> None:
    frames = panned(1) * 5
    assert lab.distribution_change(frames) == 0
    assert lab.distribution_change([frames[0], frames[0] ** 2, frames[0]]) > 0.01


def test_colours_by_brightness_are_the_key_frames() -> None:
    frames = panned(2)
    key, none = frames[0], np.zeros((3, 96, 160), np.float32)
    (found,) = lab.transferred([frames[1]], key, samples=400)
    assert np.abs(found.mean(axis=(1, 2)) - frames[1].mean(axis=(1, 2))).max() < 0.05
    assert np.abs(np.tensordot(BT709, found - frames[1], 1)).max() < 1e-4
    assert not np.abs(next(lab.transferred([frames[1]], none)) - to_grey(frames[1])).any()


def test_what_stands_still_is_told_from_what_moves() -> None:
    frames = [np.zeros((3, 48, 64), np.float32) for _ in range(4)]
    for k, frame in enumerate(frames):
        frame[:, 20:28, 4 * k : 4 * k + 6] = 1
    steady = lab.still(frames)
    assert steady[:, 40:].all()
    assert not steady[20:28, :18].any()


def test_a_network_is_asked_for_scenes_that_nobody_painted() -> None:
    """One frame of each such scene where little moves, none where a key frame is."""
    clock = clock_of(12, Fraction(24), (5, 9))
    kept = np.array([0, *[0.99] * 4, 0, *[0.99] * 3, 0, *[0.99] * 2])
    assert len(automatic(clock, kept, [6])) == 2
    chosen = automatic(clock, kept, [])
    assert [sum(number in scene for number in chosen) for scene in (range(5), range(5, 9), range(9, 12))] == [1, 1, 1]
    assert automatic(clock, np.zeros(12), [6])[0] in range(5)
