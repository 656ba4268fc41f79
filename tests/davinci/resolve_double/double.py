"""The double of Resolve: what the person at the screen does, and what lies there."""

import json
from fractions import Fraction
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Type, Union

from . import otio_in, otio_out
from .api_item import TimelineItem
from .api_media import Folder as FolderApi
from .api_media import MediaPoolItem, MediaStorage
from .api_pool import MediaPool
from .api_resolve import App, Fusion, ProjectManager, Resolve
from .api_resolve import Project as ProjectApi
from .api_timeline import TimelineApi
from .constants import CONSTANTS
from .faults import Faults
from .handles import Api, Handle, turn
from .holding import Facts, Holding, Probe
from .model import Folder, Item, Media, Project, Timeline
from .profiles import Profile
from .records import Record, decode, encode

CLASSES: Tuple[Type[Api], ...] = (
    Resolve,
    ProjectManager,
    ProjectApi,
    MediaStorage,
    MediaPool,
    FolderApi,
    MediaPoolItem,
    TimelineApi,
    TimelineItem,
)
BEHIND: Dict[Type[Record], Type[Api]] = {
    Project: ProjectApi,
    Folder: FolderApi,
    Media: MediaPoolItem,
    Timeline: TimelineApi,
    Item: TimelineItem,
}
UNTITLED = "Untitled Project"


class Lying(NamedTuple):
    """An item as it lies on the open timeline."""

    name: str
    track: int
    start: int
    """Absolute."""
    duration: int
    path: str
    source_in: Fraction
    source_frames: Fraction
    enabled: bool
    colour: str
    takes: int
    id: str
    kind: str


