"""What was measured, as JSON beside the code: ``results/TASK.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Run:
    """One tool on one clip."""

    group: str
    clip: str
    tool: str
    kind: str
    settings: Mapping[str, float | str]
    figures: Mapping[str, float]
    seconds: float
    frames: int


@dataclass(frozen=True)
class Kept:
    """A task's figures, with what they were made on."""

    task: str
    day: str
    machine: str
    versions: Mapping[str, str]
    seeds: list[int]
    commit: str
    runs: list[Run]
    tuning: list[Run]
    load: float | None = None
    """How many programs wanted to run when it was begun, over a minute: speeds of a busy machine say little."""


def keep(kept: Kept) -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{kept.task}.json").write_text(_written(asdict(kept)) + "\n")


def kept(task: str) -> Kept | None:
    """None where it was never measured."""
    path = FOLDER / f"{task}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    runs, tuning = ([Run(**run) for run in found.pop(name)] for name in ("runs", "tuning"))
    return Kept(**found, runs=runs, tuning=tuning)


def _written(values: dict[str, object]) -> str:
    """One line a run: differences between two versions are then readable."""
    parts = []
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines = ",\n".join("    " + json.dumps(each) for each in value)
            parts.append(f"  {json.dumps(name)}: [\n{lines}\n  ]")
        else:
            parts.append(f"  {json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}"
