"""Writes docs/quality.md from benchmarks/results/*.json: ``python -m benchmarks.report``. A test compares the two."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from .results import Kept, Run, kept
from .task import Asked, Figure, Task
from .tasks import TASKS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "quality.md"
_OURS, _NOTHING = "ours", "nothing"

_INTRODUCTION = """\
# Quality, measured

Written by `benchmarks/report.py` from the figures in `benchmarks/results/`; do not edit. `make bench` measures
anew, in about twenty minutes on two cores; `make bench TASKS=dirt` one task.

**How.** Clean clips are aged by `resilver age`'s own code, so that the truth is known to the pixel. Everybody
gets the same frames, in 8 bits and grey, and gives back as many; what comes back is rounded to 8 bits. Resilver
runs from file to frames through its engine, at its defaults, on the CPU. Each peer runs in an environment of its
own (`.ci/setup-peers`), and its settings are chosen from a small grid on **another clip**, for each kind of
damage, by the very figure that it is compared by: that is more than anyone does at home. Some peers change nearly
every pixel of a film; where that matters, a column says so.

**What peers are.** FFmpeg's filters, and scripts for VapourSynth made of the plug-ins that PyPI has as wheels.
RemoveDirt's own plug-in is not among them: "RemoveDirt style" and "RemoveDirtMC style" are its published way,
rebuilt from Clense, Repair and block differences; "SpotLess style" is the script of that name. Commercial tools
are not compared.

