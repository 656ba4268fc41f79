"""``resilver store``: what the server keeps for later jobs, and room made in it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Column, Table

from resilver.v1 import store_pb2
from resilver_client.client import connect

from .reporting import ReportingGroup, console

app = typer.Typer(
    cls=ReportingGroup, invoke_without_command=True, add_completion=False, help="What the server keeps for later jobs."
)
GIGABYTE = 10**9


@app.callback()
def _store(context: typer.Context) -> None:
    """What the store holds, its quota, and what could be removed."""
    if context.invoked_subcommand is None:
        with connect() as client:
            _show(client.store())


@app.command()
def tidy(
    to: Annotated[float, typer.Option("--to", min=0, metavar="GB", help="Stop as soon as so much remains.")] = 0.0,
) -> None:
    """Remove what no unfinished job needs, least recently used first. What is needed again is made again."""
    with connect() as client:
        freed = client.collect_garbage(round(to * GIGABYTE))
    console.print(f"{freed.items} pieces of {_size(freed.bytes)} removed")
    _show(freed.store)


def _show(store: store_pb2.Store) -> None:
    right = {"justify": "right"}
    table = Table("kind", Column("pieces", **right), Column("size", **right), Column("needed", **right), box=None)  # type: ignore[arg-type]
    for kind in store.kinds:
        table.add_row(kind.kind, str(kind.items), _size(kind.bytes), _size(kind.needed_bytes))
    total, needed = (sum(getattr(kind, name) for kind in store.kinds) for name in ("bytes", "needed_bytes"))
    table.add_row("all", str(sum(kind.items for kind in store.kinds)), _size(total), _size(needed))
    console.print(table)
    quota = _size(store.quota_bytes) if store.HasField("quota_bytes") else "none (resilver serve --store-gb sets one)"
    console.print(f"quota {quota}; no unfinished job needs {_size(total - needed)}, which resilver store tidy removes")


def _size(count: int) -> str:
    return f"{count / GIGABYTE:.2f} GB" if count >= GIGABYTE // 10 else f"{count / 10**6:.1f} MB"
