"""What enabling the extension costs: CPU seconds once grpc is imported, and which heavy packages it imports."""

from __future__ import annotations

import gc
import importlib
import sys
import time

import addon_utils

LATER = ("grpc", "google.protobuf", "opentimelineio", "pyblish", "resilver.v1")
"""Imported only when the user does something."""


def main(extension: str, arguments: dict) -> dict:
    for name in arguments["before"]:
        importlib.import_module(name)
    before = set(sys.modules)
    gc.collect()  # else a look through all that Blender holds, 25 ms, may by chance fall into what is measured
    start = time.process_time()
    if addon_utils.enable(extension, default_set=True) is None:
        raise RuntimeError(f"Blender did not enable {extension}")
    cost = time.process_time() - start
    return {"seconds": cost, "imported": [name for name in LATER if name in sys.modules and name not in before]}
