"""Strips as OpenTimelineIO, so that the server finds every frame exactly where Blender shows it.

A clip's media is played at the rate at which the strip plays it: a conformed strip's own, the scene's for a strip that
lies frame for frame. So the speed is always 1 or -1, every media frame is a frame of the shot, and a 16 fps scan that
lies on 24 is 24 frames a second for the server too. OTIO's floats are there for other readers; what counts are the
exact fractions in ``metadata.resilver``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from resilver_client.catalogue import OWN_KEYS

from ..strips.shown import Shown

if TYPE_CHECKING:
    import opentimelineio as otio

    from resilver_publish.types import HostTimeline

    from ..settings.asking import Channel

Pictures = Mapping[str, Mapping[str, str]]
"""For one clip: kind ("mattes", "keep_mattes", "defect_maps") -> stage -> path or printf pattern."""


@dataclass
class _Track:
    """Clips that do not overlap, with the gaps between them."""

    channel: int
    number: int
    """Which of the tracks of this channel; several are needed where metas lie over each other."""
    stop: int
    """First timeline frame after its last clip."""
    children: list[Any] = field(default_factory=list)


def gathered(baked: Sequence[tuple[str, Channel, str]]) -> dict[str, Pictures]:
    """Pictures by the uid of their clip, from (uid, channel, path or printf pattern)."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for uid, channel, path in baked:
        found.setdefault(uid, {}).setdefault(OWN_KEYS[channel.input], {})[channel.stage] = path
    return dict(found)


def build(scene: Any, shown: Sequence[Shown], pictures: Mapping[str, Pictures]) -> HostTimeline:
    """The strips of a scene, with pictures for their stages by uid. Runs on Blender's main thread."""
    from ..strips import facts

    rate = facts.scene_rate(scene)
    begins = origin(scene.frame_start, rate, min(each.start for each in shown))
    return to_timeline(scene.name, rate, begins, shown, pictures)


def to_timeline(
    title: str,
    rate: Fraction,
    scene_start: int,
    shown: Sequence[Shown],
    pictures: Mapping[str, Pictures] | None = None,
) -> HostTimeline:
    """OTIO of strips of a scene that counts ``rate`` frames a second from ``scene_start``.

    ``pictures`` are those of clips by uid. Strips on one channel that lie over each other (in different metas) come to
    tracks of their own. Raises ValueError for a strip that begins before ``scene_start``.
    """
    import opentimelineio as otio

    from resilver_publish.types import HostTimeline

    tracks: list[_Track] = []
    homes: dict[str, tuple[_Track, int]] = {}
    for each in sorted(shown, key=lambda clip: (clip.channel, clip.start, clip.stop)):
        if each.start < scene_start:
            raise ValueError(f"{each.name} begins before frame {scene_start}")
        track = _room(tracks, each, scene_start)
        if each.start > track.stop:
            track.children.append(otio.schema.Gap(source_range=_range(Fraction(0), each.start - track.stop, rate)))
        homes[each.uid] = track, len(track.children)
        track.children.append(_clip(each, rate, (pictures or {}).get(each.uid, {})))
        track.stop = each.stop
    tracks.sort(key=lambda track: (track.channel, track.number))
    timeline = otio.schema.Timeline(title, global_start_time=otio.opentime.RationalTime(scene_start, float(rate)))
    timeline.tracks.extend(
        otio.schema.Track(_name(track), track.children, kind=otio.schema.TrackKind.Video) for track in tracks
    )
    places = {uid: f"{tracks.index(track)}/{child}" for uid, (track, child) in homes.items()}
    return HostTimeline(timeline.to_json_string(), places)


def played_rate(shown: Shown, rate: Fraction) -> Fraction:
    """Media frames a second at which a strip plays its media in a scene of ``rate``; a still's is the scene's."""
    return rate * shown.speed


def duration(shown: Shown, rate: Fraction) -> Fraction:
    """Record seconds of a strip."""
    return (shown.stop - shown.start) / rate


