"""Where a server may listen: loopback and Unix sockets as they are, anything else with TLS only."""

from __future__ import annotations

import json
import os
import secrets
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from resilver_client.discovery import is_local
from resilver_client.errors import AddressUnavailable, InvalidRequest, UnsafeAddress
from resilver_client.home import address_file

_UNIX = "unix:"


@dataclass(frozen=True)
class TlsFiles:
    """PEM files of the server's certificate chain and its private key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class ListenAddress:
    """An address that may be listened on."""

    host: str
    """Host name or IP address; for a Unix socket its path."""
    port: int
    """0 takes a free one; unused for a Unix socket."""
    unix: bool
    tls: bool

    @property
    def target(self) -> str:
        """As gRPC writes it."""
        return f"{_UNIX}{self.host}" if self.unix else f"{_bracketed(self.host)}:{self.port}"

    @property
    def loopback(self) -> bool:
        return is_local(self.target)

    def announced(self, port: int) -> str:
        """What clients are told, once ``port`` is bound."""
        if self.unix:
            return self.target
        host = socket.getfqdn() if self.host in ("0.0.0.0", "::") else self.host
        return f"{'tls://' if self.tls else ''}{_bracketed(host)}:{port}"


def parse_listen(text: str, tls: TlsFiles | None) -> ListenAddress:
    """``HOST:PORT`` or ``unix:/path`` as an address that may be listened on.

    Raises InvalidRequest for anything else, and UnsafeAddress for an address beyond this machine without TLS.
    """
    if text.startswith(_UNIX):
        return _unix(text.removeprefix(_UNIX))
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise InvalidRequest(
            "not an address to listen on", where=text, remedy="write 127.0.0.1:0, [::1]:50051 or unix:/path/to/socket"
        )
    address = ListenAddress(host, int(port), unix=False, tls=tls is not None)
    if not address.loopback and not address.tls:
        raise UnsafeAddress(
            "other machines could reach it in the clear",
            where=text,
            remedy="listen on 127.0.0.1, or give --tls-certificate and --tls-key",
        )
    return address


def _unix(path: str) -> ListenAddress:
    if not Path(path).is_absolute():
        raise InvalidRequest("the path of a socket must be absolute", where=f"{_UNIX}{path}")
    return ListenAddress(path, 0, unix=True, tls=False)


def clear_socket(path: Path) -> None:
    """Remove the socket that a server left when it was killed.

    Raises AddressUnavailable where somebody listens there, or where a file of another kind lies there.
    """
    if not path.exists() and not path.is_symlink():
        return
    if not stat.S_ISSOCK(path.lstat().st_mode):
        raise AddressUnavailable("a file that is no socket lies there", where=str(path), remedy="choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise AddressUnavailable("another server listens there", where=str(path), remedy="choose another path")


def leave_address(home: Path, address: str) -> None:
    """Write the address file, in one step."""
    file = address_file(home)
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.write_text(json.dumps({"address": address, "pid": os.getpid()}) + "\n")
    draft.replace(file)


def take_address_back(home: Path) -> None:
    """Remove the address file if it is this process's."""
    file = address_file(home)
    try:
        mine = json.loads(file.read_text())["pid"] == os.getpid()
    except (OSError, ValueError, KeyError, TypeError):
        return
    if mine:
        file.unlink(missing_ok=True)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
