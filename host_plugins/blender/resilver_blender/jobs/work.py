"""What a job's thread does, from the connection to the outcome. Knows no Blender: the session brings it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilver_client.catalogue import fetch

from ..server.connection import Connection
from ..server.server import SERVER
from ..settings.asking import Ask, order_of
from .jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable

    from resilver_client.client import Client
    from resilver_publish.processing import Plugin
    from resilver_publish.session import HostSession
    from resilver_publish.types import Order, Outcome, Problem, Remembered, Repair

    MakeSession = Callable[[Job], HostSession]


def publish(job: Job, ask: Ask, session: MakeSession) -> Outcome:
    """Restore what is asked for, from the selection to the placed strips."""
    with ask.connection.open() as client:
        job.attach(client)
        found = fetch(client)
        SERVER.take(found)
        return _publish(job, ask, order_of(ask, found), client, session)


def repair(job: Job, ask: Ask, order: Order, problem: Problem, how: Repair, session: MakeSession) -> Outcome:
    """Do something about a problem, which may take as long as a model takes to be fetched, and publish again."""
    from resilver_publish.publication import repaired

    with ask.connection.open() as client:
        job.attach(client)
        return _publish(job, ask, repaired(order, problem, how, client), client, session)


def _publish(job: Job, ask: Ask, order: Order, client: Client, session: MakeSession) -> Outcome:
    from resilver_publish.publication import Publication

    job.changed(order=order)
    publication = Publication(session(job), client, order, plugins(ask.plugins_folder))
    job.attach(client, publication)
    return publication.run()


def take_up(job: Job, connection: Connection, remembered: Remembered, retry: bool, session: MakeSession) -> Outcome:
    """Follow a job that was submitted before, and place its clips. With ``retry`` one that has failed or was cancelled
    is queued again first: only what is missing is rendered."""
    from resilver.v1 import jobs_pb2
    from resilver_publish.publication import Publication

    ended = (jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)
    with connection.open() as client:
        job.attach(client)
        if retry and client.get(remembered.job).state in ended:
            client.retry(remembered.job)
        publication = Publication(session(job), client)
        job.attach(client, publication)
        return publication.resume(remembered)


def plugins(folder: str) -> tuple[Plugin, ...]:
    """Resilver's own plug-ins, and those of the studio's folder."""
    from resilver_publish.publication import PLUGINS
    from resilver_publish.studio import studio_plugins

    return (*PLUGINS, *studio_plugins(folder)) if folder else PLUGINS
