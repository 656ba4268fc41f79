"""Where the server of this user listens, and the token it wants to see.

``RESILVER_ADDRESS`` and ``RESILVER_TOKEN`` come before the files that a server leaves in its home folder. Addresses
are ``HOST:PORT`` on loopback, ``unix:/path``, or ``tls://HOST:PORT`` anywhere, with ``#sha256=FINGERPRINT`` where the
server's certificate is known by that alone.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from . import home as places
from .errors import ServerUnreachable, Unauthenticated, UnsafeAddress
from .pinning import split_pin

_TOKEN = re.compile(rb"[!-~]+")
"""Anything else cannot travel in a call."""
_LONGEST_TOKEN = 4096
"""Bytes."""
_START = "start it with `resilver serve`"


@dataclass(frozen=True)
class Endpoint:
    """A server's address and the token to show."""

    address: str
    token: str = field(repr=False)
    certificates: str = ""
    """PEM file of trusted roots for TLS; empty: that of ``RESILVER_CERTIFICATES``, else the public authorities."""
    pin: str = ""
    """Fingerprint of the only certificate that is accepted; it comes before ``certificates``."""

    @property
    def encrypted(self) -> bool:
        return self.address.startswith("tls://")

    @property
    def target(self) -> str:
        """The address as gRPC writes it."""
        return self.address.removeprefix("tls://")


def discover(address: str | None = None, token: str | None = None, home: Path | None = None) -> Endpoint:
    """The server to talk to: what is given, else the environment, else what a running server left in ``home``.

    Raises ServerUnreachable where no server has left its address, Unauthenticated where no token is found, and
    UnsafeAddress for an address to which the token would travel in the clear.
    """
    address, pin = split_pin(address or os.environ.get("RESILVER_ADDRESS") or _address_left(home))
    token = token or os.environ.get("RESILVER_TOKEN") or _token_left(home)
    if not address.startswith("tls://") and not is_local(address):
        raise UnsafeAddress(
            "the token would travel in the clear", where=address, remedy=f"use tls://{address} with a TLS server"
        )
    return Endpoint(address, token, pin=pin)


def is_local(address: str) -> bool:
    """Whether ``HOST:PORT`` or ``unix:...`` stays on this machine."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _address_left(home: Path | None) -> str:
    file = places.address_file(home)
    try:
        return str(json.loads(file.read_text())["address"])
    except FileNotFoundError as error:
        raise ServerUnreachable("no server is running", where=str(file), remedy=_START) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServerUnreachable(f"unreadable address file: {error}", where=str(file), remedy=_START) from error


def _token_left(home: Path | None) -> str:
    file = places.token_file(home)
    try:
        with file.open("rb") as opened:
            shared = places.is_shared(os.fstat(opened.fileno()))
            token = opened.read(_LONGEST_TOKEN).strip()
    except OSError as error:
        raise Unauthenticated(
            f"no token: {error.strerror}", where=str(file), remedy="set RESILVER_TOKEN to the server's token"
        ) from error
    if shared:
        what = "others may know the token: they can read its file, or own it"
        remedy = "restart the server, which makes a new one, with RESILVER_HOME on a disk that keeps permissions"
        raise Unauthenticated(what, where=str(file), remedy=remedy)
    if not _TOKEN.fullmatch(token):
        what = "the token file is damaged" if token else "the token file is empty"
        raise Unauthenticated(what, where=str(file), remedy="delete it and restart the server")
    return token.decode()
