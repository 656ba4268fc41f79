"""From what the page is set to, to what a publication is ordered to do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from resilver.v1 import types_pb2
from resilver_client.catalogue import KEEP_FRAMES, OWN_KEYS, Catalogue, Kind, Parameter, Preset, PresetStage, Stage
from resilver_client.errors import InvalidRecipe, InvalidRequest, OutputUnwritable
from resilver_client.frames import format_frames, parse_frames
from resilver_client.values import Value, settings
from resilver_publish.types import Layout, Occupied, Order, Own

AS_TIMELINE = "timeline"
"""A size or rate that is the timeline's own."""
LARGEST_PREVIEW = 12
"""Frames of each clip."""
_SIZE, _RATE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})"), re.compile(r"[1-9]\d*(\.\d+|/[1-9]\d*)?")
_LAID = (Layout.OVERLAY, Layout.REPLACE, Layout.FILE)
"""Layouts in which results lie among frames of the editor's own timeline. A take, and a timeline at the result's own
rate, end with the result."""


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
    change_maps: bool = False
    """Whether a movie of what was changed is written beside each result."""
    own: Mapping[str, Own] = field(default_factory=dict)
    """What clips ask for themselves, by their ids: frames that stages leave alone, paths of mattes and the like."""


def with_preset(wish: Wish, preset: Preset, offer: Catalogue) -> Wish:
    """The preset's stages are on, as it sets them; the others are off."""
    stages = {}
    for stage in offer.stages:
        asked = preset.stage(stage.name)
        stages[stage.name] = _as_set(stage, asked)
    return replace(wish, preset=preset.name, stages=stages)


def _as_set(stage: Stage, asked: PresetStage | None) -> StageWish:
    """As a preset sets a stage; off, with its defaults, where it does not."""
    given = asked or PresetStage(stage.name)
    return StageWish(asked is not None, stage.filled(given.parameters), given.strength)


def adopted(wish: Wish, offer: Catalogue) -> Wish:
    """The wish as this server can take it: the first preset where none is chosen, and no stage or parameter that is
    unknown here."""
    if offer.preset(wish.preset) is None and offer.presets:
        wish = with_preset(wish, offer.presets[0], offer)
    stages = {}
    for stage in offer.stages:
        kept = wish.stages.get(stage.name, StageWish(False, {}))
        known = {name: kept.parameters.get(name, default) for name, default in stage.filled().items()}
        stages[stage.name] = replace(kept, parameters=known)
    profiles = [profile.name for profile in offer.profiles]
    profile = wish.profile if wish.profile in profiles or not profiles else profiles[0]
    return replace(wish, stages=stages, profile=profile)


def differs(wish: Wish, stage: Stage, offer: Catalogue) -> tuple[str, ...]:
    """What of a stage is not as the preset has it: names of parameters, ``strength``, ``on``."""
    preset = offer.preset(wish.preset)
    as_preset, now = _as_set(stage, preset.stage(stage.name) if preset else None), wish.stages[stage.name]
    found = [name for name, value in now.parameters.items() if value != as_preset.parameters.get(name)]
    if now.strength != as_preset.strength:
        found.append("strength")
    return (*found, "on") if now.on is not as_preset.on else tuple(found)


def changed(wish: Wish, change: Mapping[str, Any], offer: Catalogue) -> Wish:
    """The wish after one change that the page asks for: a preset, a field by its name, ``stage`` with ``on``,
    ``strength``, ``parameter`` and ``value``, or ``reset``, or ``clip`` with ``stage``, ``asks`` and ``value``.

    Raises InvalidRequest."""
    if "clip" in change:
        return _own_changed(wish, change)
    if "stage" in change:
        stage = offer.stage(str(change["stage"]))
        if stage is None:
            raise InvalidRequest(f"this server has no stage {change['stage']!r}", remedy="choose another preset")
        return _stage_changed(wish, stage, change, offer)
    if "preset" in change:
        preset = offer.preset(str(change["preset"]))
        if preset is None:
            raise InvalidRequest(f"this server has no preset {change['preset']!r}", remedy="choose another one")
        return with_preset(wish, preset, offer)
    return _field_changed(wish, change)


