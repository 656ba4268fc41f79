"""The clips that were restored, found again in the edit as it is now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from resilver_client.errors import ClipUnsupported
from resilver_publish.types import RestoredClip

from .edit import Edit, Item
from .keeping import Original


@dataclass(frozen=True)
class Pair:
    """A restored clip with its original, as it was and as it is."""

    restored: RestoredClip
    then: Original
    now: Item


def pairs(
    edit: Edit,
    restored: Sequence[RestoredClip],
    originals: Mapping[str, Original],
    done: Callable[[Item, RestoredClip], bool] = lambda item, restored: False,
) -> list[Pair]:
    """In the same order. An original that was moved is followed; one that was trimmed, retimed or given other media
    shows other frames than were restored, unless it is ``done``: shows the restored ones.

    Raises ClipUnsupported, naming the clip, for one that is gone or shows other frames now.
    """
    return [_pair(edit, each, originals, done) for each in restored]


def _pair(
    edit: Edit,
    restored: RestoredClip,
    originals: Mapping[str, Original],
    done: Callable[[Item, RestoredClip], bool],
) -> Pair:
    now, then = edit.find(restored.clip), originals.get(restored.clip)
    if now is None or then is None:
        raise ClipUnsupported(
            f"its original is gone from the timeline {edit.timeline.name!r}",
            where=restored.name,
            remedy=f"undo its removal and take the job up again; the restored clip is {restored.path}",
        )
    for change in _changes(then, now) if not done(now, restored) else ():
        raise ClipUnsupported(
            f"{change}, so it shows other frames than were restored",
            where=restored.name,
            remedy=f"undo that, or restore it again; the restored clip is {restored.path}",
        )
    return Pair(restored, then, now)


def _changes(then: Original, now: Item) -> Iterator[str]:
    if then.duration != now.duration:
        yield f"it lasts {now.duration} frames now and lasted {then.duration}"
    if then.media and now.media and then.media != now.media.path:
        yield f"it shows {now.media.path} now"
    for before, after in ((then.source_start, now.source_start), (then.left_offset, now.left_offset)):
        if before is not None and after is not None and before != after:
            yield f"it begins with frame {after:g} of its film now and began with {before:g}"
    if then.source_seconds is not None and now.source_seconds is not None:
        frame = float(1 / then.media_rate) if then.media_rate else 0.04
        if abs(then.source_seconds - now.source_seconds) > frame / 2:
            yield f"it shows {now.source_seconds:.3f} s of its film now and showed {then.source_seconds:.3f} s"


def transitions(found: Sequence[Pair]) -> list[str]:
    """What is said of transitions: they stay on the originals, and no script can lay them."""
    said: dict[tuple[int, int], str] = {}
    for pair in found:
        then, name = pair.then, pair.restored.name
        for words, frame, end in (
            (then.before, then.start, "start"),
            (then.after, then.start + then.duration, "end"),
        ):
            if words:
                said.setdefault((then.track, frame), f"{name}: {_again(words, end)}")
    return list(said.values())


def _again(words: str, end: str) -> str:
    return (
        f"the transition {words} at its {end} has to be laid again on the restored clip, whose file reaches beyond the "
        "cut as far as the film does"
    )
