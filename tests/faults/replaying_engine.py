"""An engine that does every task once and remembers: asked again, it writes the same files and gives the same answer
without its heavy libraries, so that a worker is back in a moment. Everything around it is real.

``FAULTS_RECORD`` names the folder of what it remembers. Files are written piece by piece, and each piece is a step at
which the worker can be made to die.
"""

from __future__ import annotations

import dataclasses
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from faults.dying import Death, armed_file
from resilver_client import home
from resilver_server.domain.digests import digest_file, digest_of
from resilver_server.execution.wire import Answer, decode, encode
from resilver_server.planning import tasks as kinds
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import Progress, Result, Task

_DEATH = Death(armed_file(home.home(), "worker"))
_DEATH.before_every_change()
_PIECES = 6
_PAUSE = 0.004
"""Seconds a piece, so that blows fall into the writing."""


def run(task: Task, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Result:
    kept = Path(os.environ["FAULTS_RECORD"]) / _name(task)
    _DEATH.step()
    if not kept.exists():
        _record(task, kept, progress, cancelled)
        _forget(task)
    result = _replay(task, kept)
    _DEATH.step()
    return result


def _name(task: Task) -> str:
    """Of what decides the answer: no path of an output, no state's place."""
    match task:
        case kinds.RenderTask():
            decides: list[object] = [task.chunk.key, bool(task.output), bool(task.changes)]
        case kinds.JoinTask():
            files = [digest_file(file) for part in (*task.segments, *task.changes) for file in _files(Path(part))]
            decides = [_plan(task.plan), files]
        case kinds.AnalyseTask():
            decides = [_plan(task.plan), task.span]
        case kinds.SolveTask():
            measured = [digest_file(path) for path in task.measurements]
            decides = [_plan(task.plan), measured, task.source_digests]
        case kinds.PreviewTask():
            decides = [_plan(task.plan), digest_file(task.state), task.frames]
        case kinds.PlanTask():
            decides = [dataclasses.replace(task, shot=dataclasses.replace(task.shot, output=""))]
        case _:
            decides = [task]
    return f"{type(task).__name__}-{digest_of(decides)}"


def _plan(plan: ShotPlan) -> ShotPlan:
    return dataclasses.replace(plan, shot=dataclasses.replace(plan.shot, output=""))


def _record(task: Task, kept: Path, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> None:
    from resilver_server.engine import tasks

    result = tasks.run(task, progress, cancelled)
    draft = kept.with_name(f"draft-{secrets.token_hex(4)}")
    draft.mkdir(parents=True)
    (draft / "answer").write_bytes(encode(Answer(0, result)))
    for number, place in enumerate(_outputs(task)):
        for file in _files(place):
            target = draft / str(number) / file.relative_to(place) if file != place else draft / str(number)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    draft.rename(kept)


def _forget(task: Task) -> None:
    for place in _outputs(task):
        for file in _files(place):
            file.unlink()


def _replay(task: Task, kept: Path) -> Result:
    for number, place in enumerate(_outputs(task)):
        recorded = kept / str(number)
        for file in _files(recorded):
            target = place / file.relative_to(recorded) if file != recorded else place
            own = task.sidecar.encode() if isinstance(task, kinds.JoinTask) else b""
            _write(target, own if target.name.endswith(".resilver.json") else file.read_bytes())
    answer = decode((kept / "answer").read_bytes())
    assert isinstance(answer, Answer)
    return _here(task, answer.result)


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for piece in range(_PIECES):
            file.write(data[len(data) * piece // _PIECES : len(data) * (piece + 1) // _PIECES])
            file.flush()
            _DEATH.step()
            time.sleep(_PAUSE)


def _outputs(task: Task) -> tuple[Path, ...]:
    """Files or folders that the task fills. A join fills the folder that it is staged in."""
    match task:
        case kinds.AnalyseTask() | kinds.SolveTask():
            return (Path(task.output),)
        case kinds.RenderTask():
            return tuple(Path(path) for path in (task.output, task.changes) if path)
        case kinds.JoinTask():
            return (next(folder for folder in Path(task.output).parents if folder.name.startswith(".resilver-")),)
        case kinds.PreviewTask():
            return (Path(task.folder),)
        case _:
            return ()


def _files(place: Path) -> Iterator[Path]:
    """The file itself, or all in the folder."""
    if place.is_dir():
        yield from sorted(path for path in place.rglob("*") if path.is_file())
    elif place.exists():
        yield place


def _here(task: Task, result: Result) -> Result:
    """The answer with the places of this task."""
    match task, result:
        case kinds.JoinTask(), kinds.JoinResult():
            return dataclasses.replace(result, path=task.output, changes=result.changes and task.changes_output)
        case kinds.PlanTask(), kinds.PlanResult():
            shot = dataclasses.replace(result.plan.shot, output=task.shot.output)
            return dataclasses.replace(result, plan=dataclasses.replace(result.plan, shot=shot))
        case kinds.PreviewTask(), kinds.PreviewResult():
            pictures = tuple(_moved(path, task.folder) for path in result.pictures)
            changes = tuple(dataclasses.replace(each, path=_moved(each.path, task.folder)) for each in result.changes)
            return dataclasses.replace(result, pictures=pictures, changes=changes)
        case _:
            return result


def _moved(path: str, folder: str) -> str:
    return str(Path(folder) / Path(path).name)
