"""OTIO in Resolve's own shape (held against real exports in test_double_otio.py)."""

import json
import ntpath
import os
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from .handles import Unmodelled
from .model import Item, Marker, Media, Timeline, Track, left_offset
from .otio_effects import audio_effects, dissolve, video_effects
from .rates import short

if TYPE_CHECKING:
    from .double import Double

Node = Dict[str, Any]
MODERN = (21,)


def export(double: "Double", timeline: Timeline, path: str, kind: str) -> bool:
    """`Timeline.Export` of one type; whether Resolve would take it."""
    if kind != "EXPORT_OTIO":
        raise Unmodelled("the double does not model " + kind)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(written(double, timeline))
    return True


def written(double: "Double", timeline: Timeline) -> str:
    """The whole timeline."""
    return json.dumps(Writer(double, timeline).timeline_node(), indent=4)


class Writer(object):
    """Writes one timeline."""

    def __init__(self, double: "Double", timeline: Timeline) -> None:
        self.double = double
        self.timeline = timeline
        self.rate = timeline.rate

    def timeline_node(self) -> Node:
        """Timeline.1: no name, and a start at the timeline's rate."""
        tracks = [(kind, index, track) for kind in ("video", "audio") for index, track in self.numbered(kind)]
        children = [self.track(kind, index, track) for kind, index, track in tracks]
        stack = self.composition("Stack.1", {}, "", children)
        stack["markers"] = [self.marker(marker, Fraction(0)) for marker in self.timeline.markers]
        return {
            "OTIO_SCHEMA": "Timeline.1",
            "metadata": {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
            "name": "",
            "global_start_time": self.time(Fraction(self.timeline.start)),
            "tracks": stack,
        }

    def numbered(self, kind: str) -> List[Any]:
        """Tracks of a type with their numbers."""
        return list(enumerate(self.timeline.tracks[kind], 1))

    def composition(self, schema: str, metadata: Node, name: str, children: List[Node], enabled: bool = True) -> Node:
        """A stack or track."""
        return {
            "OTIO_SCHEMA": schema,
            "metadata": metadata,
            "name": name,
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": enabled,
            "children": children,
        }

    def track(self, kind: str, index: int, track: Track) -> Node:
        """Track.1; an empty one holds a gap as long as the timeline."""
        own: Node = {"Locked": track.locked}
        if kind == "audio":
            audio_type = track.audio_type[:1].upper() + track.audio_type[1:]
            own = {"Audio Type": audio_type, "Locked": track.locked, "SoloOn": False}
        default = "{} {}".format(kind.capitalize(), index)
        name = default if self.double.faults.default_track_names else track.name
        node = self.composition("Track.1", {"Resolve_OTIO": own}, name, self.children(track), track.enabled)
        node["kind"] = kind.capitalize()
        return node

    def children(self, track: Track) -> List[Node]:
        """Clips, the gaps between them, and transitions at their cuts; gaps reach to the timeline's end."""
        made: List[Node] = []
        end = 0
        transitions = {item.start + item.in_offset: item for item in track.items if item.kind == "transition"}
        for item in track.items:
            if item.kind == "transition":
                continue
            if item.start > end:
                made.append(self.gap(item.start - end))
            dissolving = transitions.get(item.start)
            if dissolving is not None:
                made.append(self.transition(dissolving))
            made.append(self.child(item))
            end = item.end
        rest = self.timeline.duration - end
        return made + ([self.gap(rest)] if rest > 0 else [])

    def gap(self, frames: int) -> Node:
        """Gap.1."""
        return {
            "OTIO_SCHEMA": "Gap.1",
            "metadata": {},
            "name": "",
            "source_range": self.range(Fraction(0), Fraction(frames)),
            "effects": [],
            "markers": [],
            "enabled": True,
        }

    def transition(self, item: Item) -> Node:
        """Transition.1, a dissolve whatever it is."""
        audio = item.name != "Cross Dissolve"
        return {
            "OTIO_SCHEMA": "Transition.1",
            "metadata": dissolve(item.duration, audio),
            "name": item.name,
            "in_offset": self.time(Fraction(item.in_offset)),
            "out_offset": self.time(Fraction(item.out_offset)),
            "transition_type": "SMPTE_Dissolve",
        }

    def child(self, item: Item) -> Node:
        """Clip.2, or the nested stack of a compound clip."""
        if item.kind in ("compound", "multicam") and self.double.faults.compound_as_stack:
            stack = self.composition("Stack.1", {}, item.name, [], item.enabled)
            stack["source_range"] = self.range(Fraction(0), Fraction(item.duration))
            return stack
        media = self.double.project.media_of(item.media)
        start = Fraction(0)
        if media is not None:
            start = Fraction(media.first_frame) * self.rate / media.rate
        return {
            "OTIO_SCHEMA": "Clip.2",
            "metadata": self.clip_metadata(item),
            "name": item.name if media is None else media.name,
            "source_range": self.range(start + self.source_start(item, media), Fraction(item.duration)),
            "effects": self.effects(item, media),
            "markers": [self.marker(marker, start) for marker in item.markers],
            "enabled": item.enabled,
            "media_references": {"DEFAULT_MEDIA": self.reference(item, media)},
            "active_media_reference_key": "DEFAULT_MEDIA",
        }

    def clip_metadata(self, item: Item) -> Node:
        """Link group and channels; none for titles."""
        if not item.media:
            return {}
        own: Node = {}
        if item.kind == "audio":
            own["Channels"] = [{"Source Channel ID": 0, "Source Track ID": 0}]
        if item.link:
            own["Link Group ID"] = item.link
        return {"Resolve_OTIO": own}

    def source_start(self, item: Item, media: Optional[Media]) -> Fraction:
        """First media frame in timeline frames, not divided by the speed."""
        if media is None or media.type == "Still":
            return Fraction(0)
        return item.source_in * self.rate / media.rate

    def effects(self, item: Item, media: Optional[Media]) -> List[Node]:
        """Retime first, then what every clip has."""
        modern = self.double.profile.has(MODERN)
        retime = self.retime(item)
        if item.kind == "audio":
            return retime + ([] if self.double.faults.bare_audio_effects else audio_effects(modern))
        offset = 0 if media is None else int(left_offset(self.timeline, media, item))
        stretch = 1.0 if media is None else float(self.rate / media.rate)
        return retime + video_effects(modern, offset, stretch, float(item.fade_out))

    def retime(self, item: Item) -> List[Node]:
        """LinearTimeWarp.1 of a constant speed, TimeEffect.1 of a ramp."""
        if item.ramp:
            ratio = item.ramp[-1][1] / item.ramp[-1][0]
            metadata = {"Resolve_OTIO": {"Key Frames": item.ramp, "Speed Ratio": ratio}}
            return [{"OTIO_SCHEMA": "TimeEffect.1", "metadata": metadata, "name": "", "effect_name": ""}]
        if item.speed == 1:
            return []
        freeze = item.speed == 0 and self.double.faults.freeze_as_schema
        schema = "FreezeFrame.1" if freeze else "LinearTimeWarp.1"
        warp: Node = {"OTIO_SCHEMA": schema, "metadata": {}, "name": "", "effect_name": ""}
        return [dict(warp, time_scalar=float(item.speed))]

    def reference(self, item: Item, media: Optional[Media]) -> Node:
        """The media of a clip; missing where it is offline, and with titles."""
        if item.kind == "generator":
            return self.plain("GeneratorReference.1", {}, None, generator_kind=item.name, parameters={})
        if media is None or not media.path:
            return self.plain("MissingReference.1", {}, None)
        if not media.online:
            return self.plain("MissingReference.1", {"Resolve_OTIO": {"Media Url": media.path}}, media)
        if media.is_sequence:
            return self.sequence(media)
        return self.plain("ExternalReference.1", {}, media, target_url=media.path)

    def sequence(self, media: Media) -> Node:
        """ImageSequenceReference.1."""
        module = ntpath if "\\" in media.path else os.path
        folder, name = module.split(media.path)
        return self.plain(
            "ImageSequenceReference.1",
            {},
            media,
            target_url_base=folder,
            name_prefix=name[: name.index("[")],
            name_suffix=name[name.index("]") + 1 :],
            start_frame=media.first_number,
            frame_step=1,
            rate=self.number(media.rate),
            frame_zero_padding=media.padding,
            missing_frame_policy="error",
        )

    def plain(self, schema: str, metadata: Node, media: Optional[Media], **own: Any) -> Node:
        """What every reference has, and what this one has of its own."""
        available = None if media is None else self.available(media)
        node: Node = {"OTIO_SCHEMA": schema, "metadata": metadata, "name": "" if media is None else media.name}
        node.update(available_range=available, available_image_bounds=None)
        node.update(own)
        return node

    def available(self, media: Media) -> Node:
        """At the media's rate, from its start timecode."""
        frames = 1 if media.type == "Still" else media.frames
        return self.range(Fraction(media.first_frame), Fraction(frames), media.rate)

    def marker(self, marker: Marker, base: Fraction) -> Node:
        """Marker.2: no custom data."""
        return {
            "OTIO_SCHEMA": "Marker.2",
            "metadata": {"Resolve_OTIO": {"Keywords": [], "Note": marker.note}},
            "name": marker.name,
            "color": marker.color.upper(),
            "marked_range": self.range(base + Fraction(marker.frame), Fraction(marker.duration)),
            "comment": "",
        }

    def range(self, start: Fraction, duration: Fraction, rate: Optional[Fraction] = None) -> Node:
        """TimeRange.1, duration first."""
        return {
            "OTIO_SCHEMA": "TimeRange.1",
            "duration": self.time(duration, rate),
            "start_time": self.time(start, rate),
        }

    def time(self, value: Fraction, rate: Optional[Fraction] = None) -> Node:
        """RationalTime.1, floats."""
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": self.number(rate or self.rate), "value": float(value)}

    def number(self, rate: Fraction) -> float:
        """A rate, exact or as people write it."""
        return float(short(rate)) if self.double.faults.short_rates else float(rate)
