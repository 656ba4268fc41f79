"""Blender's channels as they are now: what lies where, an empty one, and strips brought to one."""

from __future__ import annotations

from typing import Any

from resilver_client.errors import InternalError, TargetOccupied

from .. import versions
from .channels import CHANNELS, Channels, Lying


def channels_in(owner: Any) -> Channels:
    """What lies where in the timeline or in a meta."""
    lying = [
        Lying(strip.name, strip.channel, versions.left(strip), versions.right(strip), _seen(strip))
        for strip in versions.strips(owner)
    ]
    closed = [number for number, channel in enumerate(owner.channels) if channel.mute or channel.lock]
    return Channels(lying, closed)


def _seen(strip: Any) -> bool:
    return strip.type != "SOUND" and not strip.mute


def parking(owner: Any, start: int, stop: int, name: str) -> int:
    """A channel on which nothing lies there now, from the top: Blender moves a strip away when it is trimmed while it
    lies over another. Raises TargetOccupied."""
    channels = channels_in(owner)
    for channel in range(CHANNELS - 1, 0, -1):  # from 4.5 on the operator takes no strip on the last one
        if channels.is_free(channel, start, stop):
            return channel
    raise TargetOccupied(f"no channel is free up to {CHANNELS}", where=name, remedy="clear a channel above it")


def settle(strip: Any, channel: int) -> None:
    """Bring a strip to its channel; Blender would move it to another one if something lay there."""
    strip.channel = channel
    if strip.channel != channel:
        raise InternalError(f"Blender put it on channel {strip.channel}, not {channel}", where=strip.name)
