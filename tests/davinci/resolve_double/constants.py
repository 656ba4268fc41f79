"""Enumerations that live on the handle of Resolve: floats there, and nothing else is taken for them."""

from typing import Dict, List, Tuple

from .handles import ALWAYS
from .profiles import Since

EXPORTS: List[str] = [
    "EXPORT_AAF",
    "EXPORT_DRT",
    "EXPORT_EDL",
    "EXPORT_FCP_7_XML",
    "EXPORT_FCPXML_1_8",
    "EXPORT_FCPXML_1_9",
    "EXPORT_FCPXML_1_10",
    "EXPORT_HDR_10_PROFILE_A",
    "EXPORT_HDR_10_PROFILE_B",
    "EXPORT_TEXT_CSV",
    "EXPORT_TEXT_TAB",
    "EXPORT_DOLBY_VISION_VER_2_9",
    "EXPORT_DOLBY_VISION_VER_4_0",
    "EXPORT_DOLBY_VISION_VER_5_1",
    "EXPORT_OTIO",
    "EXPORT_ALE",
    "EXPORT_ALE_CDL",
    "EXPORT_NONE",
    "EXPORT_AAF_NEW",
    "EXPORT_AAF_EXISTING",
    "EXPORT_CDL",
    "EXPORT_SDL",
    "EXPORT_MISSING_CLIPS",
]
"""Types and subtypes; that OTIO is among them since 18.5 is older than every profile."""

CONSTANTS: Dict[str, Tuple[float, Since]] = {name: (float(place), ALWAYS) for place, name in enumerate(EXPORTS)}
"""Name -> (value, since). The values are the double's own: scripts must not know Resolve's either."""
