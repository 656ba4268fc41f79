"""``resilver davinci``: the menu entries of DaVinci Resolve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from resilver_bridge.install import doctor as examining
from resilver_bridge.install import folders, installing
from resilver_client import home as homes
from resilver_server import __version__

from .reporting import ReportingGroup, console, print_finding

app = typer.Typer(
    cls=ReportingGroup, no_args_is_help=True, add_completion=False, help="The menu entries of DaVinci Resolve."
)
AllUsers = Annotated[bool, typer.Option("--all-users", help="In the folders of all users, which an administrator may.")]


@app.command()
def install(all_users: AllUsers = False) -> None:
    """Put Resilver into Resolve's menu Workspace > Scripts, or bring it up to date."""
    system = folders.this_system()
    changes = installing.install(system, bridge_command(), __version__, all_users)
    what = f"{len(changes.written)} files written" if changes.written else "up to date already"
    console.print(f"Resilver {__version__} for DaVinci Resolve: {what}")
    console.print(
        f"menu entries: {folders.menu(system, all_users)}\nfiles: {folders.own(system, all_users)}",
        soft_wrap=True,
        markup=False,
    )
    _name_left(changes.left)
    console.print(
        "In Resolve: Workspace > Scripts > Resilver - Restore Clips. (No restart is needed; if it is not there, "
        '"resilver davinci doctor" says why.)'
    )


@app.command()
def uninstall(all_users: AllUsers = False) -> None:
    """Remove what was installed, and nothing else."""
    system = folders.this_system()
    own = folders.own(system, all_users)
    changes = installing.uninstall(system, all_users)
    if changes is None:
        console.print(f"nothing is installed in {own}", soft_wrap=True, markup=False)
        return
    console.print(f"{len(changes.removed)} files removed")
    _name_left(changes.left)
    jobs = homes.home() / folders.JOBS
    if own.is_dir():
        console.print(f"{own} stays: it holds what was not installed", soft_wrap=True, markup=False)
    if jobs.is_dir():
        console.print(f"{jobs} stays: jobs that are kept for Resolve's projects", soft_wrap=True, markup=False)


@app.command()
def doctor() -> None:
    """Say in words what is missing between Resolve and Resilver."""
    faults = 0
    for finding in examining.examine(folders.this_system(), __version__):
        faults += bool(finding.remedy)
        print_finding(finding.subject, finding.fact, finding.remedy)
    if faults:
        raise typer.Exit(1)


def bridge_command() -> list[str]:
    """What starts the bridge of this environment."""
    return [sys.executable, "-m", "resilver_server.cli.main", "bridge"]


def _name_left(left: tuple[Path, ...]) -> None:
    for path in left:
        console.print(
            f"left as it is, because it was changed since it was installed: {path}", soft_wrap=True, markup=False
        )
