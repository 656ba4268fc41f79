"""Runs a menu script as Resolve's own `fuscript` does, in any Python from 3.6 on, against a double of Resolve.

    python -S -I fuscript.py DOUBLE.json SCRIPT.py RESULT.json [PROBE_PYTHON]

DOUBLE.json is what `Double.to_json` wrote; RESULT.json gets the double as the script left it, however it ended. The
script finds `resolve`, `fusion`, `fu`, `bmd` and `app` among its globals and no `__file__`. PROBE_PYTHON is a Python
with PyAV that is asked about media to import; without one, only files that the double was told of can be imported.

The exit status is the script's: 0, 1 after a traceback, or what it gave to `sys.exit`; 3 where this edition's menu does
not list Python scripts at all.
"""

import json
import os
import subprocess
import sys
import traceback
from typing import Any, Callable, Dict, Optional

HERE = os.path.dirname(os.path.abspath(__file__))
NOT_LISTED = 3


def asking(python: str) -> Callable[..., Optional[Dict[str, Any]]]:
    """A probe that asks another Python."""

    def probe(*asked: Any) -> Optional[Dict[str, Any]]:
        command = [python, os.path.join(HERE, "probe_media.py")] + [str(part) for part in asked]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, universal_newlines=True)
        facts: Optional[Dict[str, Any]] = json.loads(answer.stdout)
        return facts

    return probe


def run(script: str, injected: Dict[str, Any]) -> int:
    """Run the script; its exit status."""
    with open(script, encoding="utf-8") as stream:
        source = stream.read()
    sys.argv = [""]
    try:
        exec(compile(source, "<fuscript>", "exec"), dict(injected, __name__="__main__"))
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def main(state: str, script: str, result: str, probe_python: str = "") -> int:
    """Load the double, run the script, keep the double."""
    sys.path.insert(0, HERE)
    from resolve_double import Double

    sys.path.remove(HERE)
    with open(state, encoding="utf-8") as stream:
        double = Double.from_json(stream.read(), asking(probe_python) if probe_python else None)
    if not double.profile.runs_python_menu:
        sys.stderr.write("{} lists no Python scripts in its menu\n".format(double.profile.product))
        return NOT_LISTED
    try:
        return run(script, double.menu_globals())
    finally:
        with open(result, "w", encoding="utf-8") as stream:
            stream.write(double.to_json())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
