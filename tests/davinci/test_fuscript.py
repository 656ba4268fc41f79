"""Menu scripts run against the double in real interpreters, with nothing but the standard library."""

from __future__ import annotations

import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from davinci.resolve_double import Double, Faults, profile

HERE = Path(__file__).parent
PYENV = Path.home() / ".pyenv" / "versions"
VERSIONS = ("3.6", "3.13", "3.14")


def interpreter(version: str) -> str:
    """A real interpreter of that version. Skips the test where there is none."""
    found = sorted(PYENV.glob(f"{version}.*/bin/python")) or [shutil.which(f"python{version}")]
    if found[-1] is None:
        pytest.skip(f"no Python {version} here")
    return str(found[-1])


def run(python: str, folder: Path, script: str, double: Double, *probe: str) -> tuple[int, str, Double | None]:
    """Run a menu script; exit status, output, and the double as it was left."""
    state, menu, result = folder / "state.json", folder / "menü script.py", folder / "result.json"
    state.write_text(double.to_json(), encoding="utf-8")
    menu.write_text(script, encoding="utf-8")
    command = [python, "-S", "-I", str(HERE / "fuscript.py"), str(state), str(menu), str(result), *probe]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    left = Double.from_json(result.read_text(encoding="utf-8")) if result.exists() else None
    return done.returncode, done.stdout + done.stderr, left


def project(name: str = "21.0.4 Studio") -> Double:
    double = Double(profile(name))
    double.open_project("Film", "24")
    double.open_timeline("Edit")
    return double


def film(path: Path, frames: int = 30) -> Path:
    """A small file at 60 fps with a start timecode."""
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = "01:00:00:00"
        stream = container.add_stream("mpeg4", rate=Fraction(60))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            picture = np.full((48, 64, 3), number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_a_script_imports_appends_and_saves(version: str, tmp_path: Path) -> None:
    path = film(tmp_path / "r.mov")
    script = f"""
assert "__file__" not in globals()
assert app.GetResolve().GetVersion() == resolve.GetVersion() and fu is fusion and bmd
project = resolve.GetProjectManager().GetCurrentProject()
pool, timeline = project.GetMediaPool(), project.GetCurrentTimeline()
clip = pool.ImportMedia([{str(path)!r}])[0]
pool.AppendToTimeline([{{"mediaPoolItem": clip, "trackIndex": 1, "recordFrame": 86400, "mediaType": 1}}])
resolve.GetProjectManager().SaveProject()
raise SystemExit(7)
"""
    status, output, left = run(interpreter(version), tmp_path, script, project(), sys.executable)
    assert (status, output) == (7, "")
    assert left is not None
    media = left.project.media[-1]
    assert (media.frames, media.rate, media.start_timecode, media.width) == (30, 60, "01:00:00:00", 64)
    assert [(lying.start, lying.duration) for lying in left.lying()] == [(86400, 12)]
    left.save_and_reopen()
    assert len(left.lying()) == 1


def test_a_traceback_leaves_the_double_as_it_was_then(tmp_path: Path) -> None:
    script = "resolve.GetProjectManager().GetCurrentProject().GetMediaPool().CreateEmptyTimeline('New')\n1 / 0\n"
    status, output, left = run(interpreter("3.6"), tmp_path, script, project())
    assert status == 1
    assert "ZeroDivisionError" in output
    assert left is not None
    assert [timeline.name for timeline in left.project.timelines] == ["Edit", "New"]


def test_the_free_editions_menu_lists_no_python_from_21_1_on(tmp_path: Path) -> None:
    status, output, left = run(interpreter("3.6"), tmp_path, "1 / 0", project("21.1.0 Free"))
    assert (status, left) == (3, None)
    assert "no Python scripts" in output


def test_the_probe_knows_sequences_and_what_is_missing(tmp_path: Path) -> None:
    for number in (8, 9, 10):
        with av.open(str(tmp_path / f"f_{number:03d}.png"), "w", format="image2", options={"update": "1"}) as container:
            stream = container.add_stream("png", rate=1)
            stream.width, stream.height, stream.pix_fmt = 32, 24, "rgb24"
            frame = av.VideoFrame.from_ndarray(np.zeros((24, 32, 3), np.uint8), "rgb24")
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
    script = f"""
pool = resolve.GetProjectManager().GetCurrentProject().GetMediaPool()
pattern = {str(tmp_path / "f_%03d.png")!r}
assert len(pool.ImportMedia([{{"FilePath": pattern, "StartIndex": 8, "EndIndex": 10}}])) == 1
assert pool.ImportMedia([{{"FilePath": pattern, "StartIndex": 8, "EndIndex": 11}}]) == []
assert pool.ImportMedia([{str(tmp_path / "menü script.py")!r}]) == []
assert pool.ImportMedia([pattern % 9])[0].GetClipProperty("Type") == "Still"
"""
    status, output, left = run(sys.executable, tmp_path, script, project(), sys.executable)
    assert (status, output) == (0, "")
    assert left is not None
    media = next(media for media in left.project.media if media.is_sequence)
    assert (media.name, media.frames, media.width) == ("f_[008-010].png", 3, 32)


def test_the_readme_names_every_switch() -> None:
    readme = (HERE / "resolve_double" / "README.md").read_text(encoding="utf-8")
    named = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")}
    assert named == set(vars(Faults()))
