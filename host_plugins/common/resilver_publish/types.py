"""What the publish plug-ins and a host hand to each other. Plain typed objects; nothing here knows any host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from resilver.v1 import types_pb2
from resilver_client.errors import InvalidRequest, ResilverError


class Layout(StrEnum):
    """How restored clips come back into the host's timeline."""

    OVERLAY = "overlay"
    """On a track above; the original stays as it is below."""
    REPLACE = "replace"
    """The same, and the original is muted."""
    NEW_TIMELINE = "new-timeline"
    """A second timeline with the same edit at the delivery's size and rate."""
    TAKE = "take"
    """As a further take of the original itself, in hosts that have takes."""
    FILE = "file"
    """As a timeline file beside the results, to be imported by hand."""


class Occupied(StrEnum):
    """What to do where the track above a clip is taken."""

    REFUSE = "refuse"
    """Say so and change nothing."""
    ABOVE = "above"
    """Use the next free track, over whatever lies in between."""
    MAKE_ROOM = "make-room"
    """Move what lies above up by one track."""


@dataclass(frozen=True)
class HostClip:
    """A selected clip as the host's timeline shows it."""

    id: str
    """The host's own, lasting: the same clip has it after saving, undoing and opening again."""
    name: str
    track: int
    """From 1, bottom-up."""
    start: int
    """First frame on the timeline, in the host's own count."""
    stop: int
    """First frame after it."""
    refusal: ResilverError | None = None
    """Why the host cannot hand it over (ClipUnsupported, ClipOffline); None where it can."""


@dataclass(frozen=True)
class HostTimeline:
    """Clips as OpenTimelineIO."""

    otio: str
    """OTIO JSON with absolute media paths."""
    places: Mapping[str, str]
    """``HostClip.id`` -> where the clip lies in ``otio`` (``"0/3"``: track and child), as ``Shot.clip_id`` names it."""
    selection: tuple[int, ...] = ()
    """Positions among the timeline's video clips that are meant; empty is all."""


Own = Mapping[str, Mapping[str, str]]
"""What one clip asks for itself, as ``metadata.resilver`` has it: "keep_frames", "mattes", "keep_mattes", "defect_maps"
or "key_frames" -> stage -> media frames ("120-139, 200"), or the path of the pictures as the server sees it."""


@dataclass(frozen=True)
class Order:
    """What the user asks for."""

    recipe: types_pb2.Recipe
    output_folder: str
    """Absolute, as the server sees it."""
    title: str
    layout: Layout = Layout.OVERLAY
    occupied: Occupied = Occupied.REFUSE
    preview_frames: int = 0
    """Render only so many frames of each clip, as before/after pictures; nothing is placed."""
    leave_out: frozenset[str] = frozenset()
    """Ids of clips that go on without being restored."""
    accepted_licences: frozenset[str] = frozenset()
    """Ids of models whose licence the user has accepted."""
    deinterlace: frozenset[str] = frozenset()
    """Ids of clips whose fields are filtered into frames with bwdif."""
    own: Mapping[str, Own] = field(default_factory=dict)
    """What clips ask for themselves, by their ids."""

    def own_of(self, clip: str) -> dict[str, dict[str, str]]:
        """What a clip asks for of the stages that the recipe has; the others have nothing to do with it."""
        stages = {each.stage for each in self.recipe.stages}
        found = {
            key: {stage: text for stage, text in texts.items() if text and stage in stages}
            for key, texts in self.own.get(clip, {}).items()
        }
        return {key: texts for key, texts in found.items() if texts}


