"""``resilver doctor``: every usual fault is planted, found, and has its remedy; without it nothing is found."""

from __future__ import annotations

import datetime
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import opentimelineio as otio
import pytest

from resilver_client.home import address_file, token_file
from resilver_server.cli.doctor import checks
from resilver_server.cli.examining import folders, programs, running
from resilver_server.cli.examining.finding import Finding
from resilver_server.storage.lock import DatabaseLock
from resilver_server.storage.migrations import MIGRATIONS, migrate

JOB = ("id", "request_id", "request_digest", "title", "state", "created", "sequence", "request", "refusals")
SHOT = ("clip", "plan", "stamp", "phase", "state_key")
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at what Linux lists as files")


def faults(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.remedy]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a database of one job that has succeeded, all well."""
    place = tmp_path / "home"
    place.mkdir()
    with sqlite3.connect(place / "jobs.sqlite3", isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection)
        _add_job(connection, tmp_path, "a1b2", "succeeded")
    connection.close()
    return place


def _add_job(connection: sqlite3.Connection, folder: Path, job: str, state: str, created: float = 1.7e9) -> None:
    values = (job, job, "", "", state, created, 0, "{}", "{}")
    connection.execute(f"INSERT INTO job ({', '.join(JOB)}) VALUES ({', '.join('?' * len(JOB))})", values)
    output = folder / "out" / f"{job}.mov"
    output.parent.mkdir(exist_ok=True)
    shot = {"job": job, "number": 0, "output": str(output)} | dict.fromkeys(SHOT, "")
    marks = ", ".join("?" * len(shot))
    connection.execute(f"INSERT INTO shot ({', '.join(shot)}) VALUES ({marks})", tuple(shot.values()))


def test_nothing_is_found_where_all_is_well(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESILVER_ADDRESS", raising=False)
    of_home = [check for check in checks(home) if getattr(check, "args", ()) == (home,)]
    found = [finding for check in of_home for finding in check() if finding.subject != "disk"]
    assert len(of_home) == 8
    assert not faults(found)
    assert "1 jobs, whole" in [finding.fact for finding in found]


def test_too_little_room(home: Path) -> None:
    (fault,) = faults(folders.folders(home, reserve=1 << 60))
    assert "less than the reserve" in fault.fact
    assert "jobs wait" in fault.fact


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written(home: Path) -> None:
    home.chmod(0o500)
    try:
        assert faults(folders.folders(home, reserve=0))[0].subject == "home"
    finally:
        home.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps users apart by itself")
@pytest.mark.parametrize(("name", "subject"), [("token", "token"), ("tls/key.pem", "TLS key")])
def test_a_secret_that_others_can_read(home: Path, name: str, subject: str) -> None:
    file = home / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("secret")
    file.chmod(0o600)
    assert not faults(folders.secrets(home))
    file.chmod(0o644)
    (fault,) = faults(folders.secrets(home))
    assert (fault.subject, str(file) in fault.fact) == (subject, True)
    assert token_file(home) == home / "token"


def test_a_certificate_that_expires(home: Path) -> None:
    pytest.importorskip("cryptography", reason="the extra `remote` is not installed")
    from resilver_server.api.certificates import ensure_certificate

    files = ensure_certificate(home)
    assert not faults(folders.certificate(home))
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3650 - 20)
    (fault,) = faults(folders.certificate(home, later))
    assert "good until" in fault.fact
    files.certificate.write_text("-----BEGIN CERTIFICATE-----\nno\n")
    assert "cannot be read" in faults(folders.certificate(home))[0].fact


def test_a_clock_that_is_off(home: Path) -> None:
    assert "off this machine's" in faults(folders.clock(home, time.time() - 90))[0].fact
    with sqlite3.connect(home / "jobs.sqlite3") as connection:
        _add_job(connection, home.parent, "c3d4", "succeeded", time.time() + 7200)
    connection.close()
    assert "which is to come" in faults(folders.clock(home))[0].fact


def test_a_damaged_database_and_one_of_a_newer_program(home: Path) -> None:
    file = home / "jobs.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE schema_version SET version = ?", (len(MIGRATIONS) + 1,))
    connection.close()
    assert "knows" in faults(folders.database(home))[0].fact
    with sqlite3.connect(file, isolation_level=None) as connection:
        connection.execute("UPDATE schema_version SET version = ?", (len(MIGRATIONS),))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_job_1'").fetchone()
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    connection.close()
    data = bytearray(file.read_bytes())
    data[(root[0] - 1) * size : root[0] * size] = bytes(size)  # an index's page, zeroed by a bad disk
    file.write_bytes(data)
    assert faults(folders.database(home)), "a page is gone"
    file.write_bytes(b"not a database, but as long as one" * 100)
    (fault,) = faults(folders.database(home))
    assert "not a database" in fault.fact


def test_what_a_killed_server_left_beside_results(home: Path, tmp_path: Path) -> None:
    with sqlite3.connect(home / "jobs.sqlite3") as connection:
        _add_job(connection, tmp_path, "e5f6", "rendering")
        _add_job(connection, tmp_path, "0789", "failed")
    connection.close()
    for job in ("a1b2", "e5f6", "0789", "ffff"):
        (tmp_path / "out" / f".resilver-{job}-0-abcd1234").mkdir()
    told = " ".join(fault.fact for fault in faults(folders.left_behind(home)))
    assert "a1b2-0-abcd1234 is left of a job that has ended" in told
    assert "ffff-0-abcd1234 is left of a job that is not known here" in told
    assert "e5f6" not in told, "it is joined at this moment"
    assert "0789" not in told, "a retry goes on from there"


def test_a_download_that_was_broken_off(home: Path) -> None:
    part = home / "models" / "unfinished" / "tmp1"
    part.mkdir(parents=True)
    assert not faults(folders.left_behind(home)), "somebody downloads at this moment"
    os.utime(part, (1.7e9, 1.7e9))
    assert "1 downloads" in faults(folders.left_behind(home))[0].fact


def test_weights_of_which_a_part_is_missing(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "__metadata__": {}}).encode()
    whole = len(header).to_bytes(8, "little") + header + b"1234"
    file = tmp_path / "weights.safetensors"
    for data, expected in (
        (whole, True),
        (whole[:-1], False),
        (whole[:20], False),
        (b"", False),
        (b"\xff" * 16, False),
    ):
        file.write_bytes(data)
        assert programs.is_whole(file) is expected


def test_limits_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource", reason="a matter of Unix")
    assert not faults(programs.limits(tmp_path))
    given = {resource.RLIMIT_NOFILE: (256, 4096), resource.RLIMIT_AS: (10**9, 10**9)}
    monkeypatch.setattr(resource, "getrlimit", given.__getitem__)
    found = {fault.subject: fault.remedy for fault in faults(programs.limits(tmp_path / "missing"))}
    assert found["open files"].startswith("ulimit -n 4096")
    assert found["addresses"] == "ulimit -v unlimited"
    assert ("shared memory" in found) == (sys.platform == "linux")


def test_an_adapter_that_does_not_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not faults(programs.timelines())
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    adapter = otio.adapters.Adapter(name="broken", filepath=str(tmp_path / "broken.py"), suffixes=["brk"])
    manifest = SimpleNamespace(adapters=[*otio.plugins.ActiveManifest().adapters, adapter])
    monkeypatch.setattr(otio.plugins, "ActiveManifest", lambda: manifest)
    (fault,) = faults(programs.timelines())
    assert "broken cannot be loaded" in fault.fact


def test_host_plug_ins_of_another_version(tmp_path: Path) -> None:
    manifest = tmp_path / "blender_manifest.toml"
    own = tmp_path / "davinci"
    own.mkdir()
    listing = {"version": "0.1.7", "files": {}, "folders": [], "later": []}
    for version, expected in (("0.1.3", 0), ("0.2.0", 1)):
        manifest.write_text(f'version = "{version}"\n')
        (own / _listing_name()).write_text(json.dumps(listing | {"version": version}))
        assert len(faults(programs.hosts("0.1.0", [manifest], [own]))) == 2 * expected
    manifest.write_text("no toml")
    assert "cannot be read" in faults(programs.hosts("0.1.0", [manifest], []))[0].fact


def _listing_name() -> str:
    from resilver_bridge.install import listing

    return listing.NAME


def test_the_address_of_a_server_that_was_killed_and_one_that_hangs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RESILVER_ADDRESS", raising=False)
    address_file(home).write_text(json.dumps({"address": "127.0.0.1:9", "pid": 1}))
    token_file(home).write_text("x" * 43)
    token_file(home).chmod(0o600)
    (fault,) = faults(running.server(home))
    assert "names 127.0.0.1:9, where no server is" in fault.fact
    lock = DatabaseLock(home / "jobs.sqlite3.lock")
    lock.acquire()
    try:
        (fault,) = faults(running.server(home))
    finally:
        lock.release()
    assert f"process {os.getpid()}" in fault.fact
    assert "does not answer" in fault.fact


@linux
def test_a_worker_that_lost_its_server(home: Path) -> None:
    """Its pipe is held open by somebody else, or it would have left."""
    spawn = (
        "import subprocess, sys; held = open(sys.argv[1]);"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)',"
        " 'resilver_server.execution.worker'], stdin=held, stdout=subprocess.DEVNULL).pid)"
    )
    fifo = home / "pipe"
    os.mkfifo(fifo)
    keeper = os.open(fifo, os.O_RDWR)
    given = os.environ | {"RESILVER_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", spawn, str(fifo)], stdout=subprocess.PIPE, env=given, check=True)
    pid = int(done.stdout)
    try:
        (fault,) = faults(running.orphans(home))
        assert fault.remedy == f"kill -9 {pid}"
        assert not faults(running.orphans(home / "another"))
    finally:
        os.kill(pid, 9)
        os.close(keeper)
