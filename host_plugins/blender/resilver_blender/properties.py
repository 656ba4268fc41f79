"""Settings and jobs that are stored with a scene."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import choices, settings

LAYOUTS = (
    ("overlay", "Above the original", "The restored strip on the channel above; the original stays as it is"),
    ("replace", "Above, original muted", "The restored strip on the channel above; the original is muted"),
    ("new-timeline", "New 4K60 scene", "A second scene with the same edit at the delivery's size and rate"),
)
OCCUPIED = (
    ("refuse", "Tell me", "Change nothing where the channel above is taken"),
    ("above", "Next free channel", "Use the next free channel, over whatever lies in between"),
    ("make-room", "Make room", "Move what lies above up by one channel"),
)
SIZES = (
    ("preset", "As the stages say", "The size that the upscale stage gives"),
    ("3840x2160", "3840 x 2160 (4K)", "Fitted into 4K UHD"),
    ("1920x1080", "1920 x 1080 (HD)", "Fitted into HD"),
    ("custom", "Custom", "Another size"),
)
RATES = (
    ("preset", "As the stages say", "The rate that the interpolate stage gives, or the film's own"),
    ("60", "60", "Frames a second"),
    ("60000/1001", "59.94", "60000/1001 frames a second"),
    ("50", "50", "Frames a second"),
    ("48", "48", "Frames a second"),
    ("30", "30", "Frames a second"),
    ("30000/1001", "29.97", "30000/1001 frames a second"),
    ("25", "25", "Frames a second"),
    ("24", "24", "Frames a second"),
    ("24000/1001", "23.976", "24000/1001 frames a second"),
)


class ResilverParameter(bpy.types.PropertyGroup):  # type: ignore[misc]
    """One parameter of a stage; which of the values counts is told by ``kind``."""

    stage: StringProperty()  # type: ignore[valid-type]
    kind: StringProperty()  # type: ignore[valid-type]
    text: StringProperty(name="Value")  # type: ignore[valid-type]
    integer: IntProperty(name="Value", update=settings.keep_within)  # type: ignore[valid-type]
    number: FloatProperty(name="Value", precision=3, update=settings.keep_within)  # type: ignore[valid-type]
    flag: BoolProperty(name="Value")  # type: ignore[valid-type]
    choice: EnumProperty(  # type: ignore[valid-type]
        name="Value", items=choices.of_parameter, get=choices.get_parameter, set=choices.set_parameter
    )


class ResilverStage(bpy.types.PropertyGroup):  # type: ignore[misc]
    """One stage of the catalogue as it is set for this scene."""

    enabled: BoolProperty(name="Use this stage")  # type: ignore[valid-type]
    expanded: BoolProperty(name="Show the parameters")  # type: ignore[valid-type]
    strength: FloatProperty(  # type: ignore[valid-type]
        name="Strength", default=1.0, min=0.0, max=1.0, subtype="FACTOR", description="0 leaves the film as it was"
    )
    parameters: CollectionProperty(type=ResilverParameter)  # type: ignore[valid-type]
    matte_channel: IntProperty(  # type: ignore[valid-type]
        name="Matte channel",
        min=0,
        max=128,
        description="White strips on this channel are where the stage works; 0: none",
    )
    keep_channel: IntProperty(  # type: ignore[valid-type]
        name="Keep channel", min=0, max=128, description="White strips on this channel stay as they are; 0: none"
    )
    key_channel: IntProperty(  # type: ignore[valid-type]
        name="Key frame channel", min=0, max=128, description="Image strips on this channel show the colours; 0: none"
    )


class ResilverJob(bpy.types.PropertyGroup):  # type: ignore[misc]
    """A submitted job, so that it can be taken up again after the file was closed. ``name`` is its key."""

    job_id: StringProperty(name="Id of the server's job")  # type: ignore[valid-type]
    title: StringProperty(name="Title")  # type: ignore[valid-type]
    layout: StringProperty(name="Layout")  # type: ignore[valid-type]
    shots: IntProperty(name="Shots")  # type: ignore[valid-type]
    remembered: StringProperty(name="What was submitted, as JSON")  # type: ignore[valid-type]
    shown: StringProperty(name="What the strips showed, as JSON")  # type: ignore[valid-type]
    recipe_json: StringProperty(name="The recipe, as JSON")  # type: ignore[valid-type]
    state: StringProperty(name="State")  # type: ignore[valid-type]
    sentence: StringProperty(name="What happened last")  # type: ignore[valid-type]
    placed: BoolProperty(name="Its clips are in the edit")  # type: ignore[valid-type]


class ResilverScene(bpy.types.PropertyGroup):  # type: ignore[misc]
    """What the panel shows."""

    preset_name: StringProperty(name="Preset")  # type: ignore[valid-type]
    preset: EnumProperty(  # type: ignore[valid-type]
        name="Preset",
        description="A recipe for a kind of film",
        items=choices.of_presets,
        get=choices.get_preset,
        set=choices.set_preset,
    )
    stages: CollectionProperty(type=ResilverStage)  # type: ignore[valid-type]
    size: EnumProperty(name="Size", items=SIZES, default="preset")  # type: ignore[valid-type]
    width: IntProperty(name="Width", default=3840, min=16, max=16384, subtype="PIXEL")  # type: ignore[valid-type]
    height: IntProperty(name="Height", default=2160, min=16, max=16384, subtype="PIXEL")  # type: ignore[valid-type]
    rate: EnumProperty(name="Rate", items=RATES, default="preset")  # type: ignore[valid-type]
    layout: EnumProperty(name="Place", items=LAYOUTS, default="overlay")  # type: ignore[valid-type]
    occupied: EnumProperty(name="If the channel is taken", items=OCCUPIED, default="refuse")  # type: ignore[valid-type]
    profile_name: StringProperty(name="Format", default="prores-422hq")  # type: ignore[valid-type]
    profile: EnumProperty(  # type: ignore[valid-type]
        name="Format",
        description="How the restored clips are written",
        items=choices.of_profiles,
        get=choices.get_profile,
        set=choices.set_profile,
    )
    preview_frames: IntProperty(  # type: ignore[valid-type]
        name="Frames", default=3, min=1, max=100, description="Frames of each shot that a preview renders"
    )
    output_folder: StringProperty(  # type: ignore[valid-type]
        name="Folder", subtype="DIR_PATH", description="Where the restored clips go; empty: as the preferences say"
    )
    jobs: CollectionProperty(type=ResilverJob)  # type: ignore[valid-type]


CLASSES = (ResilverParameter, ResilverStage, ResilverJob, ResilverScene)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.resilver = PointerProperty(type=ResilverScene)


def unregister() -> None:
    """What is stored in files stays there."""
    del bpy.types.Scene.resilver
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)


def job_item(scene: Any, key: str) -> Any | None:
    """The stored job of that key."""
    return scene.resilver.jobs.get(key)
