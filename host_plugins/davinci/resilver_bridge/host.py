"""What the page's desk asks of the editor. DaVinci Resolve is one; tests have a smaller one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from resilver_client.client import Client
from resilver_publish.session import HostSession
from resilver_publish.types import ChangeMap, HostClip, Layout, Progress, Remembered


@dataclass(frozen=True)
class Hello:
    """Who is at the other end (docs/bridge-protocol.md)."""

    verb: str
    """The menu entry: "restore", "new-timeline" or "jobs"."""
    product: str
    """"DaVinci Resolve Studio"."""
    version: tuple[int, int, int]
    studio: bool
    python: str
    platform: str


@dataclass(frozen=True)
class Media:
    """The media of a clip, as the editor says it."""

    name: str
    path: str
    """As on disk; of a sequence the printf pattern. Empty where it is offline."""
    first_frame: Fraction = Fraction(0)
    """Media frame, counted from 0, that the clip shows first: for its thumbnail."""
    is_sequence: bool = False
    first_number: int = 0
    rate: Fraction | None = None
    """Frames a second at which it is played; None where that is not known."""


@dataclass(frozen=True)
class Rule:
    """One way to say which clips are meant."""

    name: str
    """"selected", "marks", "colour", "current" or "all"."""
    label: str
    """For people: "3 selected clips", "clips coloured Chocolate"."""
    clips: tuple[str, ...]
    """Ids, in the order of the timeline."""
    why_not: str = ""
    """Why it matches nothing, for people."""


@dataclass(frozen=True)
class Read:
    """The edit as it was read last."""

    project: str
    project_id: str
    timeline: str
    timeline_id: str
    rate: Fraction
    drop_frame: bool
    start: int
    """First frame of the timeline, as the editor counts."""
    width: int
    height: int
    clips: tuple[HostClip, ...]
    """All clips of the video tracks, refused ones included, in the order of the timeline."""
    media: Mapping[str, Media]
    """By ``HostClip.id``; none for titles and the like."""
    rules: tuple[Rule, ...]
    """In the order in which they are tried: the first with clips is the one that matched."""
    layouts: Mapping[Layout, str]
    """Each with why this edition cannot do it; empty where it can."""


@dataclass(frozen=True)
class KeptJob:
    """A job that was submitted from an edit, as it is kept from day to day."""

    remembered: Remembered
    project: str
    project_id: str
    timeline: str
    timeline_id: str
    submitted: float
    """Unix seconds."""
    placed: tuple[str, ...] = ()
    """Where its clips lie now, for people; empty where they are not placed."""


@dataclass(frozen=True)
class Listener:
    """Who is told what a session is told. Called from the publication's thread; must return at once."""

    progress: Callable[[Progress], None] = field(default=lambda _: None)
    report: Callable[[str], None] = field(default=lambda _: None)
    show: Callable[[Sequence[str], Sequence[ChangeMap]], None] = field(default=lambda _pictures, _maps: None)


class Host(Protocol):
    """The editor. Methods may be called from any thread; calls of the editor are made one after another.

    Every method raises ResilverError classes only.
    """

    hello: Hello

    def read(self) -> Read:
        """Look at the open timeline anew. Raises SelectionEmpty where none is open, HostFailed."""

    def session(self, read: Read, chosen: Sequence[str], client: Client, listener: Listener) -> HostSession:
        """For a publication of these clips of it."""

    def kept(self) -> Sequence[KeptJob]:
        """Jobs of the open project, newest first."""

    def take_up(self, job: KeptJob, client: Client, listener: Listener) -> HostSession:
        """For a publication that takes this job up."""

    def take_back(self, job: KeptJob) -> Sequence[str]:
        """Take the job's clips out of the timeline again, and nothing else; sentences for people."""

    def forget(self, job: KeptJob) -> None:
        """Keep it no longer; what lies on the timeline stays."""

    def waiting(self) -> float:
        """Seconds for which the editor has not answered the present call; 0 where none is made. A dialog that is
        open in it holds it up."""

    def leave(self) -> None:
        """The editor's side ends."""
