"""The ``resilver`` command."""

from __future__ import annotations

import importlib
from typing import Annotated, Any

import typer

from resilver_server import __version__

from .reporting import ReportingGroup

COMMANDS = {
    "restore": "restore",
    "serve": "serve",
    "inspect": "media",
    "age": "lab",
    "measure": "lab",
    "bench": "bench",
    "doctor": "doctor",
    "demo": "demo",
    "jobs": "jobs",
    "store": "store",
    "models": "models",
    "colour": "colour",
    "davinci": "davinci",
    "bridge": "bridge",
}
"""The module of each command. Groups of commands are its ``app``, single commands the function of their name."""
_GROUPS = {"jobs", "store", "models", "colour", "davinci"}


class Commands(ReportingGroup):
    """Imports a command's module when the command is named: ``--version`` waits for no library."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{COMMANDS[cmd_name]}", __package__)
        if cmd_name in _GROUPS:
            command = typer.main.get_command(module.app)
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(cmd_name)(getattr(module, cmd_name))
            command = typer.main.get_command(alone)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=Commands,
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


if __name__ == "__main__":
    app()
