"""How much room results take, estimated: from the real encoders on real film."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from resilver_server.domain.formats import AudioInfo
from resilver_server.domain.spans import Span
from resilver_server.media import colour
from resilver_server.media.probe import probe
from resilver_server.media.profiles import PROFILES, profile
from resilver_server.media.reader import Reader
from resilver_server.media.sizes import picture_bytes, sound_bytes
from resilver_server.media.tagging import delivery_tags
from resilver_server.media.writer import SegmentWriter
from support.shared import footage

FRAMES = 6


@pytest.mark.parametrize("name", [entry.name for entry in PROFILES])
def test_film_takes_what_was_estimated_or_a_little_less(tmp_path: Path, name: str) -> None:
    """A colour film, whose pictures no encoder makes much smaller than those of a restored one."""
    info = probe(str(footage("colour", "bigbuckbunny.mp4")))
    chosen = profile(name, info)
    path = tmp_path / f"a{chosen.suffix}"
    tags = delivery_tags(info.colour, info.format, chosen.pixel_format)
    with (
        torch.inference_mode(),
        Reader(info) as reader,
        SegmentWriter(str(path), chosen, info.format, info.rate, tags, 0) as writer,
    ):
        for picture in reader.read(Span(30, 30 + FRAMES)):
            writer.write(colour.to_rgb(picture, torch.device("cpu"), torch.float32))
        writer.close()
    taken = sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
    expected = picture_bytes(chosen, info.format, FRAMES)
    assert taken <= expected
    assert expected <= taken * (1.6 if chosen.intra else 4)


def test_sound_counts_as_samples_of_24_bits() -> None:
    stream = AudioInfo(1, "aac", 48_000, 2, Fraction(7))
    assert sound_bytes(profile("ffv1"), [stream, stream], Fraction(1001, 1000)) == 48_000 * 2 * 3 * 2 * 1001 // 1000
    assert sound_bytes(profile("png"), [stream], Fraction(10)) == 0
