"""From what the page is set to, to what a publication is ordered to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from resilver.v1 import types_pb2
from resilver_client.errors import InvalidRecipe, InvalidRequest, OutputUnwritable
from resilver_client.values import Value, settings
from resilver_publish.types import Layout, Occupied, Order

from .offer import Offer, Preset, PresetStage, Stage

AS_TIMELINE = "timeline"
"""A size or rate that is the timeline's own."""
LARGEST_PREVIEW = 12
"""Frames of each clip."""
_SIZE, _RATE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})"), re.compile(r"[1-9]\d*(\.\d+|/[1-9]\d*)?")
_TAILS = {Layout.OVERLAY: 1, Layout.REPLACE: 1, Layout.FILE: 1}
"""Further frames after the last: the editor lays whole frames of its own timeline, which may end within a frame of the
result. A take and a timeline at the result's own rate end with it."""


@dataclass(frozen=True)
class StageWish:
    """One stage as it is set, whether it is on or not."""

    on: bool
    parameters: Mapping[str, Value]
    strength: float = 1.0


@dataclass(frozen=True)
class Wish:
    """All that the page is set to."""

    preset: str = ""
    stages: Mapping[str, StageWish] = field(default_factory=dict)
    size: str = ""
    """``3840x2160``, AS_TIMELINE, or empty: as the stages say."""
    rate: str = ""
    """``60``, ``60000/1001``, AS_TIMELINE, or empty: as the stages say."""
    profile: str = ""
    layout: Layout = Layout.OVERLAY
    occupied: Occupied = Occupied.REFUSE
    folder: str = ""
    """Of the results; absolute."""
    preview_frames: int = 3


def with_preset(wish: Wish, preset: Preset, offer: Offer) -> Wish:
    """The preset's stages are on, as it sets them; the others are off."""
    stages = {}
    for stage in offer.stages:
        asked = preset.stages.get(stage.name)
        given = asked or PresetStage(stage.defaults())
        stages[stage.name] = StageWish(asked is not None, dict(given.parameters), given.strength)
    return replace(wish, preset=preset.name, stages=stages)


def adopted(wish: Wish, offer: Offer) -> Wish:
    """The wish as this server can take it: the first preset where none is chosen, and no stage or parameter that is
    unknown here."""
    if offer.preset(wish.preset) is None and offer.presets:
        wish = with_preset(wish, offer.presets[0], offer)
    stages = {}
    for stage in offer.stages:
        kept = wish.stages.get(stage.name, StageWish(False, {}))
        known = {name: kept.parameters.get(name, default) for name, default in stage.defaults().items()}
        stages[stage.name] = replace(kept, parameters=known)
    profiles = [profile.name for profile in offer.profiles]
    profile = wish.profile if wish.profile in profiles or not profiles else profiles[0]
    return replace(wish, stages=stages, profile=profile)


def differs(wish: Wish, stage: Stage, offer: Offer) -> tuple[str, ...]:
    """What of a stage is not as the preset has it: names of parameters, ``strength``, ``on``."""
    preset = offer.preset(wish.preset)
    asked = preset.stages.get(stage.name) if preset else None
    as_preset, now = asked or PresetStage(stage.defaults()), wish.stages[stage.name]
    found = [name for name, value in now.parameters.items() if value != as_preset.parameters.get(name)]
    if now.strength != as_preset.strength:
        found.append("strength")
    return (*found, "on") if now.on is not (asked is not None) else tuple(found)


def changed(wish: Wish, change: Mapping[str, Any], offer: Offer) -> Wish:
    """The wish after one change that the page asks for: a preset, a field by its name, or ``stage`` with ``on``,
    ``strength``, ``parameter`` and ``value``, or ``reset``. Raises InvalidRequest."""
    if "stage" in change:
        return _stage_changed(wish, offer.stage(str(change["stage"])), change, offer)
    if "preset" in change:
        preset = offer.preset(str(change["preset"]))
        if preset is None:
            raise InvalidRequest(f"this server has no preset {change['preset']!r}", remedy="choose another one")
        return with_preset(wish, preset, offer)
    return _field_changed(wish, change)


