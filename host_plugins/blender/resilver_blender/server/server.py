"""What Blender knows of the server: fetched by threads, read while panels are drawn. Knows no Blender."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from resilver_client.catalogue import Catalogue, fetch
from resilver_client.errors import InternalError, ResilverError

from . import catalogue
from .connection import Connection

if TYPE_CHECKING:
    from resilver_client.client import Client


class Server:
    """The catalogue, and how the last talk with the server went."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        """Empty until it was read from the file or from the server."""
        self.problem: ResilverError | None = None
        """Why the last talk failed; None where it went well, or none was tried."""
        self.answer = ""
        """What the test of the connection found, for people."""
        self.doing = ""
        """What goes on now, for people; empty where nothing does."""
        self.asked = False
        """Whether the server was ever asked."""
        self.revision = 0
        """Raised with every change, so that the main thread sees what is to be drawn again."""
        self._lock = Lock()
        self._cache: Path | None = None

    def keep_in(self, cache: Path) -> None:
        """Read what an earlier session has kept in this file, and keep the next catalogue there."""
        self._cache = cache
        if not self.catalogue.stages:
            self.catalogue = catalogue.load(cache) or self.catalogue

    def look(self, connection: Connection) -> Thread | None:
        """Fetch the catalogue in a thread; None where a talk is under way already."""
        return self._begin("Asking the server", lambda: self._looked(connection))

    def test(self, connection: Connection) -> Thread | None:
        """Find out in a thread who answers, for people (``answer``), and fetch the catalogue."""
        return self._begin("Testing the connection", lambda: self._tested(connection))

    def install(self, connection: Connection, model: str, accept_licence: bool) -> Thread | None:
        """Have the server fetch a model, in a thread."""
        return self._begin(f"Installing {model}", lambda: self._installed(connection, model, accept_licence))

    def take(self, found: Catalogue) -> None:
        """A catalogue that someone else has fetched."""
        if found != self.catalogue:
            self.catalogue = found
            self._keep(found)
        self.asked, self.problem = True, None
        self.revision += 1

    def _begin(self, doing: str, talk: Callable[[], None]) -> Thread | None:
        with self._lock:
            if self.doing:
                return None
            self.doing = doing
        self.revision += 1
        thread = Thread(target=self._talk, args=(talk,), name="resilver-server", daemon=True)
        thread.start()
        return thread

    def _talk(self, talk: Callable[[], None]) -> None:
        self.answer, self.asked = "", True
        try:
            talk()
            self.problem = None
        except ResilverError as error:
            self.problem = error
        except Exception as error:  # the edge of the thread: what is not foreseen must be seen, not lost
            traceback.print_exc()
            self.problem = InternalError(f"{type(error).__name__}: {error}", remedy="the console shows where")
        finally:
            self.doing = ""
            self.revision += 1

    def _looked(self, connection: Connection) -> None:
        with connection.open() as client:
            self.take(fetch(client))

    def _tested(self, connection: Connection) -> None:
        with connection.open() as client:
            self.take(fetch(client))
            self.answer = _described(client)

    def _installed(self, connection: Connection, model: str, accept_licence: bool) -> None:
        with connection.open() as client:
            for step in client.install_model(model, accept_licence):
                share = f" {step.done * 100 // step.total} %" if step.total else ""
                self.doing = f"Installing {model}: {step.step}{share}"
                self.revision += 1
            self.take(fetch(client))
        self.answer = f"{model} is installed"

    def _keep(self, found: Catalogue) -> None:
        if self._cache is None:
            return
        try:
            catalogue.save(found, self._cache)
        except OSError as error:  # it is fetched again then; no job fails for that
            print(f"Resilver: the catalogue cannot be kept in {self._cache}: {error.strerror}")


def _described(client: Client) -> str:
    """Who answers and what it renders with, in a sentence."""
    info = client.server_info()
    devices = ", ".join(device.name or device.id for device in info.devices) or "no device"
    return f"Resilver {info.version} answers at {client.endpoint().address}; it renders with {devices}"


SERVER = Server()
"""Blender talks to one server at a time."""
