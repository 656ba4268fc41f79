"""Reading OTIO by Resolve's rules: a new timeline, or None without a word."""

import json
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

from .model import Item, Media, Timeline, Track
from .rates import exact, short, timecode_of

if TYPE_CHECKING:
    from .double import Double

Node = Dict[str, Any]
KNOWN = {
    *("Timeline.1", "Stack.1", "Track.1", "Clip.2", "Gap.1", "Transition.1", "Marker.2"),
    *("RationalTime.1", "TimeRange.1", "LinearTimeWarp.1", "FreezeFrame.1", "TimeEffect.1", "Effect.1"),
    *("ExternalReference.1", "ImageSequenceReference.1", "MissingReference.1", "GeneratorReference.1"),
    *("Box2d.1", "V2d.1"),
}
"""Schemas that Resolve reads; one that is not among them fails the whole import."""
CLIP_KEYS = {"metadata", "source_range", "enabled", "media_references", "active_media_reference_key"}
SEQUENCES_FROM = (19,)
POOL_FIRST = (21, 1)
"""From here on the default fails for media that is in the pool already, and "no source clips" finds it there."""
SPEEDS = ("LinearTimeWarp.1", "FreezeFrame.1")
TOLERANCE = 1e-6
"""Seconds; times are floats."""


class NoImport(Exception):
    """Resolve answers None; the text is for people who look at the double."""


def read(double: "Double", text: str, name: str, source_clips: bool) -> Optional[Timeline]:
    """A new timeline, opened; None where Resolve would refuse, and then `double.refused` says why."""
    double.refused = ""
    pool = list(double.project.media)
    try:
        node = parsed(text)
        if double.named_timeline(name):
            raise NoImport("a timeline is called {!r} already".format(name))
        reader = Reader(double, node, source_clips)
        tracks = [(child["kind"].lower(), reader.track(child)) for child in node["tracks"]["children"]]
    except (NoImport, KeyError, TypeError) as why:
        double.refused = str(why) if isinstance(why, NoImport) else "not of Resolve's shape: {!r}".format(why)
        double.project.media = pool
        return None
    return reader.opened(name, tracks)


def parsed(text: str) -> Node:
    """The timeline, whose every schema is known. Raises NoImport."""
    try:
        node = json.loads(text)
    except ValueError:
        raise NoImport("no JSON") from None
    unknown = sorted(set(schemas(node)) - KNOWN)
    if unknown:
        raise NoImport("unknown schema " + ", ".join(unknown))
    if not isinstance(node, dict) or node.get("OTIO_SCHEMA") != "Timeline.1":
        raise NoImport("no timeline")
    if not node.get("global_start_time"):
        raise NoImport("no global_start_time")
    return node


def schemas(node: Any) -> Iterator[str]:
    """Every schema that is named anywhere."""
    if isinstance(node, dict):
        if "OTIO_SCHEMA" in node:
            yield node["OTIO_SCHEMA"]
        for inner in node.values():
            yield from schemas(inner)
    if isinstance(node, list):
        for inner in node:
            yield from schemas(inner)


