"""What the user or a script asks for: read on the main thread, made an order by a worker. Knows no Blender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..server.catalogue import Catalogue, Input
from ..server.connection import Connection
from . import recipe
from .recipe import StageChoice, Target, Wish

if TYPE_CHECKING:
    from resilver.v1 import types_pb2
    from resilver_publish.types import Order


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
    plugins_folder: str = ""


def recipe_of(ask: Ask, catalogue: Catalogue) -> types_pb2.Recipe:
    """Raises InvalidRecipe, UnknownPreset."""
    tail = recipe.tail_of(ask.layout)
    if ask.recipe_json:
        return recipe.from_json(ask.recipe_json, tail, ask.target)
    stages = ask.stages
    if ask.preset:
        stages = recipe.of_preset(recipe.named(ask.preset, catalogue), catalogue)
    return recipe.build(Wish(stages, ask.target, ask.profile, tail), catalogue)


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
    )
