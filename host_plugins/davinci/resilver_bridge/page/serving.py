"""The page's server: uvicorn in a thread, on loopback, on a port that is free."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn

from resilver_bridge.desk import Desk
from resilver_client.errors import AddressUnavailable

from .app import application
from .doors import Doors

_HERE = "127.0.0.1"
_CONNECTED = 30.0
"""Seconds since a page last asked after which none is there: an open one asks every 20."""
_ENDING = 5.0
"""Seconds that the server gets to end."""


class Serving:
    """``start`` gives the address to open; every page that is opened needs one of its own (``url``)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._last = time.monotonic()
        self._ever = False
        self._doors: Doors | None = None
        self._address = ""
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """The address of the page, good for opening it once. Raises AddressUnavailable."""
        listening = _listening()
        port = listening.getsockname()[1]
        self._address, self._doors = f"http://{_HERE}:{port}", Doors(port)
        app = application(self._desk, self._doors, self._seen)
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False)
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), name="resilver page", daemon=True)
        self._thread.start()
        return self.url()

    def url(self) -> str:
        """An address that opens the page once more, from now on and once. Only after ``start``."""
        assert self._doors is not None, "the page is not served yet"
        return f"{self._address}/?key={self._doors.key()}"

    def stop(self) -> None:
        """Close the desk first: pages that wait for something new are answered then."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_ENDING)

    @property
    def connected(self) -> bool:
        """Whether a page is open."""
        return self._ever and self.last_seen < _CONNECTED

    @property
    def last_seen(self) -> float:
        """Seconds since a page last asked for something; since the start where none has."""
        return time.monotonic() - self._last

    def _seen(self) -> None:
        self._last, self._ever = time.monotonic(), True


def _listening() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.bind((_HERE, 0))
        found.listen(64)
    except OSError as error:
        found.close()
        raise AddressUnavailable(
            f"the page cannot be served: {error.strerror}", where=_HERE, remedy="see whether a firewall forbids it"
        ) from error
    return found
