"""Delivery profiles: the forms in which results are written. One visible table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from resilver_client.errors import GeometryMismatch, UnknownProfile
from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo, MediaKind

from .layout import Model, layout_of
from .tagging import UNSPECIFIED, resolved

THREADS = 4
"""Encoder threads, the same on every machine: x264 and x265 give other bytes with another number."""


@dataclass(frozen=True)
class Profile:
    """How a result is encoded and packed. Fixed: the same profile and frames give the same packets."""

    name: str
    summary: str
    suffix: str
    """Of the file; of each frame's file for sequences."""
    container: str
    """FFmpeg's name of the muxer; empty for sequences."""
    codec: str
    pixel_format: str
    bit_depth: int
    options: Mapping[str, str]
    threads: int = THREADS
    intra: bool = True
    """Whether every frame stands alone."""
    codec_tag: str = ""
    audio_codec: str = "pcm_s24le"
    """Empty where the container carries no sound."""
    is_sequence: bool = False
    least: tuple[int, int] = (1, 1)
    """Smallest width and height that the encoder takes."""
    multiple: tuple[int, int] = (1, 1)
    """What width and height must be multiples of."""

    @property
    def is_rgb(self) -> bool:
        return layout_of(self.pixel_format).model is Model.RGB


def _options(**values: str) -> Mapping[str, str]:
    return MappingProxyType(values)


def _prores(name: str, summary: str, pixel_format: str, profile: str) -> Profile:
    options = _options(profile=profile, vendor="apl0")
    return Profile(name, summary, ".mov", "mov", "prores_aw", pixel_format, 10, options, least=(2, 2), multiple=(2, 1))


def _dnxhr(name: str, summary: str, pixel_format: str, depth: int) -> Profile:
    options = _options(profile=name.replace("-", "_"))
    return Profile(name, summary, ".mov", "mov", "dnxhd", pixel_format, depth, options, least=(256, 120))


def _sequence(name: str, summary: str, codec: str, pixel_format: str, depth: int, **options: str) -> Profile:
    return Profile(
        name, summary, f".{name if name != 'tiff' else 'tif'}", "", codec, pixel_format, depth, _options(**options),
        audio_codec="", is_sequence=True,
    )  # fmt: skip


_X264 = "open-gop=0:bframes=0:keyint=48:min-keyint=48:scenecut=0"
_X265 = "open-gop=0:bframes=0:keyint=48:min-keyint=48:scenecut=0:pools=4:frame-threads=2:wpp=1:log-level=error"

PROFILES: tuple[Profile, ...] = (
    _prores("prores-422hq", "ProRes 422 HQ, 10 bits, for editing", "yuv422p10le", "3"),
    _prores("prores-4444", "ProRes 4444, full colour resolution", "yuv444p10le", "4"),
    _dnxhr("dnxhr-hqx", "DNxHR HQX, 10 bits, for editing", "yuv422p10le", 10),
    _dnxhr("dnxhr-hq", "DNxHR HQ, 8 bits", "yuv422p", 8),
    Profile(
        "h264", "H.264, 8 bits, for viewing", ".mp4", "mp4", "libx264", "yuv420p", 8,
        MappingProxyType({"preset": "medium", "crf": "16", "x264-params": _X264}), intra=False, audio_codec="aac",
        least=(2, 2), multiple=(2, 2),
    ),
    Profile(
        "hevc10", "HEVC, 10 bits, for viewing", ".mp4", "mp4", "libx265", "yuv420p10le", 10,
        MappingProxyType({"preset": "fast", "crf": "16", "x265-params": _X265}),
        intra=False, codec_tag="hvc1", audio_codec="aac", least=(16, 16), multiple=(2, 2),
    ),
    Profile(
        "ffv1", "FFV1, lossless, for archives", ".mkv", "matroska", "ffv1", "gbrp16le", 16,
        MappingProxyType({"level": "3", "slices": "16", "slicecrc": "1", "coder": "1", "context": "0", "g": "1"}),
        least=(4, 4),
    ),
    _sequence("png", "PNG pictures, 16 bits", "png", "rgb48be", 16, compression_level="3", pred="mixed"),
    _sequence("tiff", "TIFF pictures, 16 bits", "tiff", "rgb48le", 16, compression_algo="deflate"),
    _sequence(
        "exr", "OpenEXR pictures, half float, scene-linear", "exr", "gbrpf32le", 16, format="half", compression="zip16"
    ),
)  # fmt: skip