def _stage_changed(wish: Wish, stage: Stage, change: Mapping[str, Any], offer: Catalogue) -> Wish:
    now = wish.stages.get(stage.name, StageWish(False, stage.filled()))
    if change.get("reset"):
        preset = offer.preset(wish.preset)
        now = with_preset(wish, preset, offer).stages[stage.name] if preset else StageWish(False, stage.filled())
    elif "parameter" in change:
        parameter = stage.parameter(str(change["parameter"]))
        if parameter is None:
            raise InvalidRequest(f"{stage.name} has no parameter {change['parameter']!r}", remedy="load the page again")
        now = replace(now, parameters={**now.parameters, parameter.name: _read(parameter, change.get("value"))})
    elif "strength" in change:
        now = replace(now, strength=_number(change["strength"], "strength", 0.0, 1.0))
    else:
        now = replace(now, on=bool(change.get("on")))
    return replace(wish, stages={**wish.stages, stage.name: now})


def _read(parameter: Parameter, value: object) -> Value:
    """What the page sends as a value of the parameter's kind; limits are the server's to check."""
    if isinstance(value, bool):
        if parameter.kind is Kind.FLAG:
            return value
    elif isinstance(value, int | float):
        if parameter.kind is Kind.NUMBER:
            return float(value)
        if parameter.kind is Kind.INTEGER and float(value).is_integer():
            return int(value)
    elif isinstance(value, str) and parameter.kind in (Kind.TEXT, Kind.CHOICE):
        return value
    raise InvalidRequest(f"{value!r} is no {parameter.kind.value}", where=parameter.name, remedy="enter another value")


def _own_changed(wish: Wish, change: Mapping[str, Any]) -> Wish:
    """What one clip asks for itself of one stage; nothing is kept of what is empty."""
    clip, stage, key = (str(change.get(name, "")) for name in ("clip", "stage", "asks"))
    if not stage or key not in (KEEP_FRAMES, *OWN_KEYS.values()):
        raise InvalidRequest(f"the page asks for a change that is not known: {key!r}", remedy="load it again")
    text = str(change.get("value", "")).strip()
    if key == KEEP_FRAMES:
        text = _frames(text, stage)
    asked = {name: dict(texts) for name, texts in wish.own.get(clip, {}).items()}
    asked.setdefault(key, {})[stage] = text
    left = {name: {each: said for each, said in texts.items() if said} for name, texts in asked.items()}
    own = {**wish.own, clip: {name: texts for name, texts in left.items() if texts}}
    return replace(wish, own={id: found for id, found in own.items() if found})


def _frames(text: str, where: str) -> str:
    """The same frames in one writing."""
    try:
        return format_frames(parse_frames(text))
    except InvalidRecipe as error:
        raise InvalidRequest(error.what, where=where, remedy=error.remedy) from error


def _field_changed(wish: Wish, change: Mapping[str, Any]) -> Wish:
    (name, value), *more = change.items() or [("", None)]
    if more or name not in ("size", "rate", "profile", "layout", "occupied", "folder", "preview_frames", "change_maps"):
        raise InvalidRequest(f"the page asks for a change that is not known: {name!r}", remedy="load it again")
    if name == "preview_frames":
        return replace(wish, preview_frames=round(_number(value, "preview frames", 1, LARGEST_PREVIEW)))
    if name == "change_maps":
        return replace(wish, change_maps=bool(value))
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
    fastest: Fraction = Fraction(0)
    """Of the media that is meant; 0 where it is not known."""


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


def recipe(wish: Wish, offer: Catalogue, shape: Shape) -> types_pb2.Recipe:
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
            messages.append(settings(stage.name, stage.filled(target[stage.name])))
    if not messages:
        raise InvalidRecipe("no stage is switched on", remedy="choose a preset, or switch a stage on")
    delivery = types_pb2.Delivery(profile=wish.profile, keep_audio=False, change_maps=wish.change_maps)
    if wish.layout in _LAID:
        delivery.tail_frames = _tail(messages, shape)
    return types_pb2.Recipe(stages=messages, delivery=delivery)


def _tail(stages: Sequence[types_pb2.StageSettings], shape: Shape) -> int:
    """Further frames after the last: as many as last a frame of the timeline, so that a version of the editor that lays
    a clip a frame short can be given more (``resilver_davinci.laying.corrected``)."""
    asked = [stage.parameters["rate"].text for stage in stages if stage.stage == "interpolate"]
    rate = Fraction(asked[0]) if asked and _RATE.fullmatch(asked[0]) else shape.fastest
    return max(1, ceil(rate / shape.rate))


def order(wish: Wish, offer: Catalogue, shape: Shape, title: str) -> Order:
    """Raises InvalidRecipe, and OutputUnwritable without a folder that the server could write to."""
    if not Path(wish.folder).is_absolute():
        where, remedy = wish.folder, "enter the whole path of a folder for the results"
        raise OutputUnwritable("there is no folder for the results", where=where, remedy=remedy)
    return Order(recipe(wish, offer, shape), wish.folder, title, wish.layout, wish.occupied, own=wish.own)