def _stage_changed(wish: Wish, stage: Stage, change: Mapping[str, Any], offer: Offer) -> Wish:
    now = wish.stages.get(stage.name, StageWish(False, stage.defaults()))
    if change.get("reset"):
        preset = offer.preset(wish.preset)
        now = with_preset(wish, preset, offer).stages[stage.name] if preset else StageWish(False, stage.defaults())
    elif "parameter" in change:
        parameter = stage.parameter(str(change["parameter"]))
        now = replace(now, parameters={**now.parameters, parameter.name: parameter.read(change.get("value"))})
    elif "strength" in change:
        now = replace(now, strength=_number(change["strength"], "strength", 0.0, 1.0))
    else:
        now = replace(now, on=bool(change.get("on")))
    return replace(wish, stages={**wish.stages, stage.name: now})


def _field_changed(wish: Wish, change: Mapping[str, Any]) -> Wish:
    (name, value), *more = change.items() or [("", None)]
    if more or name not in ("size", "rate", "profile", "layout", "occupied", "folder", "preview_frames"):
        raise InvalidRequest(f"the page asks for a change that is not known: {name!r}", remedy="load it again")
    if name == "preview_frames":
        return replace(wish, preview_frames=round(_number(value, "preview frames", 1, LARGEST_PREVIEW)))
    text = str(value).strip()
    try:
        match name:
            case "layout":
                return replace(wish, layout=Layout(text))
            case "occupied":
                return replace(wish, occupied=Occupied(text))
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is not known as {name}", remedy="load the page again") from error
    if name == "size" and text not in ("", AS_TIMELINE) and not _SIZE.fullmatch(text):
        raise InvalidRequest(f"{text!r} is no size", where="target", remedy="write it as 3840x2160")
    if name == "rate" and text not in ("", AS_TIMELINE) and not _RATE.fullmatch(text):
        raise InvalidRequest(f"{text!r} is no rate", where="target", remedy="write it as 60, 59.94 or 60000/1001")
    return replace(wish, **{name: text})  # type: ignore[arg-type]  # all that is left is text


def _number(value: object, name: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InvalidRequest(
            f"{value!r} is not within {least:g} and {most:g}", where=name, remedy="enter another value"
        )
    return float(value)


@dataclass(frozen=True)
class Shape:
    """The timeline's own size and rate."""

    width: int
    height: int
    rate: Fraction


def of_target(wish: Wish, shape: Shape) -> dict[str, dict[str, Value]]:
    """The parameters that bring the target about, by stage."""
    found: dict[str, dict[str, Value]] = {}
    size = f"{shape.width}x{shape.height}" if wish.size == AS_TIMELINE else wish.size
    if size:
        width, height = size.split("x")
        found["upscale"] = {"width": int(width), "height": int(height)}
    if wish.rate:
        found["interpolate"] = {"rate": str(shape.rate) if wish.rate == AS_TIMELINE else wish.rate}
    return found


def recipe(wish: Wish, offer: Offer, shape: Shape) -> types_pb2.Recipe:
    """The stages that are on, with the target laid over those that bring it about; these join where they are off.

    Raises InvalidRecipe where nothing is to be done.
    """
    target, messages = of_target(wish, shape), []
    for stage in offer.stages:
        now = wish.stages[stage.name]
        if now.on:
            values = {**now.parameters, **target.get(stage.name, {})}
            messages.append(settings(stage.name, values, now.strength if stage.renders else 1.0))
        elif stage.name in target:
            messages.append(settings(stage.name, {**stage.defaults(), **target[stage.name]}))
    if not messages:
        raise InvalidRecipe("no stage is switched on", remedy="choose a preset, or switch a stage on")
    delivery = types_pb2.Delivery(profile=wish.profile, keep_audio=False, tail_frames=_TAILS.get(wish.layout, 0))
    return types_pb2.Recipe(stages=messages, delivery=delivery)


def order(wish: Wish, offer: Offer, shape: Shape, title: str) -> Order:
    """Raises InvalidRecipe, and OutputUnwritable without a folder that the server could write to."""
    if not Path(wish.folder).is_absolute():
        where, remedy = wish.folder, "enter the whole path of a folder for the results"
        raise OutputUnwritable("there is no folder for the results", where=where, remedy=remedy)
    return Order(recipe(wish, offer, shape), wish.folder, title, wish.layout, wish.occupied)
