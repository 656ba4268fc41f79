"""A certificate that the server makes itself. Clients know it by its fingerprint, so no authority has to sign it."""

from __future__ import annotations

import datetime
from pathlib import Path

from resilver_client.errors import InvalidRequest
from resilver_client.pinning import NAME, fingerprint_of_pem

from .addresses import TlsFiles
from .tokens import private_draft

_YEARS = 10
_DAY = datetime.timedelta(days=1)


def ensure_certificate(home: Path) -> TlsFiles:
    """``home/tls``: made at the first call, the same ever after, so that what clients were told stays true.

    Raises InvalidRequest where the package ``cryptography`` is not installed.
    """
    folder = home / "tls"
    files = TlsFiles(folder / "certificate.pem", folder / "key.pem")
    if not (files.certificate.exists() and files.key.exists()):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        certificate, key = _make()
        private_draft(files.key, key).replace(files.key)
        private_draft(files.certificate, certificate).replace(files.certificate)
    return files


def fingerprint(files: TlsFiles) -> str:
    """sha256 of the certificate, in hex."""
    return fingerprint_of_pem(files.certificate.read_text())


def _make() -> tuple[bytes, bytes]:
    """Certificate and private key as PEM: ECDSA over P-256, for the name that pinning clients ask for."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError as error:
        remedy = "pip install 'resilver[remote]', or give --tls-certificate and --tls-key"
        raise InvalidRequest("making a certificate needs the package cryptography", remedy=remedy) from error
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 365 * _YEARS * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
