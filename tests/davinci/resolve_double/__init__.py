"""A double of DaVinci Resolve's scripting API, by version and edition: its traps included (see README.md)."""

from .double import Double, Lying
from .faults import Faults
from .handles import Handle, Unmodelled
from .model import Item, Media, Project, Timeline
from .profiles import PROFILES, Profile, profile

__all__ = [
    "PROFILES",
    "Double",
    "Faults",
    "Handle",
    "Item",
    "Lying",
    "Media",
    "Profile",
    "Project",
    "Timeline",
    "Unmodelled",
    "profile",
]
