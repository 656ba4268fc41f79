"""The installed menu entries, run as Resolve runs them, by real Pythons and with bridges that fail in every way."""

from __future__ import annotations

import ast
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from davinci.installed import ENTRIES, FUSCRIPT, Machine, Ran, interpreter
from davinci.resolve_double import PROFILES, Double
from davinci.scene import MODERN, Scene, outline
from resilver_bridge.install import folders
from resilver_bridge.install.folders import System
from resilver_davinci import message
from resilver_davinci.refused import FAILED, Refused

PYTHONS = ("3.6", "3.13", "3.14")
OLDEST = next(profile for profile in PROFILES if profile.runs_python_menu)


def double() -> Double:
    return Scene().double


def one_message(ran: Ran) -> str:
    """What the user was told: one line, no traceback, and a script that ends as it should."""
    assert "Traceback" not in ran.err + ran.out
    assert ran.status == 0, ran.err
    said = [line for line in ran.out.splitlines() if line]
    assert len(said) == 1, said
    assert said[0].startswith("Resilver: ")
    return said[0]


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
@pytest.mark.parametrize("version", PYTHONS)
def test_an_entry_serves_its_bridge_in_every_python(tmp_path: Path, version: str, locale: str) -> None:
    python = interpreter(version)
    if not python:
        pytest.skip(f"no CPython {version} here")
    machine = Machine.with_stand_in(tmp_path, "talks")
    ran = machine.run(double(), python=python, LC_ALL=locale)
    assert (ran.status, ran.err) == (0, "")
    hello, edit, dance = machine.said()
    assert hello["hello"]["python"].startswith(version + ".")  # type: ignore[index]
    assert edit["result"]["project"]["name"] == "Heimat"  # type: ignore[index]
    assert dance["error"]["reason"] == "HOST_FAILED"  # type: ignore[index]
    shown = "Grüße – 映画" if locale == "C.UTF-8" or version != "3.6" else r"Gr\xfc\xdfe \u2013 \u6620\u753b"
    assert ran.out.splitlines() == [shown]


@pytest.mark.parametrize("profile", [profile for profile in PROFILES if profile.runs_python_menu], ids=str)
def test_it_says_who_is_there(tmp_path: Path, profile: Any) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    scene = Scene(profile)
    for verb in ENTRIES if profile is MODERN else ("restore",):
        machine.heard.unlink(missing_ok=True)
        assert machine.run(scene.double, verb).status == 0
        assert machine.said()[0] == {
            "hello": {
                "protocol": 1,
                "verb": verb,
                "script": "1.2.3",
                "python": ".".join(map(str, sys.version_info[:3])),
                "platform": sys.platform,
                "resolve": {
                    "version": list(profile.version),
                    "name": profile.product,
                    "studio": profile.studio,
                },
            }
        }


def test_the_entries_are_one_file_but_for_the_verb() -> None:
    folder = Path(message.__file__).parent / "menu"
    assert sorted(path.name for path in folder.glob("*.py")) == sorted(ENTRIES.values())
    texts = {(folder / name).read_text().replace(f'VERB = "{verb}"', "VERB") for verb, name in ENTRIES.items()}
    assert len(texts) == 1


