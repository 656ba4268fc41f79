"""``python -m benchmarks.run [TASK ...]``: measures, keeps the figures in ``results/TASK.json``, writes the page.

Peers are tuned on one clip, by the task's headline, for each kind of damage; all are then judged on the others.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import cv2

from resilver_server import __version__
from resilver_server.engine.device import libraries
from resilver_server.stages.catalogue import STAGES

from . import others
from .others import Settings
from .report import write_page
from .results import Kept, Run, keep
from .task import Case, Task, Tool
from .tasks import TASKS

_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    names = [task.name for task in TASKS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tasks", nargs="*", metavar="TASK", help=f"some of {', '.join(names)}; all if none is named")
    chosen = parser.parse_args().tasks or names
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(names)}")
    if not others.installed():
        print("note: the peers' environment is missing (.ci/setup-peers makes it): nothing is compared with them")
    for task in TASKS:
        if task.name in chosen:
            begun = time.monotonic()
            keep(measured(task))
            print(f"{task.name}: {time.monotonic() - begun:.0f} s", flush=True)
    write_page()


def measured(task: Task) -> Kept:
    """Every tool on every clip of a task."""
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    cases = task.cases()
    tuning, judged = ([case for case in cases if case.tuning is wanted] for wanted in (True, False))
    tried: list[Run] = []
    runs: list[Run] = []
    for tool in task.tools:
        if tool.kind == "peer" and not others.installed():
            continue
        trials = list(_tried(tool, tuning))
        best = {group: _best(task, [run for run in trials if run.group == group]) for group in _groups(trials)}
        tried += trials
        for case in judged:
            if not tool.groups or case.group in tool.groups:
                chosen = best.get(case.group) or next(iter(best.values()), tool.grid[0])
                runs.append(_run(tool, case, chosen))
                print(f"  {task.name}: {tool.name}, {case.group}, {case.clip}: {_line(runs[-1])}", flush=True)
    return Kept(task.name, _day(), _machine(), _versions(), list(task.seeds), _commit(), runs, tried, load)


def _tried(tool: Tool, tuning: list[Case]) -> Iterator[Run]:
    if len(tool.grid) > 1:
        for case in tuning:
            if not tool.groups or case.group in tool.groups:
                yield from (_run(tool, case, settings) for settings in tool.grid)


def _groups(runs: list[Run]) -> list[str]:
    return list(dict.fromkeys(run.group for run in runs))


def _best(task: Task, trials: list[Run]) -> Settings:
    sign = 1 if task.figure(task.headline).more_is_better else -1
    return max(trials, key=lambda run: sign * run.figures[task.headline]).settings


def _run(tool: Tool, case: Case, settings: Settings) -> Run:
    made = tool.make(case, settings)
    figures = {key: float(f"{value:.6g}") for key, value in case.measure(made.planes).items() if value == value}
    seconds = float(f"{made.seconds:.3g}")
    return Run(case.group, case.clip, tool.name, tool.kind, dict(settings), figures, seconds, len(made.planes))


def _line(run: Run) -> str:
    return ", ".join(f"{key} {value:g}" for key, value in run.figures.items()) + f" ({run.seconds:g} s)"


def _day() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _machine() -> str:
    return f"{os.cpu_count()} cores, {_processor()}, {platform.system()} {platform.machine()}, no GPU used"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


def _versions() -> dict[str, str]:
    stages = {f"stage {spec.name}": str(spec.version) for spec in STAGES}
    peers = others.versions() if others.installed() else {}
    return {"Resilver": __version__, **stages, "torch": libraries()["torch"], "OpenCV": cv2.__version__, **peers}


def _commit() -> str:
    """Of the checkout; empty outside of one."""
    command = ["git", "rev-parse", "--short=10", "HEAD"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
