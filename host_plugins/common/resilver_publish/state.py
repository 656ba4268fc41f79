"""The one object that plug-ins hand to each other: ``context.data["resilver"]``, and its part for one clip in
``instance.data["resilver"]``. There are no other keys, so a misspelt one cannot pass unseen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from pyblish.plugin import Context, Instance

from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import InternalError, ResilverError

from .session import HostSession
from .types import ChangeMap, HostClip, HostTimeline, Order, Placement, Remembered, RestoredClip

T = TypeVar("T")
KEY = "resilver"
FAMILY = "shot"
"""Family of the instances: one for each clip."""


@dataclass
class ClipState:
    """One clip on its way."""

    clip: HostClip
    place: str = ""
    """Where it lies in the timeline that is sent; empty where it is not sent."""
    refusals: list[ResilverError] = field(default_factory=list)
    """The host's own, and the server's."""
    plan: jobs_pb2.ShotPlan | None = None


@dataclass
class State:
    """What a publication knows so far."""

    session: HostSession
    client: Client
    order: Order | None = None
    """None where a job is taken up again."""
    clips: list[ClipState] = field(default_factory=list)
    timeline: HostTimeline | None = None
    request: jobs_pb2.JobRequest | None = None
    """What will be submitted."""
    plan: jobs_pb2.Plan | None = None
    plan_error: ResilverError | None = None
    """Why the server made no plan."""
    remembered: Remembered | None = None
    """Set as soon as there is a job."""
    job: jobs_pb2.Job | None = None
    """As it was seen last."""
    restored: tuple[RestoredClip, ...] = ()
    placements: tuple[Placement, ...] = ()
    pictures: tuple[str, ...] = ()
    change_maps: tuple[ChangeMap, ...] = ()
    report: list[str] = field(default_factory=list)
    """Sentences for people."""

    @property
    def asked(self) -> Order:
        """What the user asks for. Only for plug-ins that run before there is a job."""
        return there(self.order, "order")

    def sent(self) -> Iterator[ClipState]:
        """The clips that the server hears of."""
        return (clip for clip in self.clips if clip.place)


def there(value: T | None, name: str) -> T:
    """``value``. Raises InternalError where an earlier plug-in should have set it and has not."""
    if value is None:
        raise InternalError(f"the publication has no {name} yet", remedy="a plug-in runs too early: look at its order")
    return value


def state_of(context: Context) -> State:
    """The state of the publication that a plug-in runs in."""
    found = context.data.get(KEY)
    if not isinstance(found, State):
        raise InternalError('context.data["resilver"] is not the publication\'s state')
    return found


def clip_of(instance: Instance) -> ClipState:
    """The clip that an instance stands for."""
    found = instance.data.get(KEY)
    if not isinstance(found, ClipState):
        raise InternalError('instance.data["resilver"] is not a clip', where=str(instance))
    return found


def add_instance(context: Context, clip: ClipState) -> None:
    context.create_instance(clip.clip.name or clip.clip.id, family=FAMILY, **{KEY: clip})