def test_nothing_is_left_behind_by_running(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    there = sorted(machine.own.rglob("*"))
    machine.run(double())
    assert sorted(machine.own.rglob("*")) == sorted([*there, machine.own / "bridge.log"])


@pytest.mark.parametrize(
    ("platform", "environment"),
    [
        ("linux", {}),
        ("linux", {"XDG_DATA_HOME": "/data/Zoë"}),
        ("darwin", {}),
        ("win32", {"LOCALAPPDATA": "/Users/Zoë/AppData/Local", "PROGRAMDATA": "/ProgramData"}),
    ],
)
def test_an_entry_looks_where_things_are_installed(
    platform: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(platform, environment, Path("/home/zoë"))
    source = ast.parse((Path(message.__file__).parent / "menu" / ENTRIES["jobs"]).read_text())
    source.body = source.body[:-2]  # without its last two statements, which start it
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA", "PROGRAMDATA", "RESILVER_DAVINCI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environment, "HOME": "/home/zoë"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    scope: dict[str, Any] = {}
    exec(compile(source, "menu", "exec"), scope)
    found = [Path(place) for place in scope["places"]()]
    assert found[0] == folders.own(system)
    assert found[-1] == folders.own(system, all_users=True)
    monkeypatch.setenv("RESILVER_DAVINCI", "/elsewhere")
    assert scope["places"]() == ["/elsewhere"]


def test_another_folder_can_be_named(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    elsewhere = tmp_path / "mövéd"
    machine.own.rename(elsewhere)
    assert machine.run(double(), RESILVER_DAVINCI=str(elsewhere)).status == 0
    assert len(machine.said()) == 3


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("ends_at_once", ["ended at once (exit status 1)", "No module named 'grpc'", "resilver davinci doctor"]),
        ("speaks_a_newer_protocol", ["this bridge speaks 2", "install again"]),
        ("welcomes_in_a_newer_protocol", ["does not speak protocol 1", '"resilver davinci install" again']),
        ("writes_garbage", ["none of its protocol", "Fontconfig warning", '"resilver davinci install" again']),
        ("writes_garbage_later", ["none of its protocol", "a list"]),
        ("hangs", ["has not answered for 1 seconds", "try again"]),
        ("dies_before_a_call", ["unexpectedly (exit status 7)", "nobody knows what", "Resilver - Jobs"]),
        ("cannot_go_on", ["the page cannot be served", "see the firewall"]),
    ],
)
@pytest.mark.parametrize("version", PYTHONS[:2])
def test_a_bridge_that_fails_is_one_message(tmp_path: Path, way: str, words: list[str], version: str) -> None:
    python = interpreter(version)
    if not python:
        pytest.skip(f"no CPython {version} here")
    machine = Machine.with_stand_in(tmp_path, way)
    _change_settings(machine, patience=1 if way == "hangs" else 60)
    before = double()
    said = one_message(machine.run(before, python=python))
    for word in words:
        assert word in said
    assert machine.after().lying() == before.lying(), "nothing has happened to the timeline"


@pytest.mark.parametrize(("way", "doubt"), [("dies_while_it_is_answered", True), ("dies_later", False)])
def test_a_bridge_that_dies_after_placing_leaves_no_doubt(tmp_path: Path, way: str, doubt: bool) -> None:
    scene = Scene()
    request = {**scene.ids(), "tracks": [{"index": None, "name": "Restored"}], "bin": "Resilver"}
    request |= {"clips": [scene.request(0)], "disable": []}
    (tmp_path / "request.json").write_text(json.dumps(request))
    machine = Machine.with_stand_in(tmp_path, way)
    said = one_message(machine.run(scene.double, STAND_IN_REQUEST=str(tmp_path / "request.json")))
    assert ("(place) was carried out in the timeline" in said) is doubt
    assert ("look at the timeline before you go on" in said) is doubt
    lying = [name for name, track, *_ in outline(machine.after().lying()) if track == 2]
    assert lying == ["würzburg 0.mov"], "it is there, whole"


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path, [str(tmp_path / "gone" / "python"), "-m", "resilver"])
    said = one_message(machine.run(double()))
    assert "cannot be started: No such file" in said
    assert str(tmp_path / "gone" / "python") in said
    assert '"resilver davinci install" again' in said


@pytest.mark.parametrize(
    ("content", "word"),
    [(None, "cannot be read"), ("{", "damaged"), ('{"command": "python"}', "damaged"), ('{"command": []}', "damaged")],
)
def test_settings_that_are_no_use(tmp_path: Path, content: str | None, word: str) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    settings = machine.own / "settings.json"
    settings.unlink() if content is None else settings.write_text(content)
    said = one_message(machine.run(double()))
    assert word in said
    assert str(settings) in said
    assert not machine.heard.exists()