CHANGES = Profile(
    "changes", "What the stages changed, for looking at", ".mkv", "matroska", "ffv1", "bgr0", 8,
    MappingProxyType({"level": "3", "slices": "16", "slicecrc": "1", "coder": "1", "context": "0", "g": "1"}),
    audio_codec="", least=(4, 4),
)  # fmt: skip
"""Of the movie beside a result; nobody chooses it."""
CHANGES_COLOUR = ColourTags("bt709", "iec61966-2-1", "gbr", full_range=True)

_NVENC = {"h264": ("h264_nvenc", "yuv420p"), "hevc10": ("hevc_nvenc", "p010le")}
_NVENC_OPTIONS = MappingProxyType({"preset": "p6", "rc": "vbr", "cq": "18", "bf": "0", "g": "48", "strict_gop": "1"})
_FFV1_FORMATS = ((10, "gbrp10le"), (12, "gbrp12le"), (16, "gbrp16le"))


def profile(name: str, info: MediaInfo | None = None) -> Profile:
    """The profile of a name, as it will be used on this machine (NVENC where it works).

    With ``info`` the depth of ``ffv1`` is the least of 10, 12 and 16 bits that holds the source's; without, it is 16.
    Raises UnknownProfile.
    """
    found = next((entry for entry in PROFILES if entry.name == name), None)
    if found is None:
        names = ", ".join(entry.name for entry in PROFILES)
        raise UnknownProfile(f"there is no profile {name!r}", remedy=f"choose one of {names}")
    if name in _NVENC and _works(*_NVENC[name]):
        codec, pixel_format = _NVENC[name]
        return replace(found, codec=codec, pixel_format=pixel_format, options=_NVENC_OPTIONS, threads=1)
    if name == "ffv1" and info is not None:
        depth, pixel_format = next(pair for pair in _FFV1_FORMATS if pair[0] >= min(16, info.bit_depth))
        return replace(found, bit_depth=depth, pixel_format=pixel_format)
    return found


def ensure_encodes(profile: Profile, format: FrameFormat) -> None:
    """Raises GeometryMismatch where frames of this size cannot be encoded in the profile."""
    size, whole = (format.width, format.height), profile.multiple
    fits = all(edge >= least and edge % step == 0 for edge, least, step in zip(size, profile.least, whole, strict=True))
    if fits:
        return
    steps = f", with a width that {whole[0]} divides and a height that {whole[1]} divides" if max(whole) > 1 else ""
    raise GeometryMismatch(
        f"{profile.name} cannot hold frames of {size[0]}x{size[1]}",
        remedy=f"it takes {profile.least[0]}x{profile.least[1]} and more{steps}; choose another size or profile",
    )


def warnings(profile: Profile, info: MediaInfo) -> tuple[str, ...]:
    """What the profile cannot keep of the media, and what had to be assumed about it, in words for people."""
    layout = layout_of(info.pixel_format)
    said = []
    if info.bit_depth > profile.bit_depth:
        said.append(f"{profile.name} holds {profile.bit_depth} bits, the source has {info.bit_depth}")
    if layout.model is Model.YUV and info.colour.matrix in UNSPECIFIED:
        assumed = resolved(info.colour, info.format).matrix
        said.append(f"the source does not say its colour matrix; {assumed} is assumed, by its height, and written down")
    if info.has_alpha:
        said.append("the source's alpha channel is dropped")
    if layout.floating and profile.name != "exr":
        said.append(
            f"scene-linear float is written to {profile.name} through the sRGB curve; values above white are clipped"
        )
    if profile.is_sequence and info.audio:
        said.append(f"{profile.name} pictures carry no sound; the source's is dropped")
    if profile.is_sequence and info.start_timecode and info.kind is MediaKind.MOVIE:
        said.append(f"{profile.name} pictures carry no timecode; the source's is dropped")
    return tuple(said)


@lru_cache(maxsize=8)
def _works(codec: str, pixel_format: str) -> bool:
    """Whether the encoder works here. Codecs are only loaded when it is asked."""
    from .hardware import encodes

    return encodes(codec, pixel_format, dict(_NVENC_OPTIONS))