**What the figures cannot say.** Means over few clips of one to five seconds, aged by a model of damage that is
our own. Who wins here has not yet restored a film: look at pictures of your own. Speed is of one run, on a
machine that does other things too: read it as an order of magnitude. Resilver's includes decoding and analysis; a
peer's is its filter alone, frames already in memory.
"""


def write_page() -> None:
    PAGE.write_text(page())


def page() -> str:
    """The page, as the figures that are kept have it."""
    found = [(task, figures) for task in TASKS if (figures := kept(task.name))]
    parts = [_INTRODUCTION, *_made_on([figures for _, figures in found]), *_summary(found)]
    for task, figures in found:
        parts += _section(task, figures)
    missing = [task.title for task in TASKS if kept(task.name) is None]
    parts += [f"Not measured yet: {', '.join(missing)}."] if missing else []
    return "\n".join(parts).rstrip() + "\n"


def _made_on(found: Sequence[Kept]) -> list[str]:
    days = sorted({figures.day for figures in found})
    versions = {name: number for figures in found for name, number in figures.versions.items()}
    stages = [f"{name.removeprefix('stage ')} {n}" for name, n in versions.items() if name.startswith("stage ")]
    tools = [f"{name} {number}" for name, number in versions.items() if not name.startswith("stage ")]
    return [
        f"**Measured** {_between(days)} on {'; '.join(sorted({figures.machine for figures in found}))}.",
        f"Versions of stages: {', '.join(stages)}. {', '.join(tools)}.\n",
    ]


def _between(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"from {days[0]} to {days[-1]}" if days else "never"


def _summary(found: Sequence[tuple[Task, Kept]]) -> list[str]:
    rows = [(task.title, *_answer(task, figures, asked)) for task, figures in found for asked in task.asked]
    told = (
        "Aims of the project itself. An aim is met where it is met on every clip; margins are over the best peer on it."
    )
    return ["## Aims", "", told, "", _table(("task", "aim", "reached", "met"), rows), ""]


def _answer(task: Task, figures: Kept, asked: Asked) -> tuple[str, str, str]:
    """Text, values by clip, and whether all of them do."""
    figure = task.figure(asked.figure)
    sign = 1 if figure.more_is_better else -1
    values, met = [], []
    for run in _of(figures.runs, asked.group, tool=asked.tool):
        if asked.figure not in run.figures:
            continue
        value = run.figures[asked.figure]
        if asked.margin is not None:
            peers = [other for other in _of(figures.runs, asked.group, clip=run.clip) if other.kind == "peer"]
            if not peers:
                continue
            value = sign * (value - sign * max(sign * other.figures[asked.figure] for other in peers))
            met.append(value >= asked.margin)
        else:
            met.append(_within(value, asked))
        values.append(f"{run.clip} {value:{'+' if asked.margin is not None else ''}.{figure.digits}f}")
    verdict = "not measured" if not met else "yes" if all(met) else f"**{sum(met)} of {len(met)}**"
    return f"{asked.text} ({asked.group})", "; ".join(values), verdict


def _within(value: float, asked: Asked) -> bool:
    low, high = asked.at_least, asked.at_most
    return (low is None or value >= low) and (high is None or value <= high)


def _of(runs: Iterable[Run], group: str, tool: str | None = None, clip: str | None = None) -> list[Run]:
    return [run for run in runs if run.group == group and tool in (None, run.tool) and clip in (None, run.clip)]


def _section(task: Task, figures: Kept) -> list[str]:
    parts = [f"## {task.title}", "", task.how, ""]
    parts += [f"- **{figure.title}**: {figure.meaning}." for figure in task.figures]
    for group in dict.fromkeys(run.group for run in figures.runs):
        runs = _of(figures.runs, group)
        parts += ["", f"### {task.title}: {group}", "", _means(task, runs)]
        if any(task.headline in run.figures for run in runs):
            parts += ["", _by_clip(task, runs)]
    seeds = f"Seeds {', '.join(map(str, figures.seeds))}. " if figures.seeds else ""
    load = f"Load of the machine when begun: {figures.load:.1f}. " if figures.load is not None else ""
    parts += [
        "",
        f"{seeds}{load}Figures: `benchmarks/results/{task.name}.json`.",
        "",
        "**Still wrong.**",
        "",
        task.wrong,
        "",
    ]
    return parts


def _means(task: Task, runs: Sequence[Run]) -> str:
    """Means over the clips, a line a tool."""
    shown = [figure for figure in task.figures if any(figure.key in run.figures for run in runs)]
    rows = []
    for tool in dict.fromkeys(run.tool for run in runs):
        mine = [run for run in runs if run.tool == tool]
        rows.append((_named(mine[0]), *(_mean(figure, mine) for figure in shown), _speed(mine), _settings(mine[0])))
    return _table(("", *(figure.title for figure in shown), "frames/s", "tuned to"), rows)


def _mean(figure: Figure, runs: Sequence[Run]) -> str:
    values = [run.figures[figure.key] for run in runs if figure.key in run.figures]
    return f"{statistics.fmean(values):.{figure.digits}f}" if values else "-"


def _speed(runs: Sequence[Run]) -> str:
    seconds = sum(run.seconds for run in runs)
    return f"{sum(run.frames for run in runs) / seconds:.3g}" if seconds else "-"


def _settings(run: Run) -> str:
    return ", ".join(f"{name} {value}" for name, value in run.settings.items())


def _by_clip(task: Task, runs: Sequence[Run]) -> str:
    """The headline on every clip: ours, the best peer's, and between them."""
    figure = task.figure(task.headline)
    sign = 1 if figure.more_is_better else -1
    rows = []
    for clip in dict.fromkeys(run.clip for run in runs):
        here = [run for run in runs if run.clip == clip and figure.key in run.figures]
        best = max((r for r in here if r.kind == "peer"), key=lambda r: sign * r.figures[figure.key], default=None)
        for run in here:
            if run.kind == _OURS:
                rows.append((clip, run.tool, *_beside(figure, run, best)))
    return _table(("clip", "", figure.title, "best peer", "", "difference"), rows)


def _beside(figure: Figure, run: Run, best: Run | None) -> tuple[str, ...]:
    value = run.figures[figure.key]
    if best is None:
        return f"{value:.{figure.digits}f}", "-", "-", "-"
    other = best.figures[figure.key]
    numbers = [f"{number:.{figure.digits}f}" for number in (value, other)]
    return numbers[0], best.tool, numbers[1], f"{value - other:+.{figure.digits}f}"


def _named(run: Run) -> str:
    return f"**{run.tool}**" if run.kind == _OURS else f"*{run.tool}*" if run.kind == _NOTHING else run.tool


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    write_page()
