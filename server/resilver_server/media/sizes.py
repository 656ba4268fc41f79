"""What a result will take on disk, before it is rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import ceil
from types import MappingProxyType

from resilver_server.domain.formats import AudioInfo, FrameFormat

from .profiles import Profile

BYTES_PER_PIXEL: Mapping[tuple[str, int], float] = MappingProxyType(
    {
        ("prores-422hq", 10): 0.65,
        ("prores-4444", 10): 0.85,
        ("dnxhr-hqx", 10): 0.45,
        ("dnxhr-hq", 8): 0.45,
        ("h264", 8): 0.06,
        ("hevc10", 10): 0.06,
        ("ffv1", 10): 1.4,
        ("ffv1", 12): 2.2,
        ("ffv1", 16): 3.2,
        ("png", 16): 4.5,
        ("tiff", 16): 5.7,
        ("exr", 16): 3.7,
        ("changes", 8): 1.0,
    }
)
"""By profile and bits: the most that 12 frames of real film took, encoded by the writer, rounded up.

Measured on black-and-white film of 1903 to 1950 at its own size, three times enlarged (Lanczos) and twice enlarged by
the network span-x2, and on a colour film at 720p and 2160p. Plainly enlarged film takes half of it and less; lossless
profiles take a third for film whose three components are equal, which they no longer are behind a network.
"""
_SAMPLE = 3
"""Bytes of a sample of pcm_s24le; more than any other codec of sound takes."""


def picture_bytes(chosen: Profile, format: FrameFormat, frames: int) -> int:
    return ceil(format.pixels * frames * BYTES_PER_PIXEL[chosen.name, chosen.bit_depth])


def sound_bytes(chosen: Profile, streams: Iterable[AudioInfo], seconds: Fraction) -> int:
    """At most; 0 for profiles without sound."""
    if not chosen.audio_codec:
        return 0
    return ceil(seconds * sum(stream.sample_rate * stream.channels * _SAMPLE for stream in streams))
