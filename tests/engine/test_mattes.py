"""Mattes: white is where a stage works, exactly; and which matte frame lies over which film frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from resilver_client.errors import InvalidMatte
from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.engine.chain import Chains
from resilver_server.planning.tasks import PreviewResult, PreviewTask
from support.tiny import Pictures, do, frames_of, moving, planned, solved, whole, write_clip

RATE = Fraction(16)
WIDTH, HEIGHT, COUNT = 24, 16, 8


@pytest.fixture
def media(tmp_path: Path) -> MediaInfo:
    return write_clip(tmp_path / "film.mkv", moving(COUNT, WIDTH, HEIGHT), RATE)


def restored(
    media: MediaInfo, folder: Path, matte: str | None, strength: float = 1.0, **shot: Fraction
) -> torch.Tensor:
    stage = StageSettings("upscale", {"model": "none", "width": 48, "height": 40}, strength, matte)
    smooth = StageSettings("interpolate", {"model": "blend", "rate": "32"}, strength, matte)
    plan = planned(whole(media), media, Recipe((stage, smooth), Delivery("ffv1")))
    state, _ = solved(plan, folder)
    return frames_of(plan, state, list(plan.outputs), Chains())[0]


def halves() -> Pictures:
    """Left black, right white."""
    return np.concatenate([np.zeros((1, 8, 12, 3), np.float32), np.ones((1, 8, 12, 3), np.float32)], axis=2)


def test_white_is_the_stage_and_black_the_film(media: MediaInfo, tmp_path: Path) -> None:
    write_clip(tmp_path / "halves", halves(), RATE, "png")
    matte = str(tmp_path / "halves" / "00000000.png")
    mixed = restored(media, tmp_path / "mixed", matte)
    full, none = (restored(media, tmp_path / f"s{s}", None, strength=s) for s in (1.0, 0.0))
    assert torch.equal(mixed[..., 32:], full[..., 32:])  # beyond the reach of the matte's soft edge
    assert torch.equal(mixed[..., :16], none[..., :16])
    assert not torch.equal(mixed, full)


def test_a_black_matte_is_strength_zero(media: MediaInfo, tmp_path: Path) -> None:
    write_clip(tmp_path / "black", halves()[:, :, :4], RATE, "png")
    matte = str(tmp_path / "black" / "00000000.png")
    assert torch.equal(restored(media, tmp_path / "a", matte), restored(media, tmp_path / "b", None, strength=0.0))


@pytest.mark.parametrize(("length", "first"), [(COUNT, 5), (3, 2)])
def test_clips_lie_over_media_or_over_the_range(media: MediaInfo, tmp_path: Path, length: int, first: int) -> None:
    """White in matte frame ``first`` alone. A matte as long as the media follows the media, a shorter one the range."""
    pictures = np.zeros((length, 8, 8, 3), np.float32)
    pictures[first] = 1
    matte = write_clip(tmp_path / "matte.mkv", pictures, RATE).path
    shot = {"start": 3 / RATE, "duration": 3 / RATE}
    stage = StageSettings("deflicker", {"window": 0.3}, 1.0, matte)
    plain = StageSettings("deflicker", {"window": 0.3}, 0.0)
    frames = []
    for name, settings in (("matte", stage), ("plain", plain)):
        plan = planned(whole(media, **shot), media, Recipe((settings,), Delivery("ffv1")))
        state, _ = solved(plan, tmp_path / name)
        frames.append(frames_of(plan, state, list(plan.outputs), Chains())[0])
    changed = [not torch.equal(a, b) for a, b in zip(*frames, strict=True)]
    assert changed == [False, False, True]  # media frame 5, the third of the range


def test_a_matte_that_is_none_is_refused(media: MediaInfo, tmp_path: Path) -> None:
    (tmp_path / "matte.png").write_text("no picture")
    with pytest.raises(InvalidMatte, match=r"matte\.png"):
        restored(media, tmp_path / "solve", str(tmp_path / "matte.png"))


def test_repainting_a_matte_renders_only_what_it_covers_again(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "film.mkv", moving(60, 8, 8), RATE)
    pattern = str(tmp_path / "matte" / "%08d.png")

    def keys(grey: float) -> list[str]:
        pictures = np.ones((60, 8, 8, 3), np.float32)
        pictures[50] = grey
        write_clip(tmp_path / f"matte{grey}", pictures, RATE, "png")
        (tmp_path / f"matte{grey}").rename(tmp_path / "matte")
        stage = StageSettings("upscale", {"model": "none"}, 1.0, pattern)
        plan = planned(whole(media), media, Recipe((stage,), Delivery("ffv1")))
        found = [chunk.key for chunk in solved(plan, tmp_path / f"solve{grey}")[1].chunks]
        (tmp_path / "matte").rename(tmp_path / f"matte{grey}")
        return found

    first, second = keys(0.25), keys(0.5)
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_change_maps_show_where_a_stage_worked(media: MediaInfo, tmp_path: Path) -> None:
    write_clip(tmp_path / "halves", halves(), RATE, "png")
    stage = StageSettings("deflicker", {"window": 0.3}, 1.0, str(tmp_path / "halves" / "00000000.png"))
    plan = planned(whole(media), media, Recipe((stage,), Delivery("ffv1")))
    state, _ = solved(plan, tmp_path / "solve")
    found = do(PreviewTask(plan, str(state), (2,), str(tmp_path / "preview")))
    assert isinstance(found, PreviewResult)
    assert [Path(change.path).name for change in found.changes] == ["tiny.000002.deflicker.png"]
    change = cv2.imread(found.changes[0].path)
    assert change.shape == (HEIGHT, WIDTH, 3)
    assert change[:, 16:].mean() > 2
    assert change[:, :8].max() == 0
