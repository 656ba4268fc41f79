"""Ageing and measuring, file to file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from resilver_client.errors import FrameCountMismatch, GeometryMismatch, OutputExists
from resilver_server.domain.serial import loads
from resilver_server.domain.spans import Span
from resilver_server.lab.age import AgeSettings
from resilver_server.lab.files import CLIPS, Truth, age_file, measure_files
from resilver_server.media.probe import probe
from support.tiny import moving, write_clip

RATE = Fraction(24)


def test_an_aged_clip_lies_beside_its_truths(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "clean.mkv", moving(12, 64, 48), RATE)
    folder = tmp_path / "aged"
    count = age_file(media, folder, AgeSettings(lost=0.2, repeated=0.2), 7, Span(2, 12), (32, 24))
    truth = loads(Truth, (folder / "truth.json").read_text())
    assert count == len(truth.frames)
    for name in CLIPS:
        info = probe(str(folder / f"{name}.mkv"))
        assert (info.frame_count, info.format.width, info.format.height, info.rate) == (count, 32, 24, RATE)
    assert all(0 <= frame.source < 10 for frame in truth.frames)

    aged, aligned = probe(str(folder / "aged.mkv")), probe(str(folder / "aligned.mkv"))
    assert measure_files(aligned, aligned).psnr == float("inf")
    assert 10 < measure_files(aligned, aged).psnr < 40
    with pytest.raises(OutputExists):
        age_file(media, folder, AgeSettings(), 7)


def test_same_seed_same_damage(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "clean.mkv", moving(5, 32, 24), RATE)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        age_file(media, tmp_path / name, AgeSettings(lost=0, repeated=0), seed)
    a, b, c = (probe(str(tmp_path / name / "aged.mkv")) for name in "abc")
    assert measure_files(a, b).psnr == float("inf")
    assert measure_files(a, c).psnr < 60


def test_unequal_clips_are_refused(tmp_path: Path) -> None:
    one = write_clip(tmp_path / "one.mkv", moving(6, 32, 24), RATE)
    longer = write_clip(tmp_path / "longer.mkv", moving(12, 32, 24), 2 * RATE)
    wider = write_clip(tmp_path / "wider.mkv", moving(6, 48, 24), RATE)
    with pytest.raises(FrameCountMismatch):
        measure_files(one, longer)
    with pytest.raises(GeometryMismatch):
        measure_files(one, wider)
    assert len(measure_files(one, longer, at_common_times=True).frames) == 6
