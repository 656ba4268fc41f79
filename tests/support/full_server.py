"""A server whose disk is full (``full_engine``): ``python full_server.py``, with ``RESILVER_HOME`` as its home.

It does not wait long before it tries again.
"""

from __future__ import annotations

import asyncio

from resilver_client import home
from resilver_server.api.server import serve
from resilver_server.config import ServerSettings
from resilver_server.scheduling import waiting

if __name__ == "__main__":
    waiting.LOOK_SECONDS, waiting.FIRST_TRY, waiting.LAST_TRY = 0.2, 0.2, 1.0
    asyncio.run(serve(ServerSettings(home=home.home(), worker_module="support.full_engine")))
