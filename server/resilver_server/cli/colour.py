"""``resilver colour``: teaching colours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .arguments import device_argument
from .paths import real_path
from .reporting import ReportingGroup, console

app = typer.Typer(cls=ReportingGroup, no_args_is_help=True, add_completion=False, help="Colour: teaching it.")


@app.callback()
def _group() -> None:
    """Keeps ``train`` a command of its own while it is the only one."""


@app.command()
def train(
    references: Annotated[Path, typer.Option(help="Folder of colour pictures to learn from.")],
    name: Annotated[str, typer.Option(help="Id of the model that comes of it.")],
    held_out: Annotated[
        Path | None, typer.Option(help="Folder of pictures to judge by; every fifth of the others if not given.")
    ] = None,
    steps: Annotated[int, typer.Option(min=10, max=100_000, help="How long; 600 take some minutes on a CPU.")] = 600,
    seed: Annotated[int, typer.Option(min=0, help="Another seed chooses other pieces of the pictures.")] = 1,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, mps; the best there is if not given.")] = None,
) -> None:
    """Teach a small network the colours of your pictures. The same command goes on where it was broken off."""
    import torch  # imported only when it is needed

    from resilver_server.training.course import Course, teach

    chosen = device_argument(device)
    course = Course(name, real_path(references), real_path(held_out) if held_out else None, steps, seed)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("learning", total=steps)
        outcome = teach(course, torch.device(chosen.id), lambda done, total: bars.update(task, completed=done))
    console.print(f"{name}: taught by {outcome.learned} pictures, kept ({outcome.model.digest[:12]})")
    if outcome.judgement and outcome.sheet:
        found = outcome.judgement
        console.print(
            f"Pictures held back: {found.taught:.2f} dB; one tint for all {found.tint:.2f}, the nearest picture's "
            f"{found.nearest:.2f}. Look at them: {outcome.sheet}"
        )
