"""Whom to kill and when: seeded."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random

from faults.dying import armed_file
from faults.stage import Stage, events_of, state_of

TARGETS = {
    ("worker",): 30,
    ("server",): 30,
    ("server", "worker"): 15,
    ("server", "worker", "client"): 15,
    ("client",): 10,
}
"""Who is killed, and how often of a hundred. The third is what a machine that dies does to its processes."""
MOMENTS = {"delay": 15, "event": 25, "joining": 25, "step": 35}
"""After some time; some milliseconds after an event is written, or after one that tells of joining; at a step that the
victim counts itself."""
_AFTER = (0, 0.001, 0.003, 0.01, 0.03, 0.1)
"""Seconds from an event to the blow."""
_PATIENCE = 20.0
"""Seconds to wait for the moment; then whoever is to die dies."""


@dataclass(frozen=True)
class Blow:
    target: tuple[str, ...]
    moment: str
    seconds: float
    """To wait, from now or from the event."""
    count: int
    """Events or steps."""


@dataclass(frozen=True)
class Struck:
    blow: Blow
    state: str
    """Of the jobs when it fell."""
    seconds: float
    """Until the server was up again, with the wait for the moment."""


def choose(chance: Random) -> Blow:
    target = chance.choices(list(TARGETS), list(TARGETS.values()))[0]
    moment = chance.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    if moment == "step" and target not in (("worker",), ("server",)):
        moment = "event"
    if moment == "delay":
        return Blow(target, moment, chance.uniform(0, 4), 0)
    if moment != "step":
        return Blow(target, moment, chance.choice(_AFTER), chance.randint(1, 6) if moment == "event" else 1)
    return Blow(target, moment, 0, chance.randint(1, 60 if target == ("server",) else 25))


def strike(stage: Stage, blow: Blow) -> Struck | None:
    """Wait for the moment, kill, and start again what died. None where all jobs ended before it came."""
    began = time.monotonic()
    armed = armed_file(stage.home, blow.target[0])
    if blow.moment == "step":
        armed.write_text(str(blow.count))
    came = _wait(stage, blow, began + _PATIENCE)
    if not came:
        armed.unlink(missing_ok=True)
        return None
    state = state_of(stage.home)
    if blow.moment != "step" or armed.exists():
        armed.unlink(missing_ok=True)
        stage.kill(*blow.target)
    elif blow.target == ("server",):
        stage.await_server()  # the file goes first
    stage.reap()
    stage.raise_up()
    return Struck(blow, state, time.monotonic() - began)


def _wait(stage: Stage, blow: Blow, deadline: float) -> bool:
    """Whether the moment has come (or patience has ended) before all jobs ended."""
    armed, state = armed_file(stage.home, blow.target[0]), "joining" if blow.moment == "joining" else ""
    after, ready = events_of(stage.home, state) + blow.count, time.monotonic() + blow.seconds
    while time.monotonic() < deadline:
        if stage.over:
            return False
        if blow.moment == "delay" and time.monotonic() >= ready:
            break
        if blow.moment == "step" and not armed.exists():
            break
        if blow.moment in ("event", "joining") and events_of(stage.home, state) >= after:
            time.sleep(blow.seconds)
            break
        stage.raise_up()
        time.sleep(0.004)
    return True
