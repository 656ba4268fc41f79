"""``resilver serve`` that can be made to die at any step: before each change of the file system and around each
transaction. ``python dying_server.py SETTINGS``, JSON, with ``RESILVER_HOME`` as its home. It does not wait long before
it tries again, and leaves no disk alone that has a few megabytes."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from faults.dying import Death, armed_file
from resilver_client import home
from resilver_server.api.server import serve
from resilver_server.config import ServerSettings
from resilver_server.scheduling import patience, waiting
from resilver_server.storage.database import Database

if __name__ == "__main__":
    patience.FIRST_WAIT = 0.01
    waiting.LOOK_SECONDS = waiting.FIRST_TRY = 0.2
    death = Death(armed_file(home.home(), "server"))
    death.before_every_change()
    Database._transact = death.around(Database._transact)  # type: ignore[method-assign, assignment]
    given: dict[str, Any] = {"worker_module": "faults.dying_engine", "reserve_bytes": 0} | json.loads(sys.argv[1])
    folders = {name: Path(given.pop(name)) for name in ("database", "content") if name in given}
    asyncio.run(serve(ServerSettings(home=home.home(), **folders, **given)))