class Reader(object):
    """Reads one timeline's tracks, importing media on the way."""

    def __init__(self, double: "Double", node: Node, source_clips: bool) -> None:
        self.double = double
        self.source_clips = source_clips
        start = node["global_start_time"]
        self.rate = double.project.rate if double.faults.import_rate_of_project else exact(start["rate"])
        self.start = round(Fraction(start["value"]) / exact(start["rate"]) * self.rate)
        self.links: Dict[int, int] = {}
        self.imported: Dict[str, Media] = {}

    def opened(self, name: str, tracks: List[Tuple[str, Track]]) -> Timeline:
        """The timeline itself; in and out of the one that was open are cleared."""
        if self.double.project.timeline() is not None:
            self.double.mark(None, None)
        timeline = self.double.make_timeline(name)
        assert timeline is not None
        timeline.rate_text = short(self.rate)
        timeline.custom = self.rate != self.double.project.rate
        timeline.start_timecode = timecode_of(self.start, self.rate)
        timeline.tracks = {"video": [], "audio": [], "subtitle": []}
        for kind, track in tracks:
            timeline.tracks[kind].append(track)
        return timeline

    def track(self, node: Node) -> Track:
        """One track, its children laid end to end."""
        own = node["metadata"].get("Resolve_OTIO", {})
        track = Track(node["name"], str(own.get("Audio Type", "")).lower())
        track.locked, track.enabled = bool(own.get("Locked")), node["enabled"]
        end = 0
        for child in node["children"]:
            if child["OTIO_SCHEMA"] == "Transition.1":
                track.put(self.transition(child, end))
                continue
            duration = self.frames(child["source_range"]["duration"])
            if child["OTIO_SCHEMA"] == "Clip.2":
                track.put(self.clip(child, node["kind"].lower(), end, duration))
            end += duration
        return track

    def transition(self, node: Node, cut: int) -> Item:
        """A dissolve over a cut."""
        before, after = self.frames(node["in_offset"]), self.frames(node["out_offset"])
        item = Item(self.double.new_id(), "transition", node["name"], cut - before, before + after)
        item.in_offset, item.out_offset = before, after
        return item

    def clip(self, node: Node, kind: str, start: int, duration: int) -> Item:
        """A clip. Raises NoImport for one that is not of Resolve's shape."""
        if not set(node) >= CLIP_KEYS or not node["source_range"]:
            raise NoImport("{}: not of Resolve's shape".format(node.get("name")))
        item = Item(self.double.new_id(), kind, node["name"], start, duration)
        item.enabled = node["enabled"]
        self.link(item, node["metadata"].get("Resolve_OTIO", {}).get("Link Group ID", 0))
        reference = node["media_references"][node["active_media_reference_key"]]
        if reference["OTIO_SCHEMA"] == "GeneratorReference.1":
            item.kind = "generator"
            return item
        media = self.media(node["name"], reference)
        self.retime(item, node["effects"])
        self.show(item, media, node["source_range"], reference["available_range"])
        return item

    def link(self, item: Item, group: int) -> None:
        """Put an item into its link group."""
        if group:
            if group not in self.links:
                self.links[group] = self.double.link([])
            item.link = self.links[group]

    def retime(self, item: Item, effects: List[Node]) -> None:
        """Speed or ramp."""
        for effect in effects:
            if effect["OTIO_SCHEMA"] in SPEEDS:
                item.speed = Fraction(effect["time_scalar"]).limit_denominator(100000)
            if effect["OTIO_SCHEMA"] == "TimeEffect.1":
                item.ramp = effect["metadata"].get("Resolve_OTIO", {}).get("Key Frames", [])

    def show(self, item: Item, media: Media, source: Node, available: Node) -> None:
        """The media frames of a clip; both ranges count from timecode zero. Raises NoImport where they do not meet."""
        first = seconds(source["start_time"])
        start = Fraction(media.first_frame) / media.rate
        if media.type != "Still":
            declared = seconds(available["start_time"])
            for low, high in ((declared, declared + seconds(available["duration"])), (start, None)):
                if first < low - TOLERANCE or (high is not None and first > high + TOLERANCE):
                    raise NoImport("{}: source range outside the media's timecode".format(media.name))
            item.source_in = max(Fraction(0), ((first - start) * media.rate).limit_denominator(100000))
        item.media = media.id
        item.source_frames = item.duration / self.rate * media.rate * abs(item.speed)

    def media(self, name: str, reference: Node) -> Media:
        """The clip of the pool that a reference becomes. Raises NoImport."""
        if reference["OTIO_SCHEMA"] == "MissingReference.1":
            path = reference["metadata"].get("Resolve_OTIO", {}).get("Media Url")
            if not path:
                raise NoImport("{}: missing reference".format(name))
            return self.offline(path, reference)
        if not reference.get("available_range"):
            raise NoImport("{}: no available_range".format(name))
        key = json.dumps(reference, sort_keys=True)
        if key not in self.imported:
            self.imported[key] = self.found(name, reference)
        return self.imported[key]

    def found(self, name: str, reference: Node) -> Media:
        """By version: imported anew, found in the pool, or offline. Raises NoImport."""
        sequence = reference["OTIO_SCHEMA"] == "ImageSequenceReference.1"
        if sequence and (self.double.faults.sequence_import_fails or not self.double.profile.has(SEQUENCES_FROM)):
            raise NoImport("{}: image sequences do not import".format(name))
        path = sequence_path(reference) if sequence else reference["target_url"]
        if re.match(r"[a-z]{2,}://", path):
            raise NoImport("{}: a URL instead of a path".format(name))
        known = [media for media in self.double.project.media if media.path == path or media.pattern == path]
        modern = self.double.profile.has(POOL_FIRST)
        if not self.source_clips:
            return known[0] if known and modern else self.offline(path, reference)
        if known and modern:
            raise NoImport("{}: its media is in the pool already".format(name))
        media = self.imported_sequence(path, reference) if sequence else self.double.import_file(path)
        if media is None:
            raise NoImport("{}: no such file as {}".format(name, path))
        return media

    def imported_sequence(self, pattern: str, reference: Node) -> Optional[Media]:
        """A sequence, from its first number on as long as it says it is."""
        first = reference["start_frame"]
        frames = round(reference["available_range"]["duration"]["value"])
        media = self.double.import_sequence(pattern, first, first + frames - 1)
        if media is not None:
            media.rate = exact(reference["rate"])
        return media

    def offline(self, path: str, reference: Node) -> Media:
        """A clip of the pool without its file."""
        available = reference.get("available_range")
        if not available:
            raise NoImport("offline media without an available_range")
        rate = exact(available["duration"]["rate"])
        frames = round(available["duration"]["value"])
        first = round(available["start_time"]["value"])
        media = Media(self.double.new_id(), path, frames, rate, self.double.project.current_folder)
        media.online = False
        return self.double.add_imported(media, {"start_timecode": timecode_of(first, rate) if first else ""})

    def frames(self, time: Node) -> int:
        """Whole timeline frames."""
        return round(seconds(time) * self.rate)


def seconds(time: Node) -> Fraction:
    """Exact where the rate is one that people write."""
    return Fraction(time["value"]) / exact(time["rate"])


def sequence_path(reference: Node) -> str:
    """The printf pattern of a sequence."""
    base: str = reference["target_url_base"]
    slash = "\\" if "\\" in base and "/" not in base else "/"
    number = "%0{}d".format(reference["frame_zero_padding"])
    return "".join([base.rstrip("\\/"), slash, reference["name_prefix"], number, reference["name_suffix"]])
