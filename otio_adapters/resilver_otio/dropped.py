"""What OpenTimelineIO's adapters leave out of a timeline, found in the file itself and put back or told.

An adapter that drops a retime would make us restore the wrong frames without a word. Seen with
otio-cmx3600-adapter 1.0 (reversed events, whose two durations are equal; the media of the clip that a dissolve goes
to) and otio-fcpx-xml-adapter 1.0 (``timeMap``; transitions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import opentimelineio as otio

from resilver_client.errors import TimelineUnreadable

from .foreign import as_list, section
from .times import snap_rate

_MOTION = re.compile(
    r"^M2\s+(?P<reel>\S+)\s+(?P<speed>-?\d+(?:\.\d+)?)(?:\s+(?P<start>\d\d[:;]\d\d[:;]\d\d[:;]\d\d))?", re.M
)
_TO_CLIP = re.compile(r"^\*?\s*TO CLIP:\s*(?P<path>.+?)\s*$")


def mend(timeline: otio.schema.Timeline, file: Path) -> tuple[str, ...]:
    """Repair the timeline that an adapter read from ``file``; what cannot be repaired comes back as sentences."""
    suffix = file.suffix.lower()
    if suffix == ".edl":
        _mend_edl(timeline, file.read_text("utf-8", errors="replace"))
    if suffix == ".fcpxml":
        return _mend_fcpxml(timeline, file)
    return ()


def _mend_edl(timeline: otio.schema.Timeline, text: str) -> None:
    motions = list(_MOTION.finditer(text))
    for track in timeline.tracks:
        before: otio.core.Composable | None = None
        for child in track:
            if isinstance(child, otio.schema.Clip):
                _apply_motion(child, motions)
                if isinstance(before, otio.schema.Transition):
                    _relink_destination(child)
            before = child


def _apply_motion(clip: otio.schema.Clip, motions: list[re.Match[str]]) -> None:
    if clip.source_range is None or any(isinstance(each, otio.schema.TimeEffect) for each in clip.effects):
        return
    start, rate = clip.source_range.start_time, clip.source_range.start_time.rate
    reel = section(clip, "cmx_3600").get("reel")
    for motion in motions:
        begins = motion["start"] is None or otio.opentime.from_timecode(motion["start"], rate) == start
        speed = Fraction(motion["speed"]) / round(snap_rate(rate))
        if motion["reel"] == reel and begins and speed != 1:
            clip.effects.append(otio.schema.LinearTimeWarp("M2", float(speed)))
            return


def _relink_destination(clip: otio.schema.Clip) -> None:
    """Both events of a dissolve carry the comments of both clips, and the adapter takes the first one's media."""
    comments = as_list(section(clip, "cmx_3600").get("comments"))
    paths = [match["path"] for match in map(_TO_CLIP.match, map(str, comments)) if match]
    if paths:
        clip.media_reference = otio.schema.ExternalReference(paths[0])
    elif isinstance(clip.media_reference, otio.schema.ExternalReference):
        clip.media_reference = otio.schema.MissingReference(name=clip.media_reference.name)


def _mend_fcpxml(timeline: otio.schema.Timeline, file: Path) -> tuple[str, ...]:
    try:
        root = ElementTree.parse(file).getroot()
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # LookupError: of an encoding that is none
        raise TimelineUnreadable(f"not valid XML ({error})", where=str(file), remedy="export it again") from error
    retimed = set(_retimed(root))
    for clip in timeline.find_clips():
        if clip.name in retimed:
            clip.effects.append(otio.schema.TimeEffect("timeMap", "timeMap"))
    transitions = sum(1 for _ in root.iter("transition"))
    if not transitions:
        return ()
    return (f"the FCPXML reader drops {transitions} transitions: restored clips will lie over them",)


def _retimed(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        if element.find("timeMap") is not None:
            yield element.get("name", "")
