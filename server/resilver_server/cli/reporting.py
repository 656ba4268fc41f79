"""How commands end: 0, 1 with ``error: REASON: what, where, what to do``, 2 for wrong usage."""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from resilver_client.errors import ResilverError

console = Console(highlight=False)
"""Where commands print for people; ``--json`` output goes to plain standard output."""
INTERRUPTED = 130


class ReportingGroup(TyperGroup):
    """A group of commands whose typed errors become one line and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ResilverError as error:
            sys.stdout.flush()
            print(f"error: {error.reason}: {error}", file=sys.stderr)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
