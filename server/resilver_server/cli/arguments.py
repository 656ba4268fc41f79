"""What people write on the command line, read into the domain's types. Anything odd is wrong usage (exit code 2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import typer

from resilver_client.errors import InvalidRate, InvalidRecipe
from resilver_otio.sources import PICTURES
from resilver_otio.types import Selection
from resilver_server.domain.rates import Rate, format_rate, parse_rate
from resilver_server.domain.recipes import Recipe, Scalar, StageSettings
from resilver_server.domain.spans import parse_frames as parse_frame_list
from resilver_server.media.profiles import PROFILES, profile
from resilver_server.planning.tasks import Device
from resilver_server.stages.spec import FIELDS

_TARGET = re.compile(r"(?:(?P<width>\d+)x(?P<height>\d+))?(?:@(?P<rate>.+))?")
_TIMECODE = re.compile(r"(\d{1,5}):(\d\d):(\d\d)[:;](\d\d)")
_FRAMES = re.compile(r"\d+(-\d+)?")
_SELECTORS = {"name": "names", "track": "tracks", "marker": "markers", "colour": "colours", "color": "colours"}


@dataclass(frozen=True)
class Target:
    """``--to 3840x2160@60``: a size, a rate, or both."""

    size: tuple[int, int] | None
    rate: Rate | None


def parse_target(text: str) -> Target:
    match = _TARGET.fullmatch(text.strip())
    if not match or not text.strip():
        raise typer.BadParameter(f"{text!r} is no target; write 3840x2160@60, 3840x2160 or @60", param_hint="--to")
    size = (int(match["width"]), int(match["height"])) if match["width"] else None
    if size and min(size) < 1:
        raise typer.BadParameter("the size must be at least 1x1", param_hint="--to")
    return Target(size, rate_argument(match["rate"], "--to") if match["rate"] else None)


def rate_argument(text: str, option: str) -> Rate:
    try:
        return parse_rate(text)
    except InvalidRate as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def device_argument(name: str | None) -> Device:
    """The device of that id, or the best there is. torch is imported only now."""
    from resilver_server.engine.device import devices

    chosen = next((found for found in devices() if name in (None, found.id)), None)
    if chosen is None:
        raise typer.BadParameter(f"there is no device {name!r}", param_hint="--device")
    return chosen


def parse_stage(text: str) -> StageSettings:
    """``NAME`` or ``NAME:key=value,key=value``; strength, pictures and ``keep_frames`` are no parameters of its own."""
    name, _, rest = text.partition(":")
    values = _values(rest)
    strength = _strength(values.pop("strength", "1"))
    pictures = {field: _path(values.pop(field, "")) for field in FIELDS.values()}
    try:
        kept = parse_frame_list(values.pop("keep_frames", ""))
    except InvalidRecipe as error:
        raise typer.BadParameter(str(error), param_hint="--stage") from error
    parameters: dict[str, Scalar] = dict(values)
    return StageSettings(name.strip(), parameters, strength, keep_frames=kept, **pictures)


def _values(text: str) -> dict[str, str]:
    """By key. Frame numbers behind a comma go on with the list before it: ``keep_frames=120-139,200``."""
    values: dict[str, str] = {}
    key = ""
    for item in filter(None, text.split(",")):
        if key and _FRAMES.fullmatch(item.strip()):
            values[key] += f",{item.strip()}"
            continue
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key:
            raise typer.BadParameter(f"{item!r} is no key=value", param_hint="--stage")
        values[key] = value
    return values


def _path(text: str) -> str | None:
    return str(Path(text).absolute()) if text else None


def _strength(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no strength", param_hint="--stage") from error
    if not 0 <= value <= 1:
        raise typer.BadParameter("a strength lies between 0 and 1", param_hint="--stage")
    return value


def parse_selection(items: list[str], span: str | None, rate: Rate, start: Fraction = Fraction(0)) -> Selection:
    """``name=Shot 4``, ``index=0``, ``track=V1``, ``marker=fix``, ``colour=CYAN``; those of a kind are alternatives."""
    selection = Selection()
    for item in items:
        key, equals, value = item.partition("=")
        if equals and key == "index" and _is_count(value):
            selection = replace(selection, indices=(*selection.indices, int(value)))
        elif equals and key in _SELECTORS:
            field = _SELECTORS[key]
            selection = replace(selection, **{field: (*getattr(selection, field), value)})
        else:
            known = ", ".join(f"{name}=..." for name in (*_SELECTORS, "index"))
            raise typer.BadParameter(f"{item!r} selects nothing; use {known}", param_hint="--select")
    return replace(selection, range=parse_range(span, rate, start)) if span else selection


def parse_range(text: str, rate: Rate, origin: Fraction = Fraction(0)) -> tuple[Fraction, Fraction]:
    """Seconds from the first frame, half-open. ``START:STOP`` counts frames from it; ``START-STOP`` is the timeline's
    own timecode (``01:00:01:00-01:00:02:12``), whose first frame stands at ``origin`` seconds."""
    if "-" in text:
        start, stop = (_timecode(part, rate) - origin for part in text.split("-", 1))
    else:
        first, colon, last = text.partition(":")
        if not (colon and _is_count(first) and _is_count(last)):
            raise typer.BadParameter(f"{text!r} is no range; write 24:48 (frames)", param_hint="--range")
        start, stop = Fraction(int(first)) / rate, Fraction(int(last)) / rate
    if start < 0:
        raise typer.BadParameter(f"the range {text} begins before the timeline does", param_hint="--range")
    if stop <= start:
        raise typer.BadParameter(f"the range {text} is empty", param_hint="--range")
    return start, stop


def _is_count(text: str) -> bool:
    """Nine digits are a year of frames, and travel in any message."""
    return text.isdecimal() and len(text) <= 9


def _timecode(text: str, rate: Rate) -> Fraction:
    match = _TIMECODE.fullmatch(text.strip())
    if not match:
        raise typer.BadParameter(f"{text!r} is no timecode; write 00:00:01:12", param_hint="--range")
    hours, minutes, seconds, frames = (int(part) for part in match.groups())
    nominal = round(rate)
    return Fraction((hours * 3600 + minutes * 60 + seconds) * nominal + frames) / rate


def with_target(recipe: Recipe, target: Target) -> Recipe:
    """The recipe with the target's size and rate, adding the stages that bring them about."""
    if target.size:
        width, height = target.size
        recipe = with_stage(recipe, StageSettings("upscale", {"width": width, "height": height}))
    if target.rate:
        recipe = with_stage(recipe, StageSettings("interpolate", {"rate": format_rate(target.rate)}))
    return recipe


