"""``resilver models``: which networks there are, under which licence, and fetching them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from resilver_client.errors import InvalidRequest
from resilver_server.models import store
from resilver_server.models.architectures import COLOURISERS
from resilver_server.models.cards import all_cards, card

from .reporting import ReportingGroup, console

app = typer.Typer(
    cls=ReportingGroup, no_args_is_help=True, add_completion=False, help="Networks: licences, states, fetching."
)
_MEGABYTE = 1e6
_UNVERIFIED = "; not verified: no digest of the published weights is known"


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Every model with its licence and whether it is installed."""
    rows = [(model, store.state(model), store.installed(model.id)) for model in all_cards()]
    if as_json:
        print(json.dumps([
            {"id": model.id, "title": model.title, "state": state.value, "size": model.size,
             "licence": model.weights_licence, "sha256": model.sha256, "digest": kept.digest if kept else None}
            for model, state, kept in rows
        ], indent=1))  # fmt: skip
        return
    table = Table("model", "state", "MB", "weights' licence", "what it is", box=None)
    for model, state, _ in rows:
        table.add_row(model.id, state.value, f"{model.size / _MEGABYTE:.1f}", model.weights_licence, model.title)
    console.print(table)


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="Model ids, or 'all': permissive licence, no colourisers.")],
    accept_licence: Annotated[bool, typer.Option(help="Accept the licence shown (kept; asked once).")] = False,
    file: Annotated[
        Path | None, typer.Option("--from", help="The published weights as a file you have: nothing is fetched.")
    ] = None,
) -> None:
    """Fetch models, check their sha256, and keep them as safetensors. Colourisers are gigabytes: name them."""
    chosen = names
    if names == ["all"]:
        chosen = [model.id for model in all_cards() if model.permissive and model.architecture not in COLOURISERS]
    if file is not None and len(chosen) != 1:
        raise InvalidRequest("one file is one model", where=str(file), remedy="name the model that it is")
    for name in chosen:
        pull_model(name, accept_licence, file)


def pull_model(name: str, accept_licence: bool = False, file: Path | None = None) -> None:
    """Install one model with a progress bar. What is there already is read again, and fetched anew if it is damaged."""
    model = card(name)
    kept = store.installed(name)
    if kept:
        console.print(f"{name}: installed ({kept.digest[:12]})")
        return
    console.print(
        f"{name}: weights {model.weights_licence}, code {model.code_licence}, {model.size / _MEGABYTE:.1f} MB"
    )
    columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("fetching", total=model.size)
        kept = store.install(
            name, accept_licence, lambda done, total: bars.update(task, completed=done, total=total), file
        )
    console.print(f"{name}: installed ({kept.digest[:12]}){'' if store.verified(model) else _UNVERIFIED}")


@app.command()
def verify(
    names: Annotated[list[str] | None, typer.Argument(help="Model ids; all that are installed if none.")] = None,
) -> None:
    """Read installed weights again and compare their digests."""
    for name in names or [model.id for model in all_cards() if store.installed(model.id)]:
        digest = store.verify(name).digest
        known = "is right" if store.verified(card(name)) else "is as it was installed" + _UNVERIFIED
        console.print(f"{name}: {digest[:12]} {known}")


@app.command()
def add(
    weights: Annotated[Path, typer.Argument(help="Weights of a network that Resilver knows (.pth, .safetensors).")],
    card_file: Annotated[Path, typer.Option("--card", help="A card of a few lines, as JSON (docs/models.md).")],
) -> None:
    """Add a checkpoint of your own."""
    from resilver_server.models.add import add as add_model  # torch is imported only when it is needed

    kept = add_model(weights, card_file)
    console.print(f"{kept.id}: added ({kept.digest[:12]})")
