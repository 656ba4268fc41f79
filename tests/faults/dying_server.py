"""``resilver serve`` that can be made to die at any step: before each change of the file system and around each
transaction. ``python dying_server.py WORKERS``, with ``RESILVER_HOME`` as its home. It does not wait long before it
tries again."""

from __future__ import annotations

import asyncio
import sys

from faults.dying import Death, armed_file
from resilver_client import home
from resilver_server.api.server import serve
from resilver_server.config import ServerSettings
from resilver_server.scheduling import patience
from resilver_server.storage.database import Database

if __name__ == "__main__":
    patience.FIRST_WAIT = 0.01
    death = Death(armed_file(home.home(), "server"))
    death.before_every_change()
    Database._transact = death.around(Database._transact)  # type: ignore[method-assign, assignment]
    settings = ServerSettings(home=home.home(), workers=int(sys.argv[1]), worker_module="faults.dying_engine")
    asyncio.run(serve(settings))