def origin(scene_start: int, rate: Fraction, earliest: int) -> int:
    """A frame to count a scene from, not after ``earliest``: its first one, or where strips begin before that, one
    that lies before it by a time that is whole frames at every usual rate, so that a new rate's grid stays as it is."""
    seconds = 1001 * (1001 * rate).denominator
    frames = int(seconds * rate)
    return scene_start - frames * max(0, -((earliest - scene_start) // frames))


def _room(tracks: list[_Track], shown: Shown, scene_start: int) -> _Track:
    """The first track of the strip's channel that is free where it begins."""
    own = [track for track in tracks if track.channel == shown.channel]
    for track in own:
        if track.stop <= shown.start:
            return track
    tracks.append(_Track(shown.channel, len(own) + 1, scene_start))
    return tracks[-1]


def _name(track: _Track) -> str:
    return f"Channel {track.channel}" if track.number == 1 else f"Channel {track.channel} ({track.number})"


def _clip(shown: Shown, rate: Fraction, pictures: Pictures) -> otio.schema.Clip:
    import opentimelineio as otio

    frames = shown.stop - shown.start
    played = played_rate(shown, rate)
    low = shown.first - (frames - 1) * shown.speed if shown.reverse else shown.first
    return otio.schema.Clip(
        shown.name,
        _reference(shown, played),
        _range(low / played, frames, rate),
        effects=[otio.schema.LinearTimeWarp(time_scalar=-1.0)] if shown.reverse else [],
        metadata={"resilver": _exact(shown, rate, pictures), "resilver_blender": _lying(shown, rate)},
    )


def _exact(shown: Shown, rate: Fraction, pictures: Pictures) -> dict[str, Any]:
    """What the server goes by."""
    played = played_rate(shown, rate)
    said: dict[str, Any] = {"rate": _text(played), "duration": _text(duration(shown, rate))}
    if shown.kind != "still":
        said["start"] = _text(shown.first / played)
    if shown.first_number is not None:
        said["first_number"] = shown.first_number
    return said | {kind: dict(paths) for kind, paths in pictures.items()}


def _lying(shown: Shown, rate: Fraction) -> dict[str, Any]:
    """How the strip lies in Blender: for people, and for whoever reads the timeline later."""
    return {
        "uid": shown.uid,
        "name": shown.name,
        "channel": shown.channel,
        "left": shown.start,
        "right": shown.stop,
        "rate": _text(rate),
        "metas": list(shown.metas),
    }


def _reference(shown: Shown, played: Fraction) -> otio.core.MediaReference:
    import opentimelineio as otio

    if shown.kind != "sequence":
        return otio.schema.ExternalReference(shown.media)
    folder, prefix, padding, suffix = split_pattern(shown.media)
    return otio.schema.ImageSequenceReference(
        target_url_base=folder,
        name_prefix=prefix,
        name_suffix=suffix,
        start_frame=shown.first_number or 0,
        frame_zero_padding=padding,
        rate=float(played),
    )


def split_pattern(pattern: str) -> tuple[str, str, int, str]:
    """Folder (with its last separator), prefix, padding and suffix of a printf pattern as ``facts`` writes it."""
    name = max(pattern.rfind("/"), pattern.rfind("\\")) + 1
    folder, rest = pattern[:name].replace("%%", "%"), pattern[name:]
    at = rest.replace("%%", "\0\0").index("%")
    end = rest.index("d", at)
    return folder, rest[:at].replace("%%", "%"), int(rest[at + 1 : end] or 0), rest[end + 1 :].replace("%%", "%")


def _range(start: Fraction, frames: int, rate: Fraction) -> otio.opentime.TimeRange:
    """``start`` in seconds; both are written at the timeline's rate."""
    import opentimelineio as otio

    written = float(rate)
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(float(start * rate), written), otio.opentime.RationalTime(frames, written)
    )


def _text(value: Fraction) -> str:
    """Always with its denominator, so that nobody takes it for a rounded number."""
    return f"{value.numerator}/{value.denominator}"
