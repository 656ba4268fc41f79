"""Named recipes for common kinds of footage."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_client.errors import UnknownPreset
from resilver_server.domain.recipes import StageSettings


@dataclass(frozen=True)
class Preset:
    name: str
    summary: str
    stages: tuple[StageSettings, ...]


PRESETS: tuple[Preset, ...] = (
    Preset(
        "silent-film",
        "Silent film in a modern file: repeated frames taken out, weave and flicker steadied, dirt and scratches "
        "repaired, enlarged, smooth at 60.",
        (
            StageSettings("cadence"),
            StageSettings("stabilise"),
            StageSettings("deflicker"),
            StageSettings("repair"),
            StageSettings("upscale"),
            StageSettings("interpolate", {"rate": "60"}),
        ),
    ),
    Preset(
        "talkie",
        "Sound film: light deflicker, dirt and scratches repaired, enlarged; its own 24 frames a second are kept.",
        (StageSettings("deflicker", {"window": 1.0}), StageSettings("repair"), StageSettings("upscale")),
    ),
    Preset(
        "restoration",
        "Film as it is: weave and flicker steadied, dirt and scratches repaired. Size, rate and grain are kept, and no "
        "network is asked.",
        (StageSettings("stabilise"), StageSettings("deflicker"), StageSettings("repair")),
    ),
    Preset(
        "home-movie",
        "8 and 16 mm reels: weave and strong flicker steadied, dirt and scratches repaired, enlarged, smooth at 60.",
        (
            StageSettings("cadence"),
            StageSettings("stabilise"),
            StageSettings("deflicker", {"window": 3.0}),
            StageSettings("repair"),
            StageSettings("upscale"),
            StageSettings("interpolate", {"rate": "60"}),
        ),
    ),
    Preset(
        "animation",
        "Drawn film: drawings held for two or three frames found, enlarged with the network for drawings.",
        (StageSettings("cadence"), StageSettings("upscale", {"model": "realesr-animevideov3"})),
    ),
    Preset(
        "photo",
        "Single pictures: coloured by a network, enlarged four times.",
        (StageSettings("colour", {"model": "ddcolor-modelscope"}), StageSettings("upscale", {"scale": 4.0})),
    ),
)


def preset(name: str) -> Preset:
    """The preset of that name. Raises UnknownPreset."""
    for candidate in PRESETS:
        if candidate.name == name:
            return candidate
    known = ", ".join(candidate.name for candidate in PRESETS)
    raise UnknownPreset(f"there is no preset {name!r}", remedy=f"known are {known}")
