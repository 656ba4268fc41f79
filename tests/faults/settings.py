"""How the faults' own server is started: ``python dying_server.py JSON`` with settings, behind walls or not."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def program(*walls: str, **settings: object) -> list[str]:
    """What Python runs (``support.serving.start``). Sets ``PYTHONPATH``, so that these tests are found by it."""
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(HERE.parent)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *paths])
    server = [str(HERE / "dying_server.py"), json.dumps(settings)]
    return [str(HERE / "walled.py"), *walls, "--", sys.executable, *server] if walls else server
