"""What ``resilver bridge`` does: from the menu script's hello to goodbye."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import BinaryIO

from resilver_client import __version__
from resilver_client import home as homes
from resilver_client.errors import ResilverError, VersionMismatch
from resilver_client.launch import ensure_server
from resilver_davinci.message import open_page

from .desk import Desk
from .page.serving import Serving
from .protocol import Script
from .resolve import Resolve

ALONE = 60.0
"""Seconds without a page, and with nothing that runs, after which the bridge leaves."""
_TICK = 0.5
"""Seconds between looks at whether it is time to leave."""


def run(stdin: BinaryIO, stdout: BinaryIO, home: Path | None = None, alone: float = ALONE) -> int:
    """Serve one menu entry over these pipes; the exit status: 1 where nothing could be served.

    Nothing else may write to ``stdout`` (``pipes.private_pipes``). ``home`` is Resilver's folder (None: the user's).
    """
    script = Script(stdin, stdout)
    try:
        hello = script.greet(__version__)
        _log(f"Resilver {__version__}, {hello.verb}, for {hello.product} {'.'.join(map(str, hello.version))}")
        _serve(script, home, alone)
    except ResilverError as error:
        if not isinstance(error, VersionMismatch):  # ``greet`` has told it of that
            script.refuse(error)
        _log(f"error: {error.reason}: {error}")
        return 1
    return 0


def _serve(script: Script, home: Path | None, alone: float) -> None:
    """One desk and its page, until somebody wants to leave."""
    place = home or homes.home()
    desk = Desk(Resolve(script, place), place, lambda: ensure_server(home=home))
    serving = Serving(desk)
    try:
        address = serving.start()
        desk.open()
        _show(script, address)
        _log(_wait(script, desk, serving, alone))
    finally:
        desk.close()
        serving.stop()
    script.bye()


def _show(script: Script, address: str) -> None:
    """Open the page. Its address is printed too: it opens once, for whoever has come without a browser."""
    opened = open_page(address)
    script.say(f"Resilver's page {'is open in your browser' if opened else 'can be opened in a browser'}: {address}")
    _log(f"page: {address}")


def _wait(script: Script, desk: Desk, serving: Serving, alone: float) -> str:
    """Until it is time to leave; why it is."""
    while not script.gone.wait(_TICK):
        if desk.left.is_set():
            return "left from the page"
        if not desk.running and serving.last_seen > alone:
            return f"no page for {alone:g} seconds, and nothing runs"
    return "the menu script has gone"


def _log(words: str) -> None:
    """Standard error is the log file."""
    print(time.strftime("%Y-%m-%d %H:%M:%S"), words, file=sys.stderr, flush=True)
