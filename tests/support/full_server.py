"""A server whose disk is full (``full_engine``): ``python full_server.py``, with ``RESILVER_HOME`` as its home.

It does not wait long before it tries again.
"""

from __future__ import annotations

import asyncio

from resilver_client import home
from resilver_server.api.server import serve
from resilver_server.config import ServerSettings
from resilver_server.scheduling import patience

if __name__ == "__main__":
    patience.FIRST_WAIT = 0.01
    asyncio.run(serve(ServerSettings(home=home.home(), worker_module="support.full_engine")))