class Double(Holding):
    """A Resolve of one version and edition.

    `resolve` is what scripts get; everything else is the person at the screen, and tests that look at what lies there.
    A person's actions are saved at once (Live Save); what a script does is not until it saves.
    """

    def __init__(self, profile: Profile, probe: Optional[Probe] = None) -> None:
        self.profile = profile
        self.probe: Probe = probe or self.known_file
        self.files: Dict[str, Facts] = {}
        """Facts of files by path, for a double without a probe."""
        self.faults = Faults()
        self.calls: List[Tuple[str, str]] = []
        """(class, method) of every call, in order."""
        self.before_call: Callable[[str, str], None] = lambda kind, name: None
        """Called before each call is answered; a test may change the double here."""
        self.turn = turn()
        self.generation = 0
        self.page = "edit"
        self.saved: Dict[str, Any] = {}
        self.next_id = 0
        self.open: Optional[Project] = None
        self.refused = ""
        """Why the last OTIO import was refused: what Resolve does not say."""

    # What a script gets

    @property
    def resolve(self) -> Any:
        """The injected object."""
        return Handle(Resolve(self))

    def menu_globals(self) -> Dict[str, Any]:
        """What the Scripts menu injects."""
        fusion = Handle(Fusion(self))
        return {"resolve": self.resolve, "fusion": fusion, "fu": fusion, "bmd": fusion, "app": Handle(App(self))}

    def script_app(self) -> Any:
        """`scriptapp("Resolve")` of another process: None on the free edition."""
        return self.resolve if self.profile.runs_outside_python else None

    def handle(self, record: Record) -> Handle:
        """A new handle of a record."""
        return Handle(BEHIND[type(record)](self, record))

    def project_handle(self) -> Optional[Handle]:
        """A handle of the open project."""
        return None if self.open is None else self.handle(self.open)

    def constants(self) -> Dict[str, float]:
        """Enumerations of `resolve`, by version."""
        return {name: value for name, (value, since) in CONSTANTS.items() if self.profile.has(since)}

    # Projects

    @property
    def has_project(self) -> bool:
        """Whether a project is open."""
        return self.open is not None

    def new_id(self) -> str:
        """An id that nothing has yet."""
        self.next_id += 1
        return "{:08x}-0000-4000-8000-{:012x}".format(self.next_id, self.next_id)

    def open_project(self, name: str, rate: str = "24", width: int = 1920, height: int = 1080) -> Project:
        """Make a project and open it; handles of the one before go stale."""
        self.close_project()
        root = Folder(self.new_id(), "Master", "")
        self.open = Project(self.new_id(), name, rate, width, height, root)
        self.keep()
        return self.open

    def close_project(self) -> None:
        """Close it without saving."""
        self.open = None
        self.generation += 1

    def load(self, name: str) -> bool:
        """Open a saved project; whether there is one."""
        if name not in self.saved:
            return False
        self.close_project()
        self.open = decode(self.saved[name])
        return True

    def save(self) -> bool:
        """Save as a script does: what an errored chunk placed vanishes now. An untitled project cannot be saved."""
        if self.open is None or self.open.name == UNTITLED or self.faults.save_fails:
            return False
        for timeline in self.open.timelines:
            for tracks in timeline.tracks.values():
                for track in tracks:
                    track.items = [item for item in track.items if not item.lost]
        self.keep()
        return True

    def keep(self) -> None:
        """Remember the open project as it is."""
        self.saved[self.project.name] = json.loads(json.dumps(encode(self.project)))

    def save_and_reopen(self) -> None:
        """Close the project and open it from what was saved last: what no one saved, and what is lost, is gone."""
        name = self.project.name
        self.load(name)
        self.save()

    # The person at the screen

    def select(self, items: List[Item]) -> None:
        """Select items of the open timeline."""
        self.timeline.selected = [item.id for item in items]

    def mark(self, first: Optional[int], last: Optional[int]) -> None:
        """Set in and out, relative to the timeline's first frame; `last` is the last one meant. None clears."""
        self.timeline.mark_in, self.timeline.mark_out = first, last

    def playhead(self, place: Union[Item, int]) -> None:
        """Put the playhead on an item's first frame, or on a frame relative to the timeline's first."""
        self.timeline.playhead = place.start if isinstance(place, Item) else place

    def colour(self, item: Item, name: str) -> None:
        """Give an item a colour."""
        item.color = name
        self.keep()

    def lying(self, timeline: Optional[Timeline] = None) -> List[Lying]:
        """What lies on the open timeline: video bottom-up, then audio, each in the order of time."""
        shown = timeline or self.timeline
        return [self.described(shown, index, item) for _, index, item in shown.items()]

    def described(self, timeline: Timeline, track: int, item: Item) -> Lying:
        """One item."""
        media = self.project.media_of(item.media)
        return Lying(
            item.name,
            track,
            timeline.start + item.start,
            item.duration,
            "" if media is None else media.path,
            item.source_in,
            item.source_frames,
            item.enabled,
            item.color,
            len(item.takes),
            item.id,
            item.kind,
        )

    def export_otio(self) -> str:
        """The open timeline as OTIO, in Resolve's own shape."""
        return otio_out.written(self, self.timeline)

    def import_otio(self, text: str, name: str = "imported", source_clips: bool = True) -> Optional[Timeline]:
        """File > Import > Timeline, by Resolve's rules: a new timeline, or None."""
        return otio_in.read(self, text, name, source_clips)

    # From process to process

    def to_json(self) -> str:
        """Everything but the probe."""
        state = {
            "profile": [list(self.profile.version), self.profile.studio],
            "faults": self.faults.to_dict(),
            "calls": self.calls,
            "page": self.page,
            "saved": self.saved,
            "next_id": self.next_id,
            "files": self.files,
            "open": encode(self.open),
        }
        return json.dumps(state, indent=1)

    @classmethod
    def from_json(cls, text: str, probe: Optional[Probe] = None) -> "Double":
        """What was written. Raises ValueError, KeyError."""
        state = json.loads(text)
        version, studio = state["profile"]
        double = cls(Profile(tuple(version), studio), probe)
        double.faults.update(state["faults"])
        double.calls = [(kind, name) for kind, name in state["calls"]]
        double.page, double.saved, double.next_id = state["page"], state["saved"], state["next_id"]
        double.files, double.open = state["files"], decode(state["open"])
        return double
