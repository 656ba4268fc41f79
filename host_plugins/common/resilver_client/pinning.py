"""Knowing a server by the fingerprint of its certificate, where no authority vouches for it. Standard library only.

gRPC cannot compare fingerprints. So the certificate is fetched first, compared, and then made the only one that the
connection trusts: whoever answers it has to hold that certificate's private key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import socket
import ssl

from .errors import InvalidRequest, ServerUnreachable, UnsafeAddress

NAME = "resilver.invalid"
"""Name in a certificate that a server made itself; it stands for no machine."""
MARK = "#sha256="
"""Between an address and a fingerprint."""
_HEX = re.compile(r"[0-9a-f]{64}")
_WAIT = 10.0
"""Seconds that a server may take to show its certificate."""


def split_pin(address: str) -> tuple[str, str]:
    """An address and its fingerprint ("" without one).

    Raises InvalidRequest for a fingerprint that is none, UnsafeAddress where the connection would not be encrypted.
    """
    plain, mark, rest = address.partition("#")
    if not mark:
        return plain, ""
    pin = f"{mark}{rest}".removeprefix(MARK).replace(":", "").lower()
    if not _HEX.fullmatch(pin):
        raise InvalidRequest("not a sha256 fingerprint", where=address, remedy="copy the server's whole line")
    if not plain.startswith("tls://"):
        remedy = f"write tls://{plain}{MARK}{pin}"
        raise UnsafeAddress("a certificate is expected where there would be none", where=address, remedy=remedy)
    return plain, pin


def pinned_certificate(target: str, pin: str) -> bytes:
    """The PEM certificate of the server at ``HOST:PORT``.

    Raises ServerUnreachable where none answers, UnsafeAddress where it is another than the pinned one.
    """
    host, _, port = target.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its fingerprint is looked at instead
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=_WAIT) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as secure,
        ):
            shown = secure.getpeercert(binary_form=True) or b""
    except (OSError, ValueError) as error:
        raise ServerUnreachable(
            f"no server shows a certificate there ({error})", where=f"tls://{target}", remedy="check the address"
        ) from error
    found = hashlib.sha256(shown).hexdigest()
    if not hmac.compare_digest(found, pin):
        raise UnsafeAddress(
            f"another server answers: its certificate is sha256={found}",
            where=f"tls://{target}",
            remedy="do not go on unless the server was set up anew; then copy its new line",
        )
    return ssl.DER_cert_to_PEM_cert(shown).encode()


def fingerprint_of_pem(text: str) -> str:
    """sha256 of the first certificate of a PEM text, in hex. Raises ValueError."""
    end = "-----END CERTIFICATE-----"
    return hashlib.sha256(
        ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN") : text.index(end) + len(end)])
    ).hexdigest()
