"""Plug-ins for tests, and what is looked at from outside while a publication runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pyblish.plugin

from publish.memory_host import MemorySession
from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_publish.processing import Phase
from resilver_publish.types import Progress

Broken = type[pyblish.plugin.Plugin]


def states(client: Client) -> list[jobs_pb2.JobState.ValueType]:
    return [job.state for job in client.all_jobs()]


def recorder(seen: list[str]) -> list[Broken]:
    """A plug-in for each phase, which says that it was reached, and comes last in it."""

    def made(name: str, place: float) -> Broken:
        class Recorder(pyblish.plugin.ContextPlugin):
            label = name
            order = place

            def process(self, context: pyblish.plugin.Context) -> None:
                seen.append(name)

        return Recorder

    return [made(phase.name, phase + 0.49) for phase in Phase]


def failing(order: float, error: Exception) -> Broken:
    class Failing(pyblish.plugin.ContextPlugin):
        label = "A studio's own"

        def process(self, context: pyblish.plugin.Context) -> None:
            raise error

    Failing.order = order
    return Failing


def check_progress(told: list[Progress]) -> None:
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0
    assert fractions[-1] == 1.0
    assert told[-1].state == "succeeded"
    assert all(progress.message for progress in told)


def on_progress(session: MemorySession, act: Callable[[], object], state: str = "") -> None:
    """Do something once, when progress (of that state) is told."""
    done = threading.Event()

    def hear(progress: Progress) -> None:
        if progress.state.startswith(state) and not done.is_set():
            done.set()
            act()

    session.while_working = hear
