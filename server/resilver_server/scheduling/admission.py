"""Whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from resilver_client.errors import InvalidRequest
from resilver_server.domain.jobs import HIGHEST_PRIORITY


@dataclass(frozen=True)
class Candidate:
    """A job that waits for its turn."""

    job: str
    priority: int
    preview: bool = False


@dataclass(frozen=True)
class Turn:
    """A job that has its turn."""

    job: str
    priority: int
    preview: bool = False
    ending: bool = False
    """Whether it is giving way or being paused already."""


@dataclass(frozen=True)
class Turns:
    """What is to happen now."""

    begin: tuple[str, ...] = ()
    give_way: tuple[str, ...] = ()


def ensure_priority(priority: int) -> None:
    """Raises InvalidRequest."""
    if abs(priority) > HIGHEST_PRIORITY:
        what = f"a priority lies between -{HIGHEST_PRIORITY} and {HIGHEST_PRIORITY}"
        raise InvalidRequest(what, where="priority", remedy="0 is the usual one")


def turns(waiting: Sequence[Candidate], running: Sequence[Turn], width: int) -> Turns:
    """Previews begin at once, beside the films. Of the films ``width`` run at a time: larger priorities first, then in
    the order given (their age). A running film gives way to one of a larger priority; the newest of the lowest does.

    ``running`` is in the order in which the jobs began.
    """
    films = sorted((each for each in waiting if not each.preview), key=lambda each: -each.priority)
    busy = [each for each in running if not each.preview]
    free = max(0, width - len(busy))
    begin = [each.job for each in waiting if each.preview] + [each.job for each in films[:free]]
    leaving = sum(each.ending for each in busy)
    staying = sorted((each for each in reversed(busy) if not each.ending), key=lambda each: each.priority)
    wanting = films[free + leaving :]
    give_way = [stays.job for stays, wants in zip(staying, wanting, strict=False) if wants.priority > stays.priority]
    return Turns(tuple(begin), tuple(give_way))