def with_stage(recipe: Recipe, settings: StageSettings) -> Recipe:
    """The recipe with these settings laid over the stage of that name, or with the stage added."""
    known = recipe.stage(settings.stage)
    if known is None:
        return replace(recipe, stages=(*recipe.stages, settings))
    merged = replace(
        known,
        parameters={**known.parameters, **settings.parameters},
        strength=settings.strength if settings.strength != 1 else known.strength,
        keep_frames=settings.keep_frames or known.keep_frames,
        **{field: getattr(settings, field) or getattr(known, field) for field in FIELDS.values()},
    )
    return replace(recipe, stages=tuple(merged if stage is known else stage for stage in recipe.stages))


def parse_frames(text: str) -> tuple[int, int]:
    """``24:48``: media frames, half-open."""
    start, stop = parse_range(text, Fraction(1))
    return int(start), int(stop)


def profile_for(name: str | None, output: Path | None, source: Path) -> str:
    """The profile asked for, else the one that writes files like ``output``; ``output`` is None for a folder.

    The result's suffix must be the profile's own: another one would lie about what is inside.
    """
    if name is None:
        suffix = output.suffix.lower() if output else ".png" if source.suffix.lower() in PICTURES else ".mov"
        name = next((profile.name for profile in PROFILES if profile.suffix == suffix), None)
        if name is None:
            known = ", ".join(dict.fromkeys(profile.suffix for profile in PROFILES))
            raise typer.BadParameter(f"results are {known}, not {suffix}", param_hint="-o")
    suffix = profile(name).suffix
    if output and output.suffix.lower() != suffix:
        raise typer.BadParameter(f"profile {name} writes {suffix} files, not {output.suffix}", param_hint="-o")
    return name
