"""What clients are told of the delivery profiles. How they are encoded stands in ``media/profiles.py``, which needs
FFmpeg and so cannot be imported here; a test holds the two tables together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProfileFacts:
    """One delivery profile."""

    name: str
    summary: str
    suffix: str
    """Of the file; of each frame's file for sequences."""
    bit_depth: int
    """Bits of a component at most."""
    is_sequence: bool = False


PROFILE_FACTS: tuple[ProfileFacts, ...] = (
    ProfileFacts("prores-422hq", "ProRes 422 HQ, 10 bits for editing", ".mov", 10),
    ProfileFacts("prores-4444", "ProRes 4444, full colour resolution", ".mov", 10),
    ProfileFacts("dnxhr-hqx", "DNxHR HQX, 10 bits, for editing", ".mov", 10),
    ProfileFacts("dnxhr-hq", "DNxHR HQ, 8 bits", ".mov", 8),
    ProfileFacts("h264", "H.264, 8 bits, for viewing", ".mp4", 8),
    ProfileFacts("hevc10", "HEVC, 10 bits, for viewing", ".mp4", 10),
    ProfileFacts("ffv1", "FFV1, lossless, for archives", ".mkv", 16),
    ProfileFacts("png", "PNG pictures, 16 bits", ".png", 16, is_sequence=True),
    ProfileFacts("tiff", "TIFF pictures, 16 bits", ".tif", 16, is_sequence=True),
    ProfileFacts("exr", "OpenEXR pictures, half float, scene-linear", ".exr", 16, is_sequence=True),
)
