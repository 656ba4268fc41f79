"""The server that the page works with: found or started when it is needed, and found again after it has left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from resilver_client.client import Client
from resilver_client.errors import ResilverError, ServerUnreachable

from .showing import shown_error

Tell = Callable[[dict[str, Any]], None]


class Connection:
    """Thread-safe. ``tell`` hears how it stands, as the page shows it."""

    def __init__(self, connect: Callable[[], Client], tell: Tell) -> None:
        self._connect, self._tell = connect, tell
        self._opening = threading.Lock()
        self._client: Client | None = None
        self._former: list[Client] = []
        """Clients whose server has gone; a job may still look for it through one."""

    def client(self) -> Client:
        """One whose server answers. Takes as long as a server takes to come up.

        Raises ServerUnreachable, VersionMismatch and what else ``connect`` raises.
        """
        with self._opening:
            if self._client is not None and self._answers(self._client):
                return self._client
            self._tell({"state": "starting"})
            try:
                client = self._connect()
                version = client.check(timeout=10.0)
            except ResilverError as error:
                self._tell({"state": "failed", "error": shown_error(error)})
                raise
            self._client = client
            self._tell({"state": "ready", "version": version})
            return client

    def close(self) -> None:
        """End all of its calls; jobs go on on the server."""
        for client in (self._client, *self._former):
            if client is not None:
                client.close()

    def _answers(self, client: Client) -> bool:
        try:
            client.check()
        except ServerUnreachable:
            self._former.append(client)
            self._client = None
            return False
        return True
