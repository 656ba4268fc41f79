"""``resilver bridge``: what DaVinci Resolve's menu entries start (docs/bridge-protocol.md)."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from resilver_bridge.main import run
from resilver_bridge.pipes import private_pipes
from resilver_client.errors import InvalidRequest
from resilver_server import __version__


def bridge(
    check: Annotated[bool, typer.Option("--check", help="Load what the bridge needs, print the version, and end.")] = (
        False
    ),
) -> None:
    """Serve a menu entry of DaVinci Resolve over standard input and output. Resolve's menu starts it."""
    if check:
        print(__version__)
        return
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidRequest(
            "the bridge talks to DaVinci Resolve, not to people",
            remedy='choose "Resilver" in Resolve\'s menu Workspace > Scripts, after "resilver davinci install"',
        )
    raise typer.Exit(run(*private_pipes()))
