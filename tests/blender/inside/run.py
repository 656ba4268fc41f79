"""Runs one scenario inside Blender: ``python run.py ORDER.json``. Written for Blender as a Python module.

The process ends through ``os._exit``: Blender 4.2 crashes and 4.5 hangs when a module's process ends by itself while a
class is registered or a thread lives.
"""

import faulthandler
import importlib
import json
import os
import sys
import traceback
from pathlib import Path

import bpy

EXTENSION = "bl_ext.user_default.resilver_blender"


def main(paper: Path) -> None:
    """Do what the order says, and write the scenario's result to the file that it names."""
    order = json.loads(paper.read_text())
    faulthandler.dump_traceback_later(order["seconds"], exit=False)
    prepare(order["enable"], order.get("blend"))
    result = importlib.import_module(order["scenario"]).main(EXTENSION, order["arguments"])
    Path(order["result"]).write_text(json.dumps(result))


def prepare(enable: bool, blend: str | None) -> None:
    """Start Blender's extension system, ours with it if asked, and open ``blend`` as a user does."""
    import addon_utils  # Blender's own; it can be found once bpy is there

    addon_utils.enable("bl_pkg", default_set=True)
    if enable and addon_utils.enable(EXTENSION, default_set=True) is None:
        raise RuntimeError(f"Blender did not enable {EXTENSION}")
    if blend:
        bpy.ops.wm.open_mainfile(filepath=blend)


if __name__ == "__main__":
    status = 0
    try:
        main(Path(sys.argv[1]))
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
