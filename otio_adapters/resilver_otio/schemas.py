"""The objects Resilver adds to OpenTimelineIO: a recipe to attach to a timeline or clip, and what became of it.

Both are plain data under a version. They are for files that readers with this plug-in exchange; timelines that
``place`` writes carry plain metadata instead, since DaVinci Resolve refuses a file with any schema it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import opentimelineio as otio


@otio.core.register_type
class ResilverRecipe(otio.core.SerializableObjectWithMetadata):  # type: ignore[misc]
    """What shall be done: the recipe's stages and delivery as the domain's JSON has them."""

    _serializable_label = "ResilverRecipe.1"
    _name = "ResilverRecipe"

    stages: Any = otio.core.serializable_field("stages", required_type=list, doc="Stages with parameters, in order.")
    delivery: Any = otio.core.serializable_field("delivery", required_type=dict, doc="Profile, audio, tail frames.")

    def __init__(
        self,
        name: str = "",
        stages: Sequence[Mapping[str, object]] = (),
        delivery: Mapping[str, object] | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(name, dict(metadata or {}))
        self.stages = [dict(stage) for stage in stages]
        self.delivery = dict(delivery or {})


@otio.core.register_type
class ResilverResult(otio.core.SerializableObjectWithMetadata):  # type: ignore[misc]
    """What became of one clip: the job, the digest of its recipe, the clip's place and the file."""

    _serializable_label = "ResilverResult.1"
    _name = "ResilverResult"

    job: Any = otio.core.serializable_field("job", required_type=str, doc="Name of the job.")
    recipe: Any = otio.core.serializable_field("recipe", required_type=str, doc="sha256 of the recipe.")
    clip: Any = otio.core.serializable_field("clip", required_type=str, doc="Where the clip lies, e.g. 0/3.")
    path: Any = otio.core.serializable_field("path", required_type=str, doc="The restored file or pattern.")
    rate: Any = otio.core.serializable_field("rate", required_type=str, doc="Exact rate, e.g. 60000/1001.")
    frames: Any = otio.core.serializable_field("frames", required_type=int, doc="Frames in the file.")

    def __init__(
        self,
        name: str = "",
        job: str = "",
        recipe: str = "",
        clip: str = "",
        path: str = "",
        rate: str = "",
        frames: int = 0,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(name, dict(metadata or {}))
        self.job, self.recipe, self.clip = job, recipe, clip
        self.path, self.rate, self.frames = path, rate, frames
