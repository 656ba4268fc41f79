"""``resilver doctor``: finds the usual faults, and says what to do about each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import typer

from resilver_client.home import home
from resilver_server import __version__

from .examining import folders, programs, running
from .examining.finding import Check
from .reporting import print_finding


def doctor() -> None:
    """Look at libraries, devices, limits, folders, disks, the database, models, hosts and the server."""
    faults = 0
    for check in checks(home()):
        for finding in check():
            faults += bool(finding.remedy)
            print_finding(finding.subject, finding.fact, finding.remedy)
    if faults:
        raise typer.Exit(1)


def checks(place: Path) -> Sequence[Check]:
    """Everything that is looked at, for the home ``place``."""
    of_home = (
        folders.folders, folders.secrets, folders.certificate, folders.clock, folders.database, folders.left_behind,
        running.orphans, running.server,
    )  # fmt: skip
    return (
        programs.python,
        programs.libraries,
        programs.devices,
        programs.limits,
        programs.timelines,
        programs.models,
        programs.encoders,
        partial(programs.hosts, __version__),
        *(partial(check, place) for check in of_home),
    )
