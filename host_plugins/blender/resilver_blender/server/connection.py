"""From the preferences to a client. Knows no Blender; ``preferences.connection`` fills it in."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from resilver_client.discovery import Endpoint, discover, is_local
from resilver_client.errors import InvalidRequest, ResilverError, ServerUnreachable

if TYPE_CHECKING:
    from resilver_client.client import Client


@dataclass(frozen=True)
class Connection:
    """Where the server is, read from the preferences on the main thread and used by worker threads."""

    address: str = ""
    """Empty: ``RESILVER_ADDRESS``, else the server of this user on this machine."""
    token: str = field(default="", repr=False)
    """Empty: ``RESILVER_TOKEN``, else the one that the server of this user has left."""
    certificates: str = ""
    """PEM file of trusted roots for TLS; empty: the public authorities."""
    command: str = ""
    """Path of ``resilver``; empty: ``RESILVER_COMMAND``, else the one on the path."""
    start: bool = True
    """Whether a server of this machine is started where none runs."""
    online: bool = False
    """Whether Blender may go online: needed for addresses that are not this machine's."""

    def open(self) -> Client:
        """A client of the server, which is started where that is wanted. May take a minute: for a thread.

        Raises ServerUnreachable, Unauthenticated, VersionMismatch, UnsafeAddress, InvalidRequest.
        """
        from resilver_client.client import Client
        from resilver_client.launch import ensure_server

        self._check()
        if self.start and not self.elsewhere():
            ensure_server(command=(self.command,) if self.command else None).close()
        client = Client(self._endpoint)
        try:
            client.check()
        except ResilverError:
            client.close()
            raise
        return client

    def elsewhere(self) -> str:
        """The address that was given; empty where the server of this user is meant."""
        return self.address or os.environ.get("RESILVER_ADDRESS", "")

    def _check(self) -> None:
        address = self.elsewhere()
        if address and not self.online and not is_local(address.removeprefix("tls://")):
            raise ServerUnreachable(
                "Blender is not allowed to go online",
                where=address,
                remedy="switch on Preferences > System > Network > Allow Online Access",
            )
        if self.certificates and not Path(self.certificates).is_file():
            raise InvalidRequest(
                "no such certificate file", where=self.certificates, remedy="correct it in the preferences"
            )

    def _endpoint(self) -> Endpoint:
        found = discover(self.address or None, self.token or None)
        return replace(found, certificates=self.certificates)
