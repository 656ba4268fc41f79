"""``resilver serve``."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from resilver_client.errors import InvalidRequest
from resilver_server.api.addresses import TlsFiles
from resilver_server.api.server import serve as serve_until_done
from resilver_server.config import ServerSettings

from .reporting import ReportingGroup

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def serve(
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="HOST:PORT (port 0 takes a free one) or unix:/path.")
    ] = "127.0.0.1:0",
    workers: Annotated[int, typer.Option(min=1, help="Processes for heavy work.")] = 1,
    idle_minutes: Annotated[
        float | None, typer.Option(min=0, help="Leave after so long without a job or a call; otherwise stay.")
    ] = None,
    root: Annotated[
        list[Path] | None, typer.Option(help="Folder in which media and results may lie (several allowed).")
    ] = None,
    memory_gb: Annotated[
        float | None, typer.Option("--memory-gb", min=0.25, help="Memory that rendering may take, of the device's.")
    ] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM chain, for addresses beyond this machine.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    """Run the server in this process until it is interrupted.

    Clients of the same user find it by themselves. RESILVER_HOME says where it keeps its things.
    """
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, format=_FORMAT)
    settings = ServerSettings(
        listen=listen,
        workers=workers,
        idle_minutes=idle_minutes,
        roots=tuple(path.absolute() for path in root or ()),
        memory_limit=int(memory_gb * 10**9) if memory_gb else None,
    )
    asyncio.run(serve_until_done(settings, _tls(tls_certificate, tls_key)))


def _tls(certificate: Path | None, key: Path | None) -> TlsFiles | None:
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise InvalidRequest("TLS needs a certificate and a key", remedy="give --tls-certificate and --tls-key")
    for file in (certificate, key):
        if not file.is_file():
            raise InvalidRequest("no such file", where=str(file))
    return TlsFiles(certificate, key)


app = typer.Typer(cls=ReportingGroup, add_completion=False, help="The server alone: what clients start.")
app.command()(serve)


@app.callback()
def _group() -> None:
    """Makes ``serve`` a named command of the group, so that its errors are reported in one line."""


if __name__ == "__main__":
    app()