def test_entries_without_their_files(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    module = machine.own / "resilver_davinci" / "pipe.py"
    module.write_text("import a module that is none")
    ran = machine.run(double())
    assert (ran.status, ran.err) == (0, "")
    assert "are damaged (SyntaxError" in ran.out
    (machine.own / "resilver_davinci" / "main.py").unlink()
    ran = machine.run(double())
    assert (ran.status, ran.err) == (0, "")
    assert r"Its files are not in" in ran.out
    assert 'run "resilver davinci install" again' in ran.out


def test_entries_without_their_files_are_shown_in_the_browser(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    (machine.own / "resilver_davinci" / "main.py").unlink()
    shown, temporary = tmp_path / "shown.html", tmp_path / "tëmp here"
    temporary.mkdir()
    browser = str(_browser(tmp_path, shown))
    machine.run(double(), RESILVER_BROWSER="", BROWSER=browser, TMPDIR=str(temporary))
    assert "<h1>Resilver cannot start</h1>" in shown.read_text(encoding="utf-8")


def test_python_2_is_told_that_it_is_too_old(tmp_path: Path) -> None:
    python = interpreter("2.7")
    if not python:
        pytest.skip("no CPython 2.7 here")
    machine = Machine.with_stand_in(tmp_path, "talks")
    entry = machine.menu / ENTRIES["restore"]
    ran = subprocess.run([python, "-S", "-E", entry], env=machine.environment(), capture_output=True, text=True)
    assert ran.stdout == "Resilver cannot start. It needs Python 3.6 or newer, and Resolve runs 2.7.\n"
    assert (ran.returncode, ran.stderr) == (0, "")


def test_outside_of_resolve_there_is_no_resolve(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    entry = machine.menu / ENTRIES["restore"]
    line = [sys.executable, "-S", "-I", entry]
    ran = subprocess.run(line, env=machine.environment(), capture_output=True, text=True)
    said = one_message(Ran(ran.returncode, ran.stdout, ran.stderr))
    assert "DaVinci Resolve is not there" in said
    assert "resilver restore edit.otio -o restored.otio" in said


@pytest.mark.parametrize("given", ["app", "module"])
def test_resolve_is_found_where_it_is_not_given(tmp_path: Path, given: str) -> None:
    """By ``app``, and by Resolve's own module where a script runs outside."""
    machine = Machine.with_stand_in(tmp_path, "talks")
    (tmp_path / "double.json").write_text(double().to_json(), encoding="utf-8")
    prelude = (
        f"import sys; sys.path.insert(0, {str(FUSCRIPT.parent)!r})\n"
        f"from resolve_double import Double\n"
        f"double = Double.from_json(open({str(tmp_path / 'double.json')!r}, encoding='utf-8').read())\n"
    )
    prelude += {
        "app": "resolve, app = None, double.menu_globals()['app']\n",
        "module": "import types; module = types.ModuleType('DaVinciResolveScript')\n"
        "module.scriptapp = lambda name: double.resolve if name == 'Resolve' else None\n"
        "sys.modules['DaVinciResolveScript'] = module\n",
    }[given]
    script = tmp_path / "script.py"
    script.write_text(prelude + (machine.menu / ENTRIES["restore"]).read_text())
    subprocess.run([sys.executable, "-S", "-I", script], env=machine.environment(), check=True, timeout=60)
    assert machine.said()[1]["result"]["project"]["name"] == "Heimat"  # type: ignore[index]


def test_a_dialog_in_resolve_is_said_before_anything_starts(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "talks")
    scene = Scene()
    scene.double.faults.modal_open = True
    assert "close the dialog that is open in Resolve" in one_message(machine.run(scene.double))
    assert not machine.heard.exists()


def test_resolves_own_python_settings_do_not_reach_the_bridge(tmp_path: Path) -> None:
    """They would break it: a folder with a module of the same name as one that it needs."""
    machine = Machine.with_stand_in(tmp_path, "tells_its_environment")
    _change_settings(machine, environment={"RESILVER_HOME": "/zoë's"})
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    ran = machine.run(double(), PYTHONPATH=str(tmp_path), PYTHONHOME=str(tmp_path))
    assert (ran.status, ran.err) == (0, "")
    told = json.loads(Path(f"{machine.heard}.environment").read_text())
    assert (told["PYTHONPATH"], told["PYTHONHOME"], told["RESILVER_HOME"]) == (None, None, "/zoë's")
    machine.run(double(), RESILVER_HOME="/chosen")
    assert json.loads(Path(f"{machine.heard}.environment").read_text())["RESILVER_HOME"] == "/chosen"


def test_a_bridge_of_another_version_works_and_says_so(tmp_path: Path) -> None:
    ran = Machine.with_stand_in(tmp_path, "is_of_another_version").run(double())
    assert "installed by version 1.2.3, and 9.9.9 is running" in ran.out


def test_a_bridge_that_stays_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine.with_stand_in(tmp_path, "stays_when_its_pipe_closes")
    pipe = machine.own / "resilver_davinci" / "pipe.py"
    pipe.write_text(pipe.read_text().replace("_LEAVING = 10.0", "_LEAVING = 0.5"))
    started = time.monotonic()
    ran = machine.run(double())
    assert (ran.status, ran.out) == (0, "")
    assert time.monotonic() - started < 10
    assert not _processes(str(machine.heard)), "and no bridge is left"


def test_a_script_that_is_killed_takes_its_bridge_along(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "waits")
    running = machine.start(double())
    _wait_for(machine.heard.exists)
    running.kill()
    running.wait()
    _wait_for(lambda: {"closed": True} in machine.said())
    _wait_for(lambda: not _processes(str(machine.heard)))


def test_a_python_that_ends_at_broken_pipes_still_says_why(tmp_path: Path) -> None:
    """An embedded Python leaves SIGPIPE as the system has it."""
    machine = Machine.with_stand_in(tmp_path, "dies_while_it_is_answered")
    (tmp_path / "request.json").write_text("{}")
    entry = machine.menu / ENTRIES["restore"]
    text = entry.read_text().replace("import sys\n", "import sys, signal\nsignal.signal(signal.SIGPIPE, 0)\n", 1)
    entry.write_text(text)
    assert signal.SIG_DFL == 0
    said = one_message(machine.run(double(), STAND_IN_REQUEST=str(tmp_path / "request.json")))
    assert "unexpectedly (exit status 7)" in said


def test_a_log_that_has_grown_is_put_aside(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "dies_before_a_call")
    log = machine.own / "bridge.log"
    log.write_bytes(b"old\n" * (1 << 20) + b"older\n")
    machine.run(double())
    assert log.read_text() == "Killed by nobody knows what\n"
    assert (machine.own / "bridge.log.1").stat().st_size == (4 << 20) + 6


def test_a_message_is_shown_in_the_browser(tmp_path: Path) -> None:
    machine = Machine.with_stand_in(tmp_path, "ends_at_once")
    shown = tmp_path / "shown.html"
    ran = machine.run(double(), RESILVER_BROWSER="", BROWSER=str(_browser(tmp_path, shown)))
    page = shown.read_text(encoding="utf-8")
    one_message(ran)
    assert "Resilver&#x27;s bridge has ended at once" in page
    assert "No module named &#x27;grpc&#x27;" in page
    assert str(machine.own / "bridge.log") in page


def test_a_browser_that_fetches_nothing_does_not_hold_the_script(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(message, "_FETCHED", 0.2)
    monkeypatch.setenv("BROWSER", "true")
    monkeypatch.delenv("RESILVER_BROWSER", raising=False)
    message.show(Refused(FAILED, "something happened", "here", "do <this>"))
    assert capsys.readouterr().out == "Resilver: something happened, here, do <this>\n"
    assert "Do &lt;this&gt;." in message.as_page(Refused(FAILED, "a", "", "do <this>"))


def test_a_console_that_is_gone_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for broken in (closed, None):
        monkeypatch.setattr(sys, "stdout", broken)
        message.say("a sentence")


def _change_settings(machine: Machine, **changes: object) -> None:
    path = machine.own / "settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _browser(folder: Path, shown: Path) -> Path:
    """A browser for ``BROWSER`` that keeps what it is shown."""
    path = folder / "browser"
    path.write_text(
        f"#!{sys.executable}\nimport sys, urllib.request\n"
        f"open({str(shown)!r}, 'wb').write(urllib.request.urlopen(sys.argv[1], timeout=10).read())\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def _wait_for(happens: Any, patience: float = 20.0) -> None:
    deadline = time.monotonic() + patience
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _processes(word: str) -> list[int]:
    """Running processes with this word in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if word.encode() in line and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found
