"""A process that feeds inputs to one target, so that whatever they do ends with it.

``python -m fuzz.child TARGET MEMORY``: inputs come on stdin (length in 4 bytes, then bytes), and one JSON line goes out
for each. ``python -m fuzz.child TARGET MEMORY guided RUNS CORPUS``: atheris makes the inputs itself from those in the
folder, guided by the lines of ours that they reach; each is written to ``CORPUS/running`` before it is tried.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

OURS = ("resilver_otio", "resilver_server", "resilver_client", "opentimelineio", "otio_", "aaf2")


def attempt(target: str, data: bytes) -> dict[str, object]:
    """What became of one input."""
    from fuzz.targets import TARGETS
    from resilver_client.errors import InternalError, ResilverError
    from resilver_server.execution.worker import typed

    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    try:
        TARGETS[target](data, folder)
        found = ("accepted", "")
    except InternalError as error:
        found = ("crash", f"InternalError: {error}"[:300])
    except ResilverError as error:
        found = ("rejected", error.reason)
    except MemoryError as error:
        found = ("rejected", typed(error).reason)  # as a worker does
    except BaseException as error:
        found = ("crash", f"{type(error).__name__}: {error}"[:300])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"outcome": found[0], "reason": found[1], "seconds": time.monotonic() - began, "peak": peak()}


def peak() -> int:
    """KiB of memory that this process has held at most. (``getrusage`` counts what its parent held before too.)"""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def held(memory: int) -> None:
    """No more memory than that, no large files, no core dumps."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def fed(target: str, tell: Callable[[dict[str, object]], None]) -> None:
    """Inputs from stdin."""
    source: BinaryIO = sys.stdin.buffer
    while head := source.read(4):
        tell(attempt(target, source.read(struct.unpack("<I", head)[0])))


def guided(target: str, runs: int, corpus: Path, tell: Callable[[dict[str, object]], None]) -> None:
    """Inputs from atheris (https://github.com/google/atheris). Does not return."""
    import atheris

    with atheris.instrument_imports(include=list(OURS)):
        attempt(target, next(corpus.glob("seed*")).read_bytes())  # imports what it needs

    def one(data: bytes) -> None:
        (corpus / "running").write_bytes(data)  # for what ends this process
        found = attempt(target, data)
        tell(found if found["outcome"] != "crash" else found | {"data": data.hex()})

    options = [f"-runs={runs}", "-max_len=600000", "-len_control=0", "-rss_limit_mb=0", "-timeout=3600", "-verbosity=0"]
    options.append(f"-artifact_prefix={corpus}/")
    atheris.Setup([sys.argv[0], str(corpus / "found"), str(corpus), *options], one)
    atheris.Fuzz()


def main(target: str, memory: int, mode: str = "", runs: str = "0", corpus: str = "") -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print must not end up between the lines

    def tell(found: dict[str, object]) -> None:
        out.write(json.dumps(found) + "\n")
        out.flush()

    held(memory)
    if mode:
        guided(target, int(runs), Path(corpus), tell)
    fed(target, tell)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
