"""Settings and jobs that are stored with a scene."""

from __future__ import annotations

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


class ResilverParameter(bpy.types.PropertyGroup):
    """One parameter of a stage; which of the values counts is told by ``kind``."""

    stage: StringProperty()
    kind: StringProperty()
    text: StringProperty(name="Value")
    integer: IntProperty(name="Value", update=settings.keep_within)
    number: FloatProperty(name="Value", precision=3, update=settings.keep_within)
    flag: BoolProperty(name="Value")
    choice: EnumProperty(name="Value", items=choices.of_parameter, get=choices.get_parameter, set=choices.set_parameter)


class ResilverStage(bpy.types.PropertyGroup):
    """One stage of the catalogue as it is set for this scene."""

    enabled: BoolProperty(name="Use this stage")
    expanded: BoolProperty(name="Show the parameters")
    strength: FloatProperty(
        name="Strength", default=1.0, min=0.0, max=1.0, subtype="FACTOR", description="0 leaves the film as it was"
    )
    parameters: CollectionProperty(type=ResilverParameter)
    matte_channel: IntProperty(
        name="Matte channel",
        min=0,
        max=128,
        description="White strips on this channel are where the stage works; 0: none",
    )
    keep_channel: IntProperty(
        name="Keep channel", min=0, max=128, description="White strips on this channel stay as they are; 0: none"
    )
    defect_channel: IntProperty(
        name="Defect map channel",
        min=0,
        max=128,
        description="White on this channel, such as a scan's infrared, is where a scanner saw a defect; 0: none",
    )


class ResilverJob(bpy.types.PropertyGroup):
    """A submitted job, so that it can be taken up again after the file was closed. ``name`` is its key."""

    job_id: StringProperty(name="Id of the server's job")
    title: StringProperty(name="Title")
    layout: StringProperty(name="Layout")
    shots: IntProperty(name="Shots")
    remembered: StringProperty(name="What was submitted, as JSON")
    shown: StringProperty(name="What the strips showed, as JSON")
    recipe_json: StringProperty(name="The recipe, as JSON")
    kept: StringProperty(name="Frames that its stages leave alone, as JSON")
    state: StringProperty(name="State")
    sentence: StringProperty(name="What happened last")
    placed: BoolProperty(name="Its clips are in the edit")


class ResilverScene(bpy.types.PropertyGroup):
    """What the panel shows."""

    preset_name: StringProperty(name="Preset")
    preset: EnumProperty(
        name="Preset",
        description="A recipe for a kind of film",
        items=choices.of_presets,
        get=choices.get_preset,
        set=choices.set_preset,
    )
    stages: CollectionProperty(type=ResilverStage)
    size: EnumProperty(name="Size", items=SIZES, default="preset")
    width: IntProperty(name="Width", default=3840, min=16, max=16384, subtype="PIXEL")
    height: IntProperty(name="Height", default=2160, min=16, max=16384, subtype="PIXEL")
    rate: EnumProperty(name="Rate", items=RATES, default="preset")
    layout: EnumProperty(name="Place", items=LAYOUTS, default="overlay")
    occupied: EnumProperty(name="If the channel is taken", items=OCCUPIED, default="refuse")
    profile_name: StringProperty(name="Format", default="prores-422hq")
    profile: EnumProperty(
        name="Format",
        description="How the restored clips are written",
        items=choices.of_profiles,
        get=choices.get_profile,
        set=choices.set_profile,
    )
    change_maps: BoolProperty(
        name="Change maps",
        description="Write a movie of what the stages changed beside each result; pictures stay the same",
    )
    preview_frames: IntProperty(
        name="Frames", default=3, min=1, max=100, description="Frames of each shot that a preview renders"
    )
    output_folder: StringProperty(
        name="Folder", subtype="DIR_PATH", description="Where the restored clips go; empty: as the preferences say"
    )
    jobs: CollectionProperty(type=ResilverJob)


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
