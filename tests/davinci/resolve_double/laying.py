"""What the person at the screen lays onto the open timeline."""

from fractions import Fraction
from typing import Any, List, Optional, Union

from .model import Item, Media, Project, Timeline, Track, media_span

Exact = Union[int, Fraction]


class Laying(object):
    """Part of the double: items are laid where they are said to lie, or ValueError says why they cannot."""

    open: Optional[Project]

    @property
    def project(self) -> Project:
        """The open project. Raises ValueError."""
        if self.open is None:
            raise ValueError("no project is open")
        return self.open

    def new_id(self) -> str:
        """An id that nothing has yet."""
        raise NotImplementedError

    def keep(self) -> None:
        """What a person does is saved at once (Resolve's Live Save)."""
        raise NotImplementedError

    def pool_clip(self, name: str, kind: str, frames: int) -> Media:
        """A clip of the media pool that is no file."""
        raise NotImplementedError

    @property
    def timeline(self) -> Timeline:
        """The open timeline. Raises ValueError."""
        timeline = self.project.timeline()
        if timeline is None:
            raise ValueError("no timeline is open")
        return timeline

    def lay(
        self,
        media: Media,
        track: int = 1,
        start: int = 0,
        duration: int = 24,
        source_in: Exact = 0,
        speed: Exact = 1,
        name: Optional[str] = None,
        audio: bool = False,
    ) -> Item:
        """A clip. `start` is relative to the timeline's first frame, `source_in` the lowest media frame it shows.

        A negative speed is reversed, 0 a freeze frame. `audio` lays its sound, linked, on that number's audio track.
        """
        item = Item(self.new_id(), "video", name or media.name, start, duration)
        self.show(item, media, Fraction(source_in), Fraction(speed))
        self.put(item, "video", track)
        if audio:
            self.link([item, self.lay_audio(media, track, start, duration, source_in, speed)])
        self.keep()
        return item

    def lay_audio(
        self, media: Media, track: int = 1, start: int = 0, duration: int = 24, source_in: Exact = 0, speed: Exact = 1
    ) -> Item:
        """Sound alone."""
        item = Item(self.new_id(), "audio", media.name, start, duration)
        self.show(item, media, Fraction(source_in), Fraction(speed))
        return self.put(item, "audio", track)

    def lay_ramp(
        self, media: Media, keys: List[Any], track: int = 1, start: int = 0, duration: int = 24, audio: bool = False
    ) -> Item:
        """A speed ramp; keys are (record seconds, source seconds). Its linked sound plays at 100 %."""
        item = Item(self.new_id(), "video", media.name, start, duration)
        item.media = media.id
        item.source_frames = Fraction(keys[-1][1]) * media.rate
        item.ramp = [[float(record), float(source), False, 0.0, 0.0, 0.0, 0.0] for record, source in keys]
        self.put(item, "video", track)
        if audio:
            span = int(Fraction(keys[-1][1]) * self.timeline.rate)
            self.link([item, self.lay_audio(media, track, start, min(duration, span))])
        self.keep()
        return item

    def lay_title(self, name: str = "Text+", track: int = 1, start: int = 0, duration: int = 24) -> Item:
        """A title."""
        return self.put(Item(self.new_id(), "title", name, start, duration), "video", track)

    def lay_generator(self, name: str = "Solid Color", track: int = 1, start: int = 0, duration: int = 24) -> Item:
        """A generator."""
        return self.put(Item(self.new_id(), "generator", name, start, duration), "video", track)

    def lay_adjustment(self, name: str = "Adjustment Clip", track: int = 1, start: int = 0, duration: int = 24) -> Item:
        """An adjustment clip."""
        return self.put(Item(self.new_id(), "adjustment", name, start, duration), "video", track)

    def lay_compound(self, name: str = "Compound Clip 1", track: int = 1, start: int = 0, duration: int = 24) -> Item:
        """A compound clip."""
        return self.lay_nested("compound", name, track, start, duration)

    def lay_multicam(self, name: str = "Multicam 1", track: int = 1, start: int = 0, duration: int = 24) -> Item:
        """A multicam clip."""
        return self.lay_nested("multicam", name, track, start, duration)

    def lay_nested(self, kind: str, name: str, track: int, start: int, duration: int) -> Item:
        """A clip that holds others."""
        item = Item(self.new_id(), kind, name, start, duration)
        item.media = self.pool_clip(name, kind.capitalize(), duration).id
        return self.put(item, "video", track)

    def lay_transition(self, first: Item, second: Item, in_offset: int = 12, out_offset: int = 12) -> Item:
        """A cross dissolve over the cut of two items of one track; they keep their ranges."""
        found = self.timeline.find(first.id)
        if found is None or first.end != second.start:
            raise ValueError("a transition lies over a cut")
        span = in_offset + out_offset
        name = "Cross Dissolve" if found[0] == "video" else "Cross Fade 0 dB"
        item = Item(self.new_id(), "transition", name, first.end - in_offset, span)
        item.in_offset, item.out_offset = in_offset, out_offset
        return self.put(item, found[0], found[1])

    def show(self, item: Item, media: Media, source_in: Fraction, speed: Fraction) -> None:
        """Let an item show media. Raises ValueError beyond its frames."""
        item.media, item.source_in, item.speed = media.id, source_in, speed
        item.source_frames = media_span(self.timeline, media, item.duration, speed)
        if media.type != "Still" and not 0 <= source_in <= source_in + item.source_frames <= media.frames:
            raise ValueError("{} has {} frames only".format(media.name, media.frames))

    def put(self, item: Item, kind: str, index: int) -> Item:
        """Lay an item; missing tracks are made. Raises ValueError where something lies already."""
        tracks = self.timeline.tracks[kind]
        while len(tracks) < index:
            audio_type = "stereo" if kind == "audio" else ""
            tracks.append(Track("{} {}".format(kind.capitalize(), len(tracks) + 1), audio_type))
        if item.kind != "transition" and tracks[index - 1].occupied(item.start, item.end):
            raise ValueError("something lies there already: {} {}".format(kind, index))
        tracks[index - 1].put(item)
        self.keep()
        return item

    def link(self, items: List[Item]) -> int:
        """Link items; the number of their group."""
        number = self.project.next_link
        self.project.next_link += 1
        for item in items:
            item.link = number
        return number
