"""Versions and editions of Resolve, and what differs between them without being a method of its own."""

from typing import NamedTuple, Tuple

Since = Tuple[int, ...]
"""A version from which on something is so: as many numbers as it takes, (21, 0, 4)."""

FREE_PYTHON_ENDS = (21, 1)
FREE_WINDOWS_END = (19, 1)


class Profile(NamedTuple):
    """One version and edition of Resolve."""

    version: Tuple[int, int, int, int, str]
    """As `resolve.GetVersion()` says it."""
    studio: bool

    @property
    def name(self) -> str:
        """For test ids: "21.0.4 Studio"."""
        return "{}.{}.{} {}".format(*self.version[:3], "Studio" if self.studio else "Free")

    @property
    def product(self) -> str:
        """As `resolve.GetProductName()` says it."""
        return "DaVinci Resolve Studio" if self.studio else "DaVinci Resolve"

    @property
    def version_text(self) -> str:
        """As `resolve.GetVersionString()` says it."""
        return "{}.{}.{}.{}{}".format(*self.version)

    @property
    def runs_python_menu(self) -> bool:
        """Whether the Scripts menu runs Python at all: from 21.1 on the free edition does not."""
        return self.studio or not self.has(FREE_PYTHON_ENDS)

    @property
    def runs_outside_python(self) -> bool:
        """Whether `scriptapp("Resolve")` of another process gets an object."""
        return self.studio

    @property
    def has_ui_manager(self) -> bool:
        """Whether `fusion.UIManager` is there."""
        return self.studio or not self.has(FREE_WINDOWS_END)

    @property
    def numbers_as_text(self) -> bool:
        """Whether rates and counts come back as text ("24") or as numbers (24.0): public notes show both."""
        return (self.has((20,)) and not self.has((21,))) or self.has((21, 1))

    def has(self, since: Since) -> bool:
        """Whether this version is that one or newer."""
        return self.version[: len(since)] >= tuple(since)


VERSIONS = ((18, 6, 6, 7, ""), (19, 1, 3, 7, ""), (20, 3, 1, 6, ""), (21, 0, 4, 5, ""), (21, 1, 0, 14, ""))

PROFILES = tuple(Profile(version, studio) for version in VERSIONS for studio in (False, True))


def profile(name: str) -> Profile:
    """The profile of that name ("21.0.4 Studio"). Raises KeyError."""
    return {known.name: known for known in PROFILES}[name]
