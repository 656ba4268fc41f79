"""Orders for tests, and the first half of a publication: what is collected, and what validators say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pyblish.plugin import Context

from resilver.v1 import types_pb2
from resilver_client.client import Client
from resilver_client.values import Value, settings
from resilver_publish.processing import Phase, Processing
from resilver_publish.publication import PLUGINS
from resilver_publish.session import HostSession
from resilver_publish.state import KEY, State
from resilver_publish.types import Order, Problem


def order(folder: Path, stage: str = "upscale", profile: str = "ffv1", **changes: object) -> Order:
    """Enlarge every clip by plain resampling, and write it without loss."""
    return replace(Order(recipe(stage, profile), str(folder), "a test"), **changes)  # type: ignore[arg-type]


def recipe(stage: str = "upscale", profile: str = "ffv1", **parameters: Value) -> types_pb2.Recipe:
    chosen = parameters or ({"model": "none", "scale": 2.0} if stage == "upscale" else {})
    return types_pb2.Recipe(stages=[settings(stage, chosen)], delivery=types_pb2.Delivery(profile=profile))


def state_after_validation(session: HostSession, client: Client, order: Order) -> tuple[State, list[Problem]]:
    """Collectors and validators, as a publication runs them; nothing is submitted."""
    state, context = State(session, client, order), Context()
    context.data[KEY] = state
    processing = Processing(PLUGINS, context, session.host, lambda: False)
    assert processing.run(Phase.COLLECT), processing.problems
    processing.run(Phase.VALIDATE)
    return state, processing.problems


def problems(session: HostSession, client: Client, order: Order) -> list[Problem]:
    return state_after_validation(session, client, order)[1]
