"""How commands end: 0, 1 with ``error: REASON: what, where, what to do``, 2 for wrong usage."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.exceptions import TyperException

from resilver_client.errors import DiskFull, InternalError, OutputUnwritable, ResilverError

console = Console(highlight=False)
"""Where commands print for people; ``--json`` output goes to plain standard output."""
INTERRUPTED = 130
TRACEBACK = "RESILVER_TRACEBACK"
"""Set in the environment, it lets a fault of ours show where it happened."""


def print_finding(subject: str, fact: str, remedy: str) -> None:
    """One line of a doctor's: a fault where there is a remedy."""
    mark = "[red]fault[/red]" if remedy else "[green]  ok [/green]"
    console.print(mark, end=" ")
    console.print(f"{subject}: {fact}" + (f" -> {remedy}" if remedy else ""), soft_wrap=True, markup=False)


def _typed(error: Exception) -> ResilverError:
    """What was not foreseen: a disk that does not take or give what it should, or a fault of ours."""
    if isinstance(error, OSError):
        where = str(error.filename or "")
        if error.errno == errno.ENOSPC:
            return DiskFull("the disk is full", where=where, remedy="free some space")
        return OutputUnwritable(error.strerror or str(error), where=where, remedy="check the path and its permissions")
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    remedy = f"please report it, with what {TRACEBACK}=1 prints"
    return InternalError(f"{type(error).__name__}: {error}", where=where, remedy=remedy)


def _say(error: ResilverError) -> None:
    """One line whatever the names in it are: control characters are written as escapes."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    line = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in str(error))
    print(f"error: {error.reason}: {line}", file=sys.stderr)


class ReportingGroup(TyperGroup):
    """A group of commands whose typed errors become one line and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except ResilverError as error:
            _say(error)
            raise typer.Exit(1) from error
        except BrokenPipeError:  # the reader of our output has left; it wants no message either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except Exception as error:
            if os.environ.get(TRACEBACK):
                raise
            _say(_typed(error))
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None
