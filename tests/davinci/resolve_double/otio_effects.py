"""The effects that Resolve writes with every clip, whatever an editor has set: as in real exports."""

from typing import Any, Dict, List, Tuple

Effect = Dict[str, Any]
VIDEO: Tuple[Tuple[str, int, int, bool, bool], ...] = (
    ("Transform", 2, 1, True, False),
    ("Source Transform", 88, 3, True, True),
    ("Immersive Transform", 85, 3, True, True),
    ("Cropping", 3, 1, True, False),
    ("Source Cropping", 87, 3, True, True),
    ("Source Looks", 90, 3, True, True),
    ("Dynamic Zoom", 59, 1, False, False),
    ("Composite", 1, 1, True, False),
    ("Lens Correction", 43, 1, True, False),
    ("Retime and Scaling", 22, 1, True, False),
    ("Video Faders", 36, 3, True, False),
    ("Immersive Output Transform", 86, 3, True, True),
)
"""(name, type, display type, enabled, only from 21 on)."""
AUDIO: Tuple[Tuple[str, str, int, int, bool], ...] = (
    ("Fairlight Clip Volume and Fades", "Volume", 62, 1, True),
    ("Fairlight Clip Pan", "Pan", 72, 1, True),
    ("Fairlight Clip Pitch", "Pitch", 67, 1, True),
    ("Fairlight Clip Equaliser", "Equalizer", 64, 3, False),
)
"""(effect, name, type, display type, enabled)."""
BANDS = (False, True, True, True, True, False)
"""Whether each band of the equaliser is on."""
ZOOM_FRAMES = 1000


def video_effects(modern: bool, offset: int, stretch: float, fade: float) -> List[Effect]:
    """Of a video clip; `offset` is its in-point in timeline frames, `fade` the frames of its fade-out."""
    made = []
    for name, number, display, enabled, new in VIDEO:
        if modern or not new:
            parameters = {"Dynamic Zoom": zoom(offset, stretch), "Video Faders": fader(fade)}.get(name, [])
            made.append(effect(name, name, number, display if modern else 0, enabled, parameters))
    return made


def audio_effects(modern: bool) -> List[Effect]:
    """Of an audio clip."""
    made = [effect(kind, name, number, display * modern, enabled, []) for kind, name, number, display, enabled in AUDIO]
    for index, enabled in enumerate(BANDS):
        band = parameter("eq band index", index, index, "Int", (-1.0, 5.0), {})
        del band["Key Frames"]
        made.append(effect("Fairlight Equaliser Band", "Equalizer Band", 63, 3 * modern, enabled, [band]))
    return made


def dissolve(frames: int, audio: bool) -> Dict[str, Any]:
    """What a transition says of itself."""
    name = "Cross Fade 0 dB" if audio else "Cross Dissolve"
    keys = {"0": value(0.0, "Double"), str(frames): value(1.0, "Double")}
    curve = parameter("transitionCustomCurvesKeyframes", 0.0, 0.0, "Double", (0.0, 1.0), keys)
    body = effect(name, name, 9, 1, True, [] if audio else [curve])["metadata"]["Resolve_OTIO"]
    return {"Resolve_OTIO": {"Effects": body, "Transition Type": name}}


def effect(kind: str, name: str, number: int, display: int, enabled: bool, parameters: List[Effect]) -> Effect:
    """One effect; versions before 21 do not say how it is displayed."""
    body: Dict[str, Any] = {"Display Type": display} if display else {}
    body.update({"Effect Name": kind, "Enabled": enabled, "Name": name, "Parameters": parameters, "Type": number})
    metadata = {"Resolve_OTIO": body}
    return {"OTIO_SCHEMA": "Effect.1", "metadata": metadata, "name": "", "effect_name": "Resolve Effect"}


def zoom(offset: int, stretch: float) -> List[Effect]:
    """Dynamic zoom: switched off, and with its two key frames all the same."""
    first, last = str(-offset), str(int(ZOOM_FRAMES * stretch) - offset)
    still = {"Value": [0.0, 0.0], "Variant Type": "POINTF"}
    center = {
        "Default Parameter Value": [0.0, 0.0],
        "Key Frames": {first: still, last: still},
        "Parameter ID": "dynamicZoomCenter",
        "Parameter Value": [0.0, 0.0],
        "Variant Type": "POINTF",
    }
    keys = {first: value(0.8, "Double"), last: value(1.0, "Double")}
    return [center, parameter("dynamicZoomScale", 1.0, 1.0, "Double", (0.01, 100.0), keys)]


def fader(frames: float) -> List[Effect]:
    """A fade-out."""
    return [parameter("videoFaderOut", 0.0, frames, "Double", (0.0, 2147483647.0), {})] if frames else []


def parameter(
    name: str, default: Any, now: Any, kind: str, bounds: Tuple[float, float], keys: Dict[str, Any]
) -> Dict[str, Any]:
    """One parameter."""
    return {
        "Default Parameter Value": default,
        "Key Frames": keys,
        "Parameter ID": name,
        "Parameter Value": now,
        "Variant Type": kind,
        "maxValue": bounds[1],
        "minValue": bounds[0],
    }


def value(number: float, kind: str) -> Dict[str, Any]:
    """The value of a key frame."""
    return {"Value": number, "Variant Type": kind}
