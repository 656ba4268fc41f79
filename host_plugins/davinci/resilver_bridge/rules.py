"""Which clips are meant. Every way to say it is a rule; the first that matches anything is proposed, all are shown."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from .edit import Edit, Item
from .host import Rule

_SELECTED, _MARKS = (21, 0, 4), (19, 1, 0)
"""First versions of Resolve that say them."""


def rules(
    edit: Edit, items: Sequence[Item], version: tuple[int, int, int], restored: Collection[str] = ()
) -> tuple[Rule, ...]:
    """In the order in which they are tried.

    Args:
        items: the clips of the timeline, in its order, without transitions.
        restored: ids of clips that were placed by an earlier restoration. They, and clips that are switched off, are
            meant only where they are selected.
    """
    plain = [item for item in items if item.enabled and item.id not in restored]
    return (
        _selected(edit, items, version),
        _marks(edit, plain, version),
        *_colours(items, restored),
        _current(edit, items),
        _all(plain),
    )


def _selected(edit: Edit, items: Sequence[Item], version: tuple[int, int, int]) -> Rule:
    if edit.selected is None:
        return Rule("selected", "selected clips", (), _cannot(version, "which clips are selected", _SELECTED))
    chosen = [item for item in items if item.id in edit.selected]
    return _rule("selected", f"{_count(chosen)} selected", "selected clips", chosen, "no video clip is selected")


def _marks(edit: Edit, items: Iterable[Item], version: tuple[int, int, int]) -> Rule:
    """Clips that show a frame between the marks.

    Whether Resolve says the frame of the out mark or the one after it is not known. It is taken as the first frame that
    is not meant: should it be the last that is, then all that is lost is a clip that only begins there, while the other
    way round a clip would be restored that nobody marked.
    """
    if edit.mark_in is None and edit.mark_out is None:
        why = "no in or out mark is set" if version >= _MARKS else _cannot(version, "where the marks are", _MARKS)
        return Rule("marks", "clips between the marks", (), why)
    low = edit.timeline.start + (edit.mark_in or 0)
    high = edit.timeline.stop if edit.mark_out is None else edit.timeline.start + edit.mark_out
    high = max(high, low + 1)
    chosen = [item for item in items if item.start < high and low < item.stop]
    span = f"frames {low - edit.timeline.start} up to {high - edit.timeline.start} of the timeline"
    label = f"{_count(chosen)} between the marks ({span}, without the last)"
    return _rule("marks", label, "clips between the marks", chosen, "no clip lies between the marks")


def _colours(items: Sequence[Item], restored: Collection[str]) -> Iterator[Rule]:
    found: dict[str, list[Item]] = {}
    for item in items:
        if item.colour and item.id not in restored:
            found.setdefault(item.colour, []).append(item)
    for colour, chosen in found.items():
        yield _rule("colour", f"{_count(chosen)} coloured {colour}", "", chosen, "")
    if not found:
        yield Rule("colour", "clips of a colour", (), "no clip has a clip colour")


def _current(edit: Edit, items: Iterable[Item]) -> Rule:
    chosen = [item for item in items if item.id == edit.current]
    label = f"the clip under the playhead ({chosen[0].name})" if chosen else ""
    return _rule("current", label, "the clip under the playhead", chosen, "no clip lies under the playhead")


def _all(items: Sequence[Item]) -> Rule:
    label = f"every clip of the timeline ({len(items)})"
    return _rule("all", label, "every clip of the timeline", items, "the timeline has no video clip")


def _rule(name: str, label: str, plain: str, chosen: Sequence[Item], why_not: str) -> Rule:
    if not chosen:
        return Rule(name, plain, (), why_not)
    return Rule(name, label, tuple(item.id for item in chosen))


def _count(items: Sequence[Item]) -> str:
    return "1 clip" if len(items) == 1 else f"{len(items)} clips"


def _cannot(version: tuple[int, int, int], what: str, since: tuple[int, int, int]) -> str:
    numbers = since if since[2] else since[:2]
    return f"Resolve {version[0]}.{version[1]} does not tell {what} ({'.'.join(map(str, numbers))} and later do)"
