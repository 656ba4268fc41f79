"""The ``resilver`` command."""

from __future__ import annotations

from typing import Annotated

import typer

from resilver_server import __version__

from . import jobs, models
from .bench import bench
from .demo import demo
from .doctor import doctor
from .lab import age, measure
from .media import inspect
from .reporting import ReportingGroup
from .restore import restore
from .serve import serve

app = typer.Typer(
    cls=ReportingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Old film, restored inside the editor's own timeline.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Old film, restored inside the editor's own timeline."""


for _command in (restore, serve, inspect, age, measure, bench, doctor, demo):
    app.command()(_command)
app.add_typer(jobs.app, name="jobs")
app.add_typer(models.app, name="models")

if __name__ == "__main__":
    app()
