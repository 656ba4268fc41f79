"""What the user or a script asks for: read on the main thread, made an order by a worker. Knows no Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from resilver_client.catalogue import KEEP_FRAMES, OWN_KEYS, Catalogue, Input

from ..server.connection import Connection
from . import recipe
from .recipe import StageChoice, Target, Wish

if TYPE_CHECKING:
    from resilver.v1 import types_pb2
    from resilver_publish.types import Order, Own


@dataclass(frozen=True)
class Channel:
    """A channel with pictures for a stage."""

    stage: str
    input: Input
    channel: int


@dataclass(frozen=True)
class Ask:
    """Plain values only: nothing in it dangles when Blender's data changes."""

    connection: Connection
    scene: int
    """``session_uid`` of the scene."""
    title: str
    output_folder: str
    """Absolute."""
    stages: tuple[StageChoice, ...] = ()
    """As the panel has them; for ``preset`` and ``recipe_json`` they are not looked at."""
    preset: str = ""
    """Name of a preset to be taken as it is."""
    recipe_json: str = ""
    """A recipe in protobuf's JSON; then profile is not looked at."""
    target: Target = recipe.NO_TARGET
    profile: str = ""
    layout: str = "overlay"
    occupied: str = "refuse"
    preview_frames: int = 0
    clips: tuple[str, ...] = ()
    """Uids of the strips; empty: the selected ones."""
    shots: int = 0
    """How many they are, for people."""
    channels: tuple[Channel, ...] = ()
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Media frames that stages leave alone, by uid of the strip and stage."""
    key_frames: Mapping[str, str] = field(default_factory=dict)
    """Absolute paths of key frames, by uid of the strip."""
    change_maps: bool = False
    """Whether movies of what was changed are written beside the results; a recipe of a script's says it itself."""
    plugins_folder: str = ""


def recipe_of(ask: Ask, catalogue: Catalogue) -> types_pb2.Recipe:
    """Raises InvalidRecipe, UnknownPreset."""
    tail = recipe.tail_of(ask.layout)
    if ask.recipe_json:
        return recipe.from_json(ask.recipe_json, tail, ask.target)
    stages = ask.stages
    if ask.preset:
        stages = recipe.of_preset(recipe.named(ask.preset, catalogue), catalogue)
    return recipe.build(Wish(stages, ask.target, ask.profile, tail, ask.change_maps), catalogue)


def order_of(ask: Ask, catalogue: Catalogue) -> Order:
    """Raises what ``recipe_of`` raises."""
    from resilver_publish.types import Layout, Occupied, Order

    return Order(
        recipe=recipe_of(ask, catalogue),
        output_folder=ask.output_folder,
        title=ask.title,
        layout=Layout(ask.layout),
        occupied=Occupied(ask.occupied),
        preview_frames=ask.preview_frames,
        own=_own(ask, catalogue),
    )


def _own(ask: Ask, catalogue: Catalogue) -> dict[str, Own]:
    """What each strip asks for itself."""
    takers = [stage.name for stage in catalogue.stages if Input.KEY_FRAMES in stage.inputs]
    return {
        uid: {
            KEEP_FRAMES: ask.kept.get(uid, {}),
            OWN_KEYS[Input.KEY_FRAMES]: dict.fromkeys(takers, ask.key_frames.get(uid, "")),
        }
        for uid in {**ask.kept, **ask.key_frames}
    }
