"""A server for a day's work: ``python day_server.py``, with ``RESILVER_HOME`` as its home."""

from __future__ import annotations

import asyncio

from resilver_client import home
from resilver_server.api.server import serve
from resilver_server.config import ServerSettings

STORE = 100_000
"""Bytes that the store may hold: less than the day's work makes, so that it collects."""

if __name__ == "__main__":
    settings = ServerSettings(
        home=home.home(), worker_module="faults.day_engine", reserve_bytes=0, store_bytes=STORE, unfinished_jobs=10_000
    )
    asyncio.run(serve(settings))
