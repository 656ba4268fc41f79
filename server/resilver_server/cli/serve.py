"""``resilver serve``."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from resilver_client.errors import InvalidRequest
from resilver_client.pinning import MARK
from resilver_server import logs
from resilver_server.api.addresses import TlsFiles
from resilver_server.api.certificates import ensure_certificate, fingerprint
from resilver_server.api.server import serve as serve_until_done
from resilver_server.api.tokens import ensure_token
from resilver_server.config import ServerSettings
from resilver_server.logs import LogFormat

from .reporting import ReportingGroup

_LOCAL, _ANYWHERE = "127.0.0.1:0", "0.0.0.0:7433"
"""Where a server listens if nobody says; the second is for clients elsewhere."""


def serve(
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help=f"HOST:PORT (port 0 takes a free one) or unix:/path; {_LOCAL}, with --remote {_ANYWHERE}.",
        ),
    ] = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="For clients that share no disk with it: prints what they need.")
    ] = False,
    public: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="With --remote: what clients reach it under.")
    ] = None,
    upload_gb: Annotated[float, typer.Option(min=0, help="With --remote: what uploads may take in all.")] = 500,
    transfer_mb: Annotated[
        float | None, typer.Option(min=0, help="With --remote: MB a second of uploads and downloads together.")
    ] = None,
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
    store_gb: Annotated[
        float | None, typer.Option("--store-gb", min=0, help="What may be kept for later jobs; otherwise no bound.")
    ] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM chain, for addresses beyond this machine.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key.")] = None,
    reserve_gb: Annotated[
        float, typer.Option(min=0, help="Room that is left on the disks; a job waits where there is less.")
    ] = 1.0,
    metrics: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Numbers for Prometheus, at an address of this machine.")
    ] = "",
    log_format: Annotated[LogFormat, typer.Option(help="Lines of text, or of JSON.")] = LogFormat.TEXT,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more; only then are paths in the log.")] = False,
) -> None:
    """Run the server in this process until it is interrupted.

    Clients of the same user find it by themselves. RESILVER_HOME says where it keeps its things.
    """
    logs.set_up(logging.DEBUG if verbose else logging.INFO, log_format)
    settings = ServerSettings(
        listen=listen or (_ANYWHERE if remote else _LOCAL),
        workers=workers,
        idle_minutes=idle_minutes,
        roots=tuple(path.absolute() for path in root or ()),
        memory_limit=int(memory_gb * 10**9) if memory_gb else None,
        store_bytes=None if store_gb is None else int(store_gb * 10**9),
        reserve_bytes=int(reserve_gb * 10**9),
        metrics=metrics,
        remote=remote,
        upload_bytes=int(upload_gb * 10**9),
        content_rate=transfer_mb * 10**6 if transfer_mb else None,
    )
    tls = _tls(tls_certificate, tls_key)
    if not remote:
        asyncio.run(serve_until_done(settings, tls))
        return
    if settings.listen.startswith("unix:"):
        raise InvalidRequest("clients elsewhere cannot reach a socket", where=settings.listen, remedy="give HOST:PORT")
    made = tls or ensure_certificate(settings.home)
    pin = "" if tls else f"{MARK}{fingerprint(made)}"
    asyncio.run(serve_until_done(settings, made, lambda address: _tell(settings, public, address), pin))


def _tell(settings: ServerSettings, public: str | None, address: str) -> None:
    """What a client needs, as one line to copy."""
    _, mark, pin = address.partition("#")
    reached = f"tls://{public}{mark}{pin}" if public else address
    print(
        "Clients elsewhere restore film with this server by (one line; whoever has it may use the server):\n\n"
        f"RESILVER_ADDRESS='{reached}' RESILVER_TOKEN='{ensure_token(settings.home)}' "
        "resilver restore SOURCE -o RESULT --preset NAME\n",
        flush=True,
    )


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
