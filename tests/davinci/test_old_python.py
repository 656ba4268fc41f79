"""What runs inside Resolve runs in any Python from 3.6 on, with the standard library alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import resilver_davinci
from davinci.installed import interpreter

HERE = Path(__file__).parent
PACKAGE = Path(resilver_davinci.__file__).parent
PLACE = """
import json, sys
folder, double_at = sys.argv[1:]
sys.path[:0] = [folder, double_at]
import compileall, importlib, os, pkgutil
assert compileall.compile_dir(os.path.join(folder, "resilver_davinci"), quiet=1), "some file does not compile"
import resilver_davinci
for module in pkgutil.iter_modules(resilver_davinci.__path__):
    importlib.import_module("resilver_davinci." + module.name)
files = {name: getattr(module, "__file__", "") or "" for name, module in sys.modules.items()}
foreign = sorted(name for name in files if "site-packages" in files[name])
import resolve_double
from resilver_davinci.answers import answer
names = []
for profile in resolve_double.PROFILES:
    double = resolve_double.Double(profile)
    double.open_project("Heimat")
    timeline = double.open_timeline("Reel 1")
    item = double.lay(double.media("/film/reel.mov"), duration=24)
    double.files["/r/a.mov"] = {"frames": 70, "fps": 60.0, "width": 3840, "height": 2160, "type": "Video"}
    clip = {"clip": item.id, "original": {"track": 1, "start": 86400, "duration": 24}, "name": "a", "path": "/r/a.mov",
            "is_sequence": False, "first_number": 0, "frames": 70, "rate": "60", "track": 2, "start": 86400,
            "duration": 24, "source_start": 0, "source_end": 60, "colour": "Teal", "marker": None}
    where = {"project": double.project.id, "timeline": timeline.id}
    new = {"tracks": [{"index": None, "name": "Restored"}], "bin": "Resilver", "clips": [clip], "disable": [item.id]}
    placed = answer(double.resolve, "place", dict(where, **new))
    edit = answer(double.resolve, "edit", {"otio": None})
    back = {"items": [one["id"] for one in placed["placed"]], "tracks": [2], "enable": [item.id], "takes": []}
    taken = answer(double.resolve, "take_back", dict(where, **back))
    names.append([profile.name, len(edit["video"][1]["items"]), len(taken["removed"]), len(timeline.tracks["video"])])
print(json.dumps({"version": list(sys.version_info[:2]), "foreign": foreign, "done": names}))
"""


@pytest.mark.parametrize("version", ["3.6", "3.7", "3.9", "3.13", "3.14"])
def test_everything_compiles_imports_and_places(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} here")
    shutil.copytree(PACKAGE, tmp_path / "resilver_davinci", ignore=shutil.ignore_patterns("__pycache__"))
    command = [python, "-S", "-I", "-c", PLACE, str(tmp_path), str(HERE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["foreign"] == []
    assert ".".join(map(str, said["version"])) == version
    assert [one[1:] for one in said["done"]] == [[1, 1, 1]] * 10
