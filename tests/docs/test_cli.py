"""The page on the command line names every option of ``restore``, and every command."""

from __future__ import annotations

import re

import typer

from resilver_server.cli.main import COMMANDS, app
from support.shared import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text()


def _options(command: str) -> set[str]:
    group = typer.main.get_command(app)
    found = group.get_command(typer.Context(group), command)  # type: ignore[attr-defined]
    return {name for parameter in found.params for name in parameter.opts if name.startswith("-")} - {"--help"}


def test_every_option_of_restore_is_explained_and_no_other() -> None:
    explained = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", PAGE.split("## The other commands")[0]))
    assert explained == _options("restore")


def test_every_command_has_its_line() -> None:
    assert set(re.findall(r"`resilver ([a-z]+)", PAGE)) - {"restore"} == set(COMMANDS) - {"restore"}
