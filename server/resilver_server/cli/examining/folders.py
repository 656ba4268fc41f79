"""The home folder: room, token, certificate, clock, the database, and what interrupted work left behind."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import sqlite3
import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from resilver_client.home import is_shared, token_file
from resilver_server.config import ServerSettings
from resilver_server.storage.migrations import MIGRATIONS

from .finding import Finding

_GIGABYTE = 1e9
_LITTLE_DISK = 10 * 10**9
_SKEW = 2.0
"""Seconds between this machine's clock and that of a disk: files are known by their dates."""
_SOON = datetime.timedelta(days=30)
_LOOKING = 10.0
"""Seconds that a database is looked through."""


def folders(home: Path, reserve: int = ServerSettings.reserve_bytes) -> Iterator[Finding]:
    """Whether the home can be written, and whether there is room."""
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if _date_of_a_new_file(existing) is None:
        yield Finding("home", str(home), "not writable: set RESILVER_HOME to a folder that is")
    else:
        yield Finding("home", str(home))
    free = shutil.disk_usage(existing).free
    remedy = "make room, or move RESILVER_HOME"
    if free < reserve:
        told = f"{free / _GIGABYTE:.1f} GB free, less than the reserve of {reserve / _GIGABYTE:.1f} GB: jobs wait"
        yield Finding("disk", told, remedy)
    else:
        yield Finding("disk", f"{free / _GIGABYTE:.0f} GB free", "" if free > _LITTLE_DISK else remedy)


def secrets(home: Path) -> Iterator[Finding]:
    """The token, and the key of the certificate: nobody else may know them."""
    for subject, file in (("token", token_file(home)), ("TLS key", home / "tls" / "key.pem")):
        if file.exists() and is_shared(file.stat()):
            remedy = f"remove it and start the server again: a new one is made ({file})"
            yield Finding(subject, f"{file} can be read by others, or is another user's", remedy)


def certificate(home: Path, now: datetime.datetime | None = None) -> Iterator[Finding]:
    """How long the certificate is good that the server shows to clients elsewhere."""
    file = home / "tls" / "certificate.pem"
    if not file.exists():
        return
    remedy = f"remove {file.parent} and start the server again; clients need its new address then"
    try:
        ends = _ends(file)
    except (OSError, ValueError, ssl.SSLError) as error:
        yield Finding("certificate", f"{file} cannot be read: {error}", remedy)
        return
    if ends is None:
        yield Finding("certificate", f"{file}; how long it is good, the package cryptography would tell")
        return
    left = ends - (now or datetime.datetime.now(datetime.UTC))
    yield Finding("certificate", f"good until {ends:%Y-%m-%d}", remedy if left < _SOON else "")


def _ends(file: Path) -> datetime.datetime | None:
    """None without the library that reads certificates. Raises OSError, ValueError."""
    try:
        from cryptography import x509
    except ImportError:
        return None
    return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc


def clock(home: Path, now: float | None = None) -> Iterator[Finding]:
    """Media is known by the dates of its files, and jobs by the time of their birth."""
    today, remedy = (
        now if now is not None else time.time(),
        "let a time service set the clock (timedatectl set-ntp true)",
    )
    newest = _newest_job(home / "jobs.sqlite3")
    if newest is not None and newest > today + 60:
        when = datetime.datetime.fromtimestamp(newest, datetime.UTC)
        yield Finding("clock", f"a job was queued at {when:%Y-%m-%d %H:%M} UTC, which is to come", remedy)
        return
    written = _date_of_a_new_file(home) if home.is_dir() else None
    if written is not None and abs(written - today) > _SKEW:
        told = f"the disk of {home} is {written - today:+.0f} s off this machine's"
        yield Finding("clock", told, f"{remedy}, on both machines where it is a share")
        return
    yield Finding("clock", datetime.datetime.fromtimestamp(today, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC"))


def _date_of_a_new_file(folder: Path) -> float | None:
    """None where none can be made."""
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        return Path(file.name).stat().st_mtime
    return None


def _newest_job(database: Path) -> float | None:
    with contextlib.suppress(sqlite3.Error, OSError), _reading(database) as connection:
        found = connection.execute("SELECT max(created) FROM job").fetchone()
        return float(found[0]) if found and found[0] is not None else None
    return None


def database(home: Path) -> Iterator[Finding]:
    """Whether it is whole, and of a version that this program knows."""
    file = home / "jobs.sqlite3"
    if not file.exists():
        return
    aside = f"stop the server and move {file} away: a new one is made, finished results stay"
    try:
        with _reading(file) as connection:
            version = int(connection.execute("SELECT max(version) FROM schema_version").fetchone()[0] or 0)
            if version > len(MIGRATIONS):
                told = f"{file} is of version {version}, and this program knows {len(MIGRATIONS)}"
                yield Finding("database", told, "start the newer resilver that wrote it")
                return
            told = _quick_check(connection)
            jobs = connection.execute("SELECT count(*) FROM job").fetchone()[0]
    except (sqlite3.Error, TypeError, OSError) as error:
        yield Finding("database", f"{file}: {error}", aside)
        return
    yield Finding("database", f"{jobs} jobs, {told or 'whole'}", aside if told and "large" not in told else "")


def _quick_check(connection: sqlite3.Connection) -> str:
    """What is wrong; empty where nothing is."""
    until = time.monotonic() + _LOOKING
    connection.set_progress_handler(lambda: time.monotonic() > until, 100_000)
    try:
        said = connection.execute("PRAGMA quick_check(3)").fetchall()
    except sqlite3.OperationalError as error:
        if "interrupt" in str(error):
            return "too large to be looked through in a moment"
        raise
    finally:
        connection.set_progress_handler(None, 0)
    return "" if said == [("ok",)] else "; ".join(str(row[0]) for row in said)


def left_behind(home: Path) -> Iterator[Finding]:
    """Hidden folders beside results, in which a result was being joined, of jobs that have ended or are unknown; and
    unfinished downloads of models."""
    known, outputs = _jobs_and_outputs(home / "jobs.sqlite3")
    for folder in sorted(outputs):
        for staging in sorted(folder.glob(".resilver-*")):
            job = staging.name.removeprefix(".resilver-").split("-")[0]
            if known.get(job, "succeeded") == "succeeded":
                which = "a job that has ended" if job in known else "a job that is not known here"
                told = f"{staging} is left of {which}"
                yield Finding("unfinished result", told, f'if no other server works there: rm -r "{staging}"')
    unfinished = home / "models" / "unfinished"
    old = [path for path in (unfinished.iterdir() if unfinished.is_dir() else ()) if _idle(path)]
    if old:
        told = f"{len(old)} downloads of models were broken off"
        yield Finding("models", told, f'rm -r "{unfinished}", then resilver models pull')


def _idle(path: Path) -> bool:
    """Whether nobody has written there for an hour."""
    with contextlib.suppress(OSError):
        return time.time() - max(each.stat().st_mtime for each in (path, *path.rglob("*"))) > 3600
    return False


def _jobs_and_outputs(file: Path) -> tuple[dict[str, str], set[Path]]:
    """States of jobs, and the folders of their results."""
    with contextlib.suppress(sqlite3.Error, OSError), _reading(file) as connection:
        states = dict(connection.execute("SELECT id, state FROM job").fetchall())
        folders = {Path(row[0]).parent for row in connection.execute("SELECT DISTINCT output FROM shot")}
        return states, {folder for folder in folders if folder.is_dir()}
    return {}, set()


@contextlib.contextmanager
def _reading(file: Path) -> Iterator[sqlite3.Connection]:
    """Nothing is written, and a server that works with it is not held up. Raises sqlite3.Error."""
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=2.0)
    try:
        yield connection
    finally:
        connection.close()
