"""The media pool and the timelines of the double."""

import copy
import re
from fractions import Fraction
from typing import Any, Callable, Dict, List, Optional, Union

from .faults import Faults
from .laying import Laying
from .model import Folder, Item, Media, Timeline, default_timecode
from .rates import exact

NUMBER = re.compile(r"%0?(\d*)d")
Facts = Dict[str, Any]
Probe = Callable[..., Optional[Facts]]
"""(path) -> facts of a file, (pattern, first number, last number) -> those of a sequence; None: there is none."""


class Holding(Laying):
    """Part of the double: media is imported, timelines are made, copied and dropped."""

    faults: Faults
    probe: Probe
    files: Dict[str, Facts]

    def folder(self) -> Folder:
        """The open bin."""
        project = self.project
        return next(folder for folder in project.folders if folder.id == project.current_folder)

    def media(
        self,
        path: str,
        frames: int = 100,
        fps: Union[float, str, Fraction] = 24.0,
        start_timecode: str = "",
        type: str = "Video",
        width: int = 1920,
        height: int = 1080,
        first_number: Optional[int] = None,
        online: bool = True,
    ) -> Media:
        """A clip of the media pool. Of a sequence: the printf pattern and its first file's number."""
        shown = path if first_number is None else sequence_path(path, first_number, first_number + frames - 1)
        media = Media(self.new_id(), shown, frames, exact(fps), self.project.current_folder)
        media.start_timecode, media.type, media.width, media.height = start_timecode, type, width, height
        media.online, media.sound = online, "Audio" in type
        if first_number is not None:
            media.first_number, media.pattern = first_number, path
            media.padding = int(NUMBER.search(path).group(1) or 1)  # type: ignore[union-attr]
        self.project.media.append(media)
        self.keep()
        return media

    def pool_clip(self, name: str, kind: str, frames: int) -> Media:
        """A clip of the media pool that is no file: a compound clip, a timeline."""
        media = Media(self.new_id(), "", frames, self.project.rate, self.project.current_folder)
        media.name, media.type = name, kind
        self.project.media.append(media)
        return media

    def known_file(self, path: str, first: Optional[int] = None, last: Optional[int] = None) -> Optional[Facts]:
        """The probe of a double without one: what the test has said of the file."""
        return self.files.get(path)

    def import_file(self, path: str) -> Optional[Media]:
        """Import as `ImportMedia` does: another clip each time, into the open bin. None where there is no such file."""
        facts = self.probe(path)
        if facts is None:
            return None
        rate = exact(self.faults.wrong_import_fps or facts["fps"] or self.project.rate)
        frames = facts["frames"]
        if facts.get("type") == "Audio":
            frames, rate = int(frames / exact(facts["fps"]) * self.project.rate), self.project.rate
        return self.add_imported(Media(self.new_id(), path, frames, rate, self.project.current_folder), facts)

    def import_sequence(self, pattern: str, first: int, last: int) -> Optional[Media]:
        """Import a sequence; it takes the project's rate."""
        facts = self.probe(pattern, first, last)
        if facts is None or last < first or NUMBER.search(pattern) is None:
            return None
        rate = exact(self.faults.wrong_import_fps or self.project.rate)
        path = sequence_path(pattern, first, last)
        media = Media(self.new_id(), path, last - first + 1, rate, self.project.current_folder)
        media.first_number, media.pattern = first, pattern
        media.padding = int(NUMBER.search(pattern).group(1) or 1)  # type: ignore[union-attr]
        return self.add_imported(media, facts)

    def add_imported(self, media: Media, facts: Facts) -> Media:
        """Put imported media into the pool."""
        media.start_timecode = facts.get("start_timecode") or ""
        media.width, media.height = facts.get("width") or 0, facts.get("height") or 0
        media.type = facts.get("type") or "Video"
        media.sound = "Audio" in media.type
        self.project.media.append(media)
        return media

    def drop_media(self, gone: List[Media]) -> None:
        """Take clips out of the pool; items that show them stay, without media."""
        self.project.media = [media for media in self.project.media if media not in gone]

    def open_timeline(
        self, name: str, rate: Optional[str] = None, start_timecode: str = "", drop_frame: bool = False
    ) -> Timeline:
        """Make a timeline and open it. Raises ValueError where the name is taken."""
        timeline = self.make_timeline(name)
        if timeline is None:
            raise ValueError("a timeline of that name exists: " + name)
        timeline.rate_text = (rate or self.project.settings["timelineFrameRate"]) + (" DF" if drop_frame else "")
        timeline.custom = timeline.rate_text != self.project.settings["timelineFrameRate"]
        timeline.start_timecode = start_timecode or default_timecode(timeline.rate_text)
        self.keep()
        return timeline

    def make_timeline(self, name: str) -> Optional[Timeline]:
        """Make a timeline of the project's settings and open it; None where the name is taken."""
        if not name or self.named_timeline(name):
            return None
        rate = self.project.settings["timelineFrameRate"]
        timeline = Timeline(self.new_id(), name, rate, default_timecode(rate))
        self.project.timelines.append(timeline)
        self.project.current_timeline = timeline.id
        self.pool_clip(name, "Timeline", 0).timeline = timeline.id
        return timeline

    def named_timeline(self, name: str) -> bool:
        """Whether there is a timeline of that name."""
        return any(timeline.name == name for timeline in self.project.timelines)

    def rename_timeline(self, timeline: Timeline, name: str) -> None:
        """Rename it, in the pool too."""
        timeline.name = name
        for media in self.project.media:
            media.name = name if media.timeline == timeline.id else media.name

    def copy_timeline(self, timeline: Timeline, name: str) -> Optional[Timeline]:
        """Copy it and open the copy; ids of its items are new."""
        made = self.make_timeline(name)
        if made is None:
            return None
        values = {key: value for key, value in vars(timeline).items() if key not in ("id", "name")}
        vars(made).update(copy.deepcopy(values))
        for _, _, item in made.items():
            item.id = self.new_id()
        return made

    def drop_timeline(self, timeline: Timeline) -> None:
        """Delete it; its handles and those of its items go stale."""
        project = self.project
        project.timelines.remove(timeline)
        project.media = [media for media in project.media if media.timeline != timeline.id]
        if project.current_timeline == timeline.id:
            project.current_timeline = project.timelines[-1].id if project.timelines else ""

    def timeline_of(self, item: Item) -> Optional[Timeline]:
        """The timeline of the open project on which an item lies."""
        timelines = self.open.timelines if self.open is not None else []
        return next((one for one in timelines if any(lying is item for _, _, lying in one.items())), None)


def sequence_path(pattern: str, first: int, last: int) -> str:
    """As Resolve names a sequence: "dir/f_[001-100].dpx"."""
    return NUMBER.sub(
        lambda match: "[{:0{width}d}-{:0{width}d}]".format(first, last, width=int(match.group(1) or 1)), pattern
    )
