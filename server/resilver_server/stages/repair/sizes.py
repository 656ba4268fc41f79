"""At which sizes repair works. Standard library only: the spec's memory model reads this."""

from __future__ import annotations

_WIDEST_FLOW = 640
"""Pixels of the longer edge that flow is sought on, at most: beyond, grain and cost grow and motion gets no truer."""
_HALVED_FROM = 440
"""Longer edge from which frames are reduced at least by two for flow: grain averages out."""
_WIDEST_DETECTION = 1280
"""Pixels of the longer edge that dirt is sought on, at most: one measure of dirt for every size of scan."""


def flow(height: int, width: int) -> int:
    """By which whole number frames are reduced before flow is sought: a multiple of ``detection``."""
    found = detection(height, width)
    longer = -(-max(height, width) // found)
    return found * max(1 if longer < _HALVED_FROM else 2, -(-longer // _WIDEST_FLOW))


def detection(height: int, width: int) -> int:
    """By which whole number frames are reduced before dirt is sought."""
    return -(-max(height, width) // _WIDEST_DETECTION)
