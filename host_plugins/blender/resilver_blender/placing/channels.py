"""Which channel a restored strip goes on, and what has to move for it. Plain arithmetic over what lies where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from resilver_client.errors import TargetOccupied
from resilver_publish.types import Occupied

CHANNELS = 128
"""Blender's last channel."""


@dataclass(frozen=True)
class Lying:
    """A strip on its channel."""

    key: str
    channel: int
    start: int
    stop: int
    """Timeline frames, half-open."""
    seen: bool
    """A picture that is not muted: it covers or changes what lies below."""

    def meets(self, start: int, stop: int) -> bool:
        """Whether it lies anywhere in ``start <= frame < stop``."""
        return self.start < stop and start < self.stop


class Channels:
    """What lies in one sequence of channels (the timeline's, or a meta's), while room is sought for strips."""

    def __init__(self, lying: Iterable[Lying], closed: Iterable[int] = ()) -> None:
        """``closed`` are channels that are muted or locked: nothing is put there."""
        self._lying = {strip.key: strip for strip in lying}
        self._closed = frozenset(closed)
        self.moved: dict[str, int] = {}
        """Strips that have to move, and to which channel."""

    def between(self, channel: int, start: int, stop: int) -> list[Lying]:
        """What lies between ``channel`` and the next free one above it and would hide a strip put on ``channel + 1``,
        or be hidden by the strip on the free one; bottom-up."""
        free = self._next_free(channel + 1, start, stop) or CHANNELS + 1
        found = [strip for strip in self._meeting(start, stop) if channel < strip.channel < free and self._seen(strip)]
        return sorted(found, key=lambda strip: (strip.channel, strip.start))

    def put(self, key: str, above: int, start: int, stop: int, occupied: Occupied) -> int:
        """Find a channel above ``above`` for a new strip and let it lie there.

        Raises TargetOccupied (without ``where``, which the caller knows) and then nothing has changed.
        """
        blocking = self.between(above, start, stop)
        if blocking and occupied is Occupied.REFUSE:
            raise TargetOccupied(in_words(blocking), remedy="move it, make room, or use the next free channel")
        if blocking and occupied is Occupied.MAKE_ROOM:
            channel = blocking[0].channel
            self._push(channel, start, stop)
        else:
            channel = self._next_free(above + 1, start, stop) or 0
        if not channel:
            raise TargetOccupied(f"no channel is free up to {CHANNELS}", remedy="clear a channel above it")
        self.put_on(key, channel, start, stop)
        return channel

    def put_on(self, key: str, channel: int, start: int, stop: int) -> None:
        """Let a new strip lie on a channel."""
        self._lying[key] = Lying(key, channel, start, stop, seen=True)

    def take(self, key: str) -> None:
        """Forget a strip that is going to be removed."""
        self._lying.pop(key, None)

    def is_free(self, channel: int, start: int, stop: int) -> bool:
        """Whether nothing lies there, and something may."""
        taken = any(strip.channel == channel for strip in self._meeting(start, stop))
        return 1 <= channel <= CHANNELS and channel not in self._closed and not taken

    def where(self, key: str) -> int:
        """The channel of a strip by now."""
        return self._lying[key].channel

    def _next_free(self, channel: int, start: int, stop: int) -> int | None:
        return next((free for free in range(channel, CHANNELS + 1) if self.is_free(free, start, stop)), None)

    def _meeting(self, start: int, stop: int) -> Iterator[Lying]:
        return (strip for strip in self._lying.values() if strip.meets(start, stop))

    def _seen(self, strip: Lying) -> bool:
        return strip.seen and strip.channel not in self._closed

    def _push(self, channel: int, start: int, stop: int) -> None:
        """Clear the range of the channel: what lies there goes up by one, and so does what lies in its way."""
        wave, moves = {strip.key for strip in self._meeting(start, stop) if strip.channel == channel}, dict(self.moved)
        lying = dict(self._lying)
        while wave:
            strip = lying[wave.pop()]
            goal = next((open_ for open_ in range(strip.channel + 1, CHANNELS + 1) if open_ not in self._closed), 0)
            if not goal:
                raise TargetOccupied(
                    f"'{strip.key}' would have to move above channel {CHANNELS}", remedy="clear a channel below it"
                )
            lying[strip.key] = replace(strip, channel=goal)
            moves[strip.key] = goal
            wave |= {
                other.key
                for other in lying.values()
                if other.key != strip.key and other.channel == goal and other.meets(strip.start, strip.stop)
            }
        self._lying, self.moved = lying, moves


def in_words(blocking: Iterable[Lying]) -> str:
    """For people: "'Title' on channel 2 lies above it"; empty where nothing is in the way."""
    names = [f"'{strip.key}' on channel {strip.channel}" for strip in blocking]
    if not names:
        return ""
    shown = names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"]
    text = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{text} {'lies' if len(names) == 1 else 'lie'} above it"
