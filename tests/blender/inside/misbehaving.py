"""A scenario that goes wrong in the way that it is asked to."""

from __future__ import annotations

import os
import signal
import time


def main(extension: str, arguments: dict) -> dict:
    match arguments["how"]:
        case "raise":
            raise ValueError("a scenario's own words")
        case "hang":
            time.sleep(600)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "leave":
            os._exit(0)
    return arguments
