"""Where a server keeps its things and how it behaves. Standard library only."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from resilver_client import home as places
from resilver_client.errors import PathNotAllowed
from resilver_client.limits import NAME, UNFINISHED_JOBS

TASKS_MODULE = "resilver_server.engine.tasks"
"""What workers import by name: ``run(task, progress, cancelled) -> Result``."""

MEMORY_LIMIT = "RESILVER_MEMORY_LIMIT"
"""Environment variable by which a worker hears how many bytes it may take."""


@dataclass(frozen=True)
class ServerSettings:
    """One server's settings; every default follows from its home folder."""

    home: Path = field(default_factory=places.home)
    database: Path | None = None
    """SQLite file; None is ``home/jobs.sqlite3``."""
    content: Path | None = None
    """Folder of segments, states and measurements; None is ``home/content``."""
    listen: str = "127.0.0.1:0"
    """``HOST:PORT`` (port 0 takes a free one) or ``unix:/path``."""
    workers: int = 1
    """Processes for heavy tasks. A further one answers short questions (probing, devices)."""
    idle_minutes: float | None = None
    """Leave after so long without a job or a call; None stays."""
    roots: tuple[Path, ...] = ()
    """Folders in which media and results may lie; empty allows any absolute local path."""
    unfinished_jobs: int = UNFINISHED_JOBS
    """Of one client, which is whoever has the token; a further one is refused."""
    store_bytes: int | None = None
    """What the content store may hold: beyond it what no unfinished job needs goes, least recently used first. None is
    no bound."""
    worker_module: str = TASKS_MODULE
    reserve_bytes: int = 10**9
    """Room that is left on the disks of store and results: a job waits where there is less. 0 leaves none."""
    worker_idle_seconds: float = 120.0
    """A worker process that had nothing to do for so long ends, and what it held of the device is free."""
    metrics: str = ""
    """``HOST:PORT`` of this machine where Prometheus may read numbers, without a token; empty serves none."""
    memory_limit: int | None = None
    """Bytes of a device's memory (on a CPU: of main memory) that rendering may take, all workers together; None is what
    is free."""

    remote: bool = False
    """Whether clients share no disk with it: they upload media and download results, and no path is shown to them."""
    upload_bytes: int = 500 * 10**9
    """What uploads may take in all. Those that no unfinished job names make room, least recently used first."""
    upload_file_bytes: int = 200 * 10**9
    """What one uploaded file may have."""
    upload_days: float = 7.0
    """Uploads and results go so long after they were last used by an unfinished job."""
    content_rate: float | None = None
    """Bytes a second of uploads and downloads, all clients together; None is as fast as it goes."""

    @property
    def remote_path(self) -> Path:
        """Uploads and results of clients elsewhere."""
        return self.home.resolve() / "remote"

    @property
    def allowed(self) -> tuple[Path, ...]:
        """The folders that ``allow`` allows; empty for any."""
        return (self.remote_path,) if self.remote else self.roots

    @property
    def database_path(self) -> Path:
        return self.database or self.home / "jobs.sqlite3"

    @property
    def content_path(self) -> Path:
        return self.content or self.home / "content"

    @property
    def worker_roots(self) -> tuple[Path, ...]:
        """Folders whose files workers may open: those that clients may name, and the server's own. Empty allows all."""
        own = (self.content_path, self.home / "models")
        return tuple(root.resolve() for root in (*self.allowed, *own)) if self.allowed else ()

    def allow(self, path: str) -> Path:
        """``path`` made absolute through every link, if it may be used.

        Raises PathNotAllowed for a relative path or one outside ``roots``.
        """
        given = Path(path)
        if not given.is_absolute() or "\0" in path:
            raise PathNotAllowed("not an absolute path", where=path, remedy="give the full path")
        try:
            if any(len(os.fsencode(part)) > NAME for part in given.parts):
                raise PathNotAllowed("a name in it is longer than any file's", where=path, remedy="shorten it")
            real = given.resolve()
        except (OSError, RuntimeError, UnicodeEncodeError) as error:
            raise PathNotAllowed("its links lead nowhere", where=path, remedy="give the path of the file") from error
        if self.allowed and not any(real.is_relative_to(root.resolve()) for root in self.allowed):
            if self.remote:
                remedy = "use `resilver restore --server`, which sends it: this server shares no disk with its clients"
                raise PathNotAllowed("the path of a file elsewhere", where=path, remedy=remedy)
            shown = ", ".join(str(root) for root in self.roots)
            raise PathNotAllowed("outside the folders this server may use", where=path, remedy=f"allowed are {shown}")
        return real


def read_settings(path: Path) -> ServerSettings:
    """Settings from a JSON file that names some of the fields. Raises OSError, ValueError, TypeError."""
    values = json.loads(path.read_text())
    for name in ("home", "database", "content"):
        if values.get(name) is not None:
            values[name] = Path(values[name])
    values["roots"] = tuple(Path(root) for root in values.get("roots", ()))
    return ServerSettings(**values)