@dataclass(frozen=True)
class Remembered:
    """A submitted job as an edit keeps it: all that is needed to take it up again after the edit was closed."""

    job: str
    clips: tuple[HostClip, ...]
    """As they lay when the job was submitted; without refusals."""
    places: Mapping[str, str]
    """``HostClip.id`` -> ``Shot.clip_id``, as ``HostTimeline.places``."""
    layout: Layout = Layout.OVERLAY
    occupied: Occupied = Occupied.REFUSE
    recipe: str = ""
    """Digest of the recipe (``recipe_digest``)."""
    preview: bool = False
    title: str = ""

    def to_json(self) -> str:
        """On one line, ASCII only, so that every host can store it."""
        clips = [
            {"id": c.id, "name": c.name, "track": c.track, "start": c.start, "stop": c.stop, "place": self.places[c.id]}
            for c in self.clips
        ]
        return json.dumps(
            {
                "job": self.job, "clips": clips, "layout": self.layout, "occupied": self.occupied,
                "recipe": self.recipe, "preview": self.preview, "title": self.title,
            }
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> Remembered:
        """Raises InvalidRequest for a text that ``to_json`` did not write."""
        try:
            data = json.loads(text)
            clips = tuple(
                HostClip(str(c["id"]), str(c["name"]), int(c["track"]), int(c["start"]), int(c["stop"]))
                for c in data["clips"]
            )
            places = {str(c["id"]): str(c["place"]) for c in data["clips"]}
            layout, occupied = Layout(data["layout"]), Occupied(data["occupied"])
            return cls(
                str(data["job"]), clips, places, layout, occupied,
                str(data["recipe"]), bool(data["preview"]), str(data["title"]),
            )  # fmt: skip
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InvalidRequest(
                "what the edit remembers of a job cannot be read", where=text[:200], remedy="restore the clips again"
            ) from error


@dataclass(frozen=True)
class RestoredClip:
    """A finished clip that is to be placed."""

    clip: str
    """``HostClip.id`` of the original."""
    name: str
    path: str
    """The file; for a sequence its printf pattern."""
    rate: Fraction
    frames: int
    """Tail frames included."""
    width: int
    height: int
    job: str
    recipe: str
    """Digest of the recipe (``recipe_digest``)."""
    is_sequence: bool = False
    first_number: int = 0
    head: Fraction = Fraction(0)
    """Record seconds in the file before the clip's first moment, for a transition."""
    changes: str = ""
    """Movie of what the stages changed, frame by frame of the file; empty where none was asked for."""


@dataclass(frozen=True)
class Placement:
    """Where a restored clip lies now."""

    clip: str
    """``HostClip.id`` of the original."""
    where: str
    """For people: "channel 3"."""


@dataclass(frozen=True)
class ChangeMap:
    """A picture of what a stage changed in one frame: bright is much."""

    clip: str
    path: str
    stage: str
    output_frame: int
    """Of the clip's result, from 0."""


@dataclass(frozen=True)
class ClipProgress:
    """Where one clip of a job stands."""

    clip: str
    name: str
    phase: str
    """"analysing", "rendering", "joining" or "done"."""
    stage: str
    done: int
    total: int
    """Frames of this phase."""
    seconds_left: float | None


@dataclass(frozen=True)
class Progress:
    """Where a job stands; at most some a second."""

    job: str
    state: str
    """"queued", "analysing", "rendering", "joining", "paused", "waiting" (for disk space), "succeeded", "failed" or
    "cancelled"."""
    fraction: float
    """0..1 over all clips and phases; never falls while the job runs."""
    seconds_left: float | None
    message: str
    """For people: what is going on now."""
    clips: tuple[ClipProgress, ...] = ()


class Repair(StrEnum):
    """What can be done about a problem, by ``repaired``."""

    LEAVE_OUT = "leave-out"
    """Go on without the clip."""
    INSTALL_MODEL = "install-model"
    ACCEPT_LICENCE = "accept-licence"
    """Accept the model's licence and install it."""
    MAKE_ROOM = "make-room"
    USE_TRACK_ABOVE = "use-track-above"
    DEINTERLACE = "deinterlace"
    """Filter the clip's fields into frames with bwdif."""


@dataclass(frozen=True)
class Problem:
    """One reason why nothing was done."""

    plugin: str
    """Label of the plug-in that found it."""
    error: ResilverError
    """What, where, and what to do."""
    clip: str = ""
    """``HostClip.id``; empty where it is not about one clip."""
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a publication ended: either placed, or with problems, or both empty for a preview or a cancelled job."""

    job: str = ""
    placements: tuple[Placement, ...] = ()
    problems: tuple[Problem, ...] = ()
    report: tuple[str, ...] = ()
    """Sentences for people: what could not be kept, what was left out."""
    pictures: tuple[str, ...] = ()
    """Before/after pictures of a preview."""
    change_maps: tuple[ChangeMap, ...] = field(default=())
    changes: Mapping[str, str] = field(default_factory=dict)
    """Movies of what the stages changed, by ``HostClip.id``, for clips that were placed with one."""
    cancelled: bool = False
