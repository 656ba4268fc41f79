"""Metadata that other programs write: expected in one shape, never relied on to have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import opentimelineio as otio


def section(owner: otio.core.SerializableObjectWithMetadata, name: str) -> Mapping[str, Any]:
    """The named part of an object's metadata; empty where it is missing or no mapping."""
    return as_mapping(owner.metadata.get(name))


def as_mapping(value: object) -> Mapping[str, Any]:
    return value if hasattr(value, "keys") and hasattr(value, "get") else {}  # type: ignore[return-value]


def as_list(value: object) -> Sequence[Any]:
    """A list as it is, everything else as an empty one (OTIO's own lists are no ``list``)."""
    return value if hasattr(value, "__iter__") and not isinstance(value, str) and not hasattr(value, "keys") else ()  # type: ignore[return-value]
