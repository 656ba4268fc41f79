"""Colour through the engine: chunks are the whole, luma is delivered as it was filmed, and errors are clear."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from resilver_client.errors import InvalidKeyFrame
from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.engine.chain import Chains
from resilver_server.media.colour import from_rgb, to_rgb
from resilver_server.media.probe import probe
from resilver_server.media.profiles import profile
from resilver_server.media.reader import Reader
from resilver_server.media.writer import SegmentWriter
from resilver_server.planning.plans import ShotPlan
from support.tiny import frames_of, moving, planned, solved, whole

RATE = Fraction(16)
COUNT, WIDTH, HEIGHT = 20, 64, 48


@pytest.fixture
def media(tmp_path: Path) -> MediaInfo:
    """A grey film of standard definition: the matrix is that of BT.601."""
    pictures = moving(COUNT, WIDTH, HEIGHT).mean(axis=3)
    path = tmp_path / "film.mov"
    tags = ColourTags("smpte170m", "smpte170m", "smpte170m", full_range=False)
    with SegmentWriter(str(path), profile("prores-422hq"), FrameFormat(WIDTH, HEIGHT), RATE, tags, 0) as writer:
        for picture in pictures:
            writer.write(torch.from_numpy(picture).expand(3, -1, -1))
        writer.close()
    return probe(str(path))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    random = np.random.default_rng(1)
    for number in (2, 15):
        picture = cv2.resize(random.integers(0, 255, (4, 4, 3), np.uint8), (WIDTH, HEIGHT))
        assert cv2.imwrite(str(folder / f"{number:04d}.png"), picture)
    return folder


def plan_of(media: MediaInfo, path: Path, **parameters: float) -> ShotPlan:
    stage = StageSettings("colour", parameters, key_frames=str(path))
    return planned(whole(media), media, Recipe((stage,), Delivery("prores-422hq")))


def frames(plan: ShotPlan, folder: Path, outputs: list[int], chunk: int = 1000) -> torch.Tensor:
    state, _ = solved(plan, folder, chunk)
    return frames_of(plan, state, outputs, Chains())[0]


def test_frames_alone_are_those_of_the_whole(media: MediaInfo, keys: Path, tmp_path: Path) -> None:
    plan = plan_of(media, keys, palette=0.5, warmth=0.3)
    together = frames(plan, tmp_path / "a", list(range(COUNT)))
    for output in (0, 2, 9, 19):
        assert torch.equal(frames(plan, tmp_path / f"b{output}", [output], chunk=7)[0], together[output])
    assert (together[:, 0] - together[:, 2]).abs().max() > 0.05


def test_luma_is_delivered_to_the_bit(media: MediaInfo, keys: Path, tmp_path: Path) -> None:
    plan = plan_of(media, keys, saturation=1.6)
    coloured = frames(plan, tmp_path / "a", list(range(COUNT)))
    with Reader(media) as reader:
        for picture, frame in zip(reader.read(plan.source), coloured, strict=True):
            filmed = to_rgb(picture, torch.device("cpu"), torch.float32)
            before, after = (from_rgb(rgb, "yuv422p10le", plan.output_colour)[0] for rgb in (filmed, frame))
            assert np.array_equal(before, after)


def test_a_reference_colours_everything_a_little(media: MediaInfo, keys: Path, tmp_path: Path) -> None:
    coloured = frames(plan_of(media, keys / "0002.png"), tmp_path / "a", [4])
    assert coloured.isfinite().all()
    assert (coloured[0, 0] - coloured[0, 2]).abs().max() > 0.01


def test_a_key_frame_that_is_no_picture_is_refused(media: MediaInfo, keys: Path, tmp_path: Path) -> None:
    (keys / "0002.png").write_bytes(b"nothing")
    with pytest.raises(InvalidKeyFrame, match="0002"):
        frames(plan_of(media, keys), tmp_path / "a", [3])
