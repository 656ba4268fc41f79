"""What a task is: clips with a truth, tools that are let loose on them, and what is measured of the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from resilver_server.domain.recipes import StageSettings

from . import others, ours
from .clips import Planes
from .others import Settings
from .ours import Made

RATE = Fraction(24)
Measures = dict[str, float]


@dataclass(frozen=True)
class Case:
    """One clip as everybody gets it."""

    group: str
    """Kind of damage. Peers are tuned for each, and means are taken over each."""
    clip: str
    tuning: bool
    given: Planes
    measure: Callable[[Planes], Measures]
    """Figures of a result, by their keys; only those that mean something for this group."""
    facts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """What peers are told beside the clip, where they have no means to find it."""
    keys: Mapping[int, Planes] = field(default_factory=dict)
    """Frames in colour, (3, height, width), by their numbers."""


@dataclass(frozen=True)
class Tool:
    """Resilver or a peer."""

    name: str
    make: Callable[[Case, Settings], Made]
    kind: str = "peer"
    """ours, peer or nothing."""
    grid: tuple[Settings, ...] = ({},)
    """Settings that are tried on the tuning clip; one alone is not tuned."""
    groups: tuple[str, ...] = ()
    """Those it takes part in; all if empty."""


@dataclass(frozen=True)
class Figure:
    key: str
    title: str
    meaning: str
    digits: int = 2
    more_is_better: bool = True


@dataclass(frozen=True)
class Asked:
    """What was to be reached, and by whom; ``margin`` over the best peer, or a limit of the figure itself."""

    text: str
    tool: str
    figure: str
    group: str
    margin: float | None = None
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Task:
    name: str
    title: str
    how: str
    """What was measured, and on what: Markdown."""
    wrong: str
    """What is still wrong, said openly: Markdown."""
    figures: tuple[Figure, ...]
    headline: str
    """Key of the figure by which peers are tuned and compared."""
    cases: Callable[[], Sequence[Case]]
    tools: tuple[Tool, ...]
    seeds: tuple[int, ...] = ()
    asked: tuple[Asked, ...] = ()

    def figure(self, key: str) -> Figure:
        return next(figure for figure in self.figures if figure.key == key)


def nothing() -> Tool:
    return Tool("nothing done", lambda case, settings: Made(case.given, 0.0), "nothing")


def mine(name: str, *stages: StageSettings, groups: tuple[str, ...] = ()) -> Tool:
    return Tool(name, lambda case, settings: ours.restored(case.given, RATE, stages), "ours", groups=groups)


def peer(name: str, program: str, grid: Sequence[Settings] = ({},), **fixed: float | str) -> Tool:
    """A peer of ``benchmarks/peers/run.py`` on the clip as it is."""
    return Tool(name, lambda case, settings: others.made(program, case.given, {**fixed, **settings}), grid=tuple(grid))


def varied(**choices: Sequence[float | str]) -> tuple[Settings, ...]:
    """Every combination of the choices."""
    grid: list[dict[str, float | str]] = [{}]
    for name, values in choices.items():
        grid = [{**settings, name: value} for settings in grid for value in values]
    return tuple(grid)
