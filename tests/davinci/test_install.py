"""Installing into Resolve's folders on each system, updating, removing, and saying what is missing."""

from __future__ import annotations

import json
import os
import plistlib
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from davinci.installed import ENTRIES, NAME
from resilver_bridge.install import doctor, folders, installing, listing
from resilver_bridge.install.doctor import Finding
from resilver_bridge.install.folders import System
from resilver_client.errors import OutputExists, OutputUnwritable, ServerUnreachable
from resilver_server import __version__

COMMAND = [sys.executable, "-m", "resilver_server.cli.main", "bridge"]
ROOT = Path(__file__).parents[2]
PLATFORMS = ("linux", "darwin", "win32")


def system(folder: Path, platform: str) -> System:
    home, root = folder / NAME, folder / "root"
    home.mkdir(exist_ok=True)
    environment: dict[str, str] = {}
    if platform == "win32":
        environment = {
            "APPDATA": str(home / "AppData" / "Roaming"),
            "LOCALAPPDATA": str(home / "AppData" / "Local"),
            "PROGRAMDATA": str(root / "ProgramData"),
            "PROGRAMFILES": str(root / "Program Files"),
        }
    return System(platform, environment, home, root)


@pytest.fixture(params=PLATFORMS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    return system(tmp_path, request.param)


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below with its bytes and when it was changed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("platform", "all_users", "scripts", "own"),
    [
        ("linux", False, "~/.local/share/DaVinciResolve/Fusion/Scripts", "~/.local/share/resilver/davinci"),
        ("linux", True, "/opt/resolve/Fusion/Scripts", "/usr/local/share/resilver/davinci"),
        (
            "darwin",
            False,
            "~/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
            "~/Library/Application Support/Resilver/davinci",
        ),
        (
            "darwin",
            True,
            "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
            "/Library/Application Support/Resilver/davinci",
        ),
        (
            "win32",
            False,
            "~/AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion/Scripts",
            "~/AppData/Local/Resilver/davinci",
        ),
        (
            "win32",
            True,
            "/ProgramData/Blackmagic Design/DaVinci Resolve/Fusion/Scripts",
            "/ProgramData/Resilver/davinci",
        ),
    ],
)
def test_folders_are_those_of_the_reference(platform: str, all_users: bool, scripts: str, own: str) -> None:
    here = System(platform, {}, Path("/home/zoë"))
    assert folders.scripts(here, all_users) == Path(scripts.replace("~", "/home/zoë"))
    assert folders.own(here, all_users) == Path(own.replace("~", "/home/zoë"))


def test_linux_has_another_folder_of_all_users(tmp_path: Path) -> None:
    here = system(tmp_path, "linux")
    (here.root / "home" / "resolve").mkdir(parents=True)
    assert folders.scripts(here, True) == here.root / "home" / "resolve" / "Fusion" / "Scripts"
    (here.root / "opt" / "resolve").mkdir(parents=True)
    assert folders.scripts(here, True) == here.root / "opt" / "resolve" / "Fusion" / "Scripts"


@pytest.mark.parametrize("all_users", [False, True])
def test_everything_is_copied_and_listed(machine: System, all_users: bool) -> None:
    changes = installing.install(machine, COMMAND, "1.0", all_users)
    own, menu = folders.own(machine, all_users), folders.menu(machine, all_users)
    package = ROOT / "host_plugins" / "davinci" / "resilver_davinci"
    assert {path.name for path in menu.iterdir()} == set(ENTRIES.values())
    assert content(own / "resilver_davinci").keys() == {path.name for path in package.glob("*.py")}
    for name in ("main.py", "answers.py"):
        assert (own / "resilver_davinci" / name).read_bytes() == (package / name).read_bytes()
    listed = listing.read(own)
    assert listed is not None
    found = {path for folder in (own, menu) for path in folder.rglob("*") if path.is_file()}
    assert set(listed.files) | {own / "installed.json"} == found
    assert set(changes.written) == set(listed.files)
    assert all(listed.has(path) for path in listed.files)
    settings = json.loads((own / "settings.json").read_text(encoding="utf-8"))
    assert (settings["command"], settings["version"]) == (COMMAND, "1.0")
    assert settings["log"].startswith("~/" if all_users else str(machine.home))
    assert settings["log"].endswith("davinci/bridge.log")


def test_all_users_may_read_it(tmp_path: Path) -> None:
    here = system(tmp_path, "linux")
    installing.install(here, COMMAND, "1.0", all_users=True)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o644 for path in here.root.rglob("*") if path.is_file())


def test_a_home_of_the_terminals_holds_in_resolve_too(tmp_path: Path) -> None:
    here = replace(system(tmp_path, "linux"), environment={"RESILVER_HOME": "/zoë", "RESILVER_TOKEN": "secret"})
    installing.install(here, COMMAND, "1.0")
    assert json.loads((folders.own(here) / "settings.json").read_text())["environment"] == {"RESILVER_HOME": "/zoë"}


@pytest.mark.parametrize("all_users", [False, True])
def test_a_folder_with_foreign_scripts_stays_as_it_was(machine: System, all_users: bool) -> None:
    """Must show 6: byte for byte, and no file is even touched."""
    menu = folders.menu(machine, all_users)
    nested = menu / "Müller"
    nested.mkdir(parents=True)
    (menu / "AutoSubs.lua").write_bytes(b"print('subs')\r\n\xff")
    (menu / "Resilver.py").write_bytes(b"# somebody else's\n")
    (nested / "__init__.py").touch()
    (menu.parent / "start.scriptlib").write_text("x")
    (menu.parent / "Comp").mkdir()
    (menu / "link.py").symlink_to(nested / "gone.py")
    before, names = content(menu.parent), sorted(menu.parent.rglob("*"))
    installing.install(machine, COMMAND, "1.0", all_users)
    installing.install(machine, COMMAND, "2.0", all_users)
    assert content(menu.parent).items() > before.items()
    changes = installing.uninstall(machine, all_users)
    assert changes is not None
    assert not changes.left
    assert content(menu.parent) == before
    assert sorted(menu.parent.rglob("*")) == names
    assert not folders.own(machine, all_users).exists()


def test_uninstalling_leaves_nothing_that_was_not_there(machine: System) -> None:
    before = sorted(machine.home.rglob("*"))
    installing.install(machine, COMMAND, "1.0")
    (folders.own(machine) / "bridge.log").write_text("written later")
    installing.uninstall(machine)
    assert sorted(machine.home.rglob("*")) == before
    assert installing.uninstall(machine) is None


def test_what_others_keep_in_our_folder_stays(machine: System) -> None:
    installing.install(machine, COMMAND, "1.0")
    kept = folders.own(machine) / "a folder" / "notes.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    installing.uninstall(machine)
    assert [path for path in folders.own(machine).rglob("*") if path.is_file()] == [kept]


def test_installing_again_brings_it_up_to_date(machine: System) -> None:
    installing.install(machine, COMMAND, "1.0")
    own = folders.own(machine)
    assert installing.install(machine, COMMAND, "1.0") == installing.Changes()
    old = own / "resilver_davinci" / "of_an_older_version.py"
    listed = listing.read(own)
    assert listed is not None
    listing.replace(old, b"old")
    listing.write(replace(listed, files={**listed.files, old: frozenset({listing.digest(old)})}), own)
    changes = installing.install(machine, COMMAND, "1.1")
    assert changes == installing.Changes((own / "settings.json",), (old,))
    assert not old.exists()
    now = listing.read(own)
    assert now is not None
    assert (now.version, now.folders) == ("1.1", listed.folders)


@pytest.mark.parametrize("foreign", ["file", "link", "folder"])
def test_a_file_of_the_users_own_is_never_overwritten(machine: System, foreign: str, tmp_path: Path) -> None:
    path = folders.menu(machine) / ENTRIES["jobs"]
    path.parent.mkdir(parents=True)
    target = tmp_path / "target.py"
    target.write_text("mine")
    {"file": lambda: path.write_text("mine"), "link": lambda: path.symlink_to(target), "folder": path.mkdir}[foreign]()
    before = sorted(machine.home.rglob("*"))
    with pytest.raises(OutputExists) as caught:
        installing.install(machine, COMMAND, "1.0")
    assert caught.value.where == str(path)
    assert sorted(machine.home.rglob("*")) == before, "nothing was written at all"
    assert target.read_text() == "mine"


def test_a_file_that_was_changed_since_is_left_and_named(machine: System) -> None:
    installing.install(machine, COMMAND, "1.0")
    path = folders.menu(machine) / ENTRIES["restore"]
    path.write_text("# mine now\n")
    with pytest.raises(OutputExists, match="was changed since it was installed"):
        installing.install(machine, COMMAND, "1.1")
    changes = installing.uninstall(machine)
    assert changes is not None
    assert changes.left == (path,)
    assert path.read_text() == "# mine now\n"
    assert [each for each in machine.home.rglob("*") if each.is_file()] == [path]


def test_an_attempt_that_broke_off_is_finished_or_removed(machine: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is written first, so that no file is ever there that is not on it."""
    writes = _breaks_after(7, monkeypatch)
    with pytest.raises(OutputUnwritable, match="No space left"):
        installing.install(machine, COMMAND, "1.0")
    monkeypatch.setattr(listing, "replace", writes)
    installing.install(machine, COMMAND, "1.0")
    _breaks_after(2, monkeypatch)
    with pytest.raises(OutputUnwritable, match="No space left"):
        installing.install(machine, ["other"], "2.0")
    changes = installing.uninstall(machine)
    assert changes is not None
    assert not changes.left
    assert not any(machine.home.rglob("*"))


def test_a_list_that_is_damaged_is_no_licence_to_remove(machine: System) -> None:
    installing.install(machine, COMMAND, "1.0")
    before = content(machine.home)
    path = folders.own(machine) / "installed.json"
    path.write_text('{"files": []}')
    for act in (lambda: installing.install(machine, COMMAND, "1.0"), lambda: installing.uninstall(machine)):
        with pytest.raises(OutputUnwritable, match="damaged"):
            act()
    assert content(machine.home).keys() == before.keys()


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    here = system(tmp_path, "linux")
    here.root.mkdir()
    (here.root / "usr").write_text("no folder")
    with pytest.raises(OutputUnwritable, match="administrator") as caught:
        installing.install(here, COMMAND, "1.0", all_users=True)
    assert caught.value.where.startswith(str(here.root / "usr"))


def _breaks_after(number: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, bytes], None]:
    """The disk is full after so many files; what writes really."""
    really, seen = listing.replace, [0]

    def write(path: Path, data: bytes) -> None:
        seen[0] += 1
        if seen[0] > number:
            raise OSError(28, "No space left on device", str(path))
        really(path, data)

    monkeypatch.setattr(listing, "replace", write)
    return really


# The doctor


def only(found: list[Finding], subject: str) -> Finding:
    (one,) = [each for each in found if each.subject == subject]
    return one


def with_resolve(here: System, new: bool | None = None) -> System:
    """Resolve is installed and was opened once; ``new``: 21.1 or later, None: nothing tells."""
    program, data, papers = folders.programs(here)[0], folders.data(here)[0], folders.developer(here)
    program.mkdir(parents=True) if here.mac else program.parent.mkdir(parents=True)
    program.touch()
    (data / "logs").mkdir(parents=True, exist_ok=True)
    papers.mkdir(parents=True)
    if new is not None:
        (papers / ("CHANGELOG.md" if new else "README.txt")).touch()
    return here


def python_at(path: Path, said: str) -> Path:
    """An interpreter that says this of itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {said}\n")
    path.chmod(0o755)
    return path


def test_without_resolve_that_is_said(machine: System) -> None:
    installing.install(machine, COMMAND, "1.0")
    (found,) = doctor.resolve(machine)
    assert found.remedy == "install it, and open it once", "a folder that we made does not count"
    assert str(folders.programs(machine)[0]) in found.fact


@pytest.mark.parametrize(
    ("new", "words"), [(True, "version 21.1 or later"), (False, "before 21.1"), (None, "cannot be told from outside")]
)
def test_what_files_tell_of_the_version(machine: System, new: bool | None, words: str) -> None:
    found = list(doctor.resolve(with_resolve(machine, new)))
    assert words in only(found, "Resolve").fact
    assert not any(each.remedy for each in found)
    edition = only(found, "edition").fact
    assert "cannot be told" in edition
    assert "resilver restore edit.otio -o restored.otio" in edition


@pytest.mark.parametrize(("version", "age"), [("21.0.4", doctor.Age.BEFORE), ("21.1", doctor.Age.SINCE)])
def test_macos_tells_the_exact_version(tmp_path: Path, version: str, age: doctor.Age) -> None:
    here = with_resolve(system(tmp_path, "darwin"), new=False)
    contents = folders.programs(here)[0] / "Contents"
    contents.mkdir()
    (contents / "Info.plist").write_bytes(plistlib.dumps({"CFBundleShortVersionString": version}))
    assert f"version {version}" in only(list(doctor.resolve(here)), "Resolve").fact
    assert doctor.age(here) is age


def test_the_python_that_it_brings_tells_it_too(machine: System) -> None:
    with_resolve(machine, new=None)
    folders.bundled_python(machine)[0].mkdir(parents=True)
    assert doctor.age(machine) is doctor.Age.SINCE
    (found,) = doctor.python(machine, registered=list)
    assert not found.remedy
    assert "its own" in found.fact


def test_the_store_builds_sandbox_is_named(tmp_path: Path) -> None:
    here = system(tmp_path, "darwin")
    container = here.home / "Library" / "Containers" / "com.blackmagic-design.DaVinciResolveLite"
    container.mkdir(parents=True)
    (found,) = doctor.store(here)
    assert (str(container) in found.fact, found.remedy) == (True, "")
    store = folders.store_program(here)
    assert store is not None
    store.mkdir(parents=True)
    assert "sandbox" in next(iter(doctor.store(here))).fact
    assert "Blackmagic's own site" in next(iter(doctor.store(here))).remedy
    with_resolve(here)
    assert not any(each.remedy for each in doctor.store(here)), "the other build is there as well"


@pytest.mark.parametrize(
    ("said", "good"), [("3.6.15 64", True), ("3.13.0 64", True), ("3.5.9 64", False), ("3.9.1 32", False), ("", False)]
)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_which_python_an_older_resolve_runs(tmp_path: Path, platform: str, said: str, good: bool) -> None:
    here = with_resolve(system(tmp_path, platform), new=False)
    usual = here.root / "usr" / "local" / "bin" / "python3"
    place = usual if platform == "darwin" else tmp_path / "bin" / "python3"
    python_at(place, said)
    here = replace(here, environment={**here.environment, "PATH": str(tmp_path / "bin")})
    (found,) = doctor.python(here, registered=lambda: [place])
    assert str(place) in found.fact
    assert bool(found.remedy) is not good


def test_no_python_is_a_fault_and_where_resolve_looks_is_said(machine: System) -> None:
    here = replace(with_resolve(machine, new=False), environment={**machine.environment, "PATH": ""})
    (found,) = doctor.python(here, registered=list)
    assert found.remedy
    words = {"linux": "on the path", "darwin": "PYTHON3HOME", "win32": "registered"}
    assert words[here.platform] in found.fact


def test_macos_looks_into_pythons_home_first(tmp_path: Path) -> None:
    here = with_resolve(system(tmp_path, "darwin"), new=False)
    chosen = python_at(tmp_path / "own" / "bin" / "python3", "3.12.1 64")
    python_at(here.root / "usr" / "local" / "bin" / "python3", "3.9.1 64")
    here = replace(here, environment={"PYTHON3HOME": str(tmp_path / "own")})
    (found,) = doctor.python(here)
    assert found.fact == f"{chosen}, Python 3.12.1, 64 bit"


def test_windows_takes_the_highest_and_several_are_named(tmp_path: Path) -> None:
    here = with_resolve(system(tmp_path, "win32"), new=False)
    old, new = (python_at(tmp_path / v / "python.exe", f"{v} 64") for v in ("3.9.1", "3.12.1"))
    found = list(doctor.python(here, registered=lambda: [old, new]))
    assert only(found, "Resolve's Python").fact.startswith(str(new))
    assert "PYTHONHOME" in only(found, "other Pythons").fact


def test_an_environment_that_is_active_here_is_none_of_resolves(tmp_path: Path) -> None:
    here = with_resolve(system(tmp_path, "linux"), new=False)
    here = replace(here, environment={"PATH": str(Path(sys.prefix, "bin"))})
    assert next(iter(doctor.python(here))).remedy


def test_the_doctor_looks_at_every_file(machine: System) -> None:
    assert only(list(doctor.entries(machine, "1.0")), "menu entries").remedy == "resilver davinci install"
    installing.install(machine, COMMAND, "1.0")
    assert only(list(doctor.entries(machine, "1.0")), "menu entries").remedy == ""
    assert "of version 1.0" in only(list(doctor.entries(machine, "1.1")), "menu entries").fact
    module = folders.own(machine) / "resilver_davinci" / "pipe.py"
    module.write_text("changed")
    assert f"{module} was changed" in only(list(doctor.entries(machine, "1.0")), "menu entries").fact
    module.unlink()
    assert f"{module} is missing" in only(list(doctor.entries(machine, "1.0")), "menu entries").fact


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (COMMAND, ""),
        (["/gone/python", "-m", "x"], "cannot be started"),
        ([sys.executable, "-c", "import gone"], "ends with status 1: ModuleNotFoundError: No module named 'gone'"),
        ([sys.executable, "-c", "print('0.0.9')"], "is Resilver 0.0.9"),
    ],
)
def test_the_doctor_starts_what_the_menu_starts(tmp_path: Path, command: list[str], words: str) -> None:
    here = system(tmp_path, "linux")
    assert not list(doctor.bridge(here, __version__)), "nothing is installed"
    installing.install(here, command, __version__)
    (found,) = doctor.bridge(here, __version__)
    assert words in found.fact
    assert bool(found.remedy) is bool(words)


def test_a_server_that_cannot_be_started_is_a_fault() -> None:
    def none() -> None:
        raise ServerUnreachable("the server did not come up", where="server.log", remedy="the log says why")

    found = doctor.answering(none)  # type: ignore[arg-type]
    assert found == Finding("server", "the server did not come up, server.log", "the log says why")


# The command and the wheel


def resilver(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(home), "RESILVER_HOME": str(home / "resilver"), "RESILVER_BROWSER": "none"}
    environment.pop("XDG_DATA_HOME", None)
    line = [sys.executable, "-m", "resilver_server.cli.main", "davinci", *arguments]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(sys.platform != "linux", reason="the folders here are those of Linux")
def test_the_command_installs_and_uninstalls(tmp_path: Path) -> None:
    home = tmp_path / NAME
    home.mkdir()
    done = resilver(home, "install")
    assert done.returncode == 0, done.stderr
    menu = home / ".local/share/DaVinciResolve/Fusion/Scripts/Utility"
    assert str(menu) in done.stdout
    own = home / ".local/share/resilver/davinci"
    settings = json.loads((own / "settings.json").read_text())
    assert settings["command"] == COMMAND
    assert settings["version"] == __version__
    (own / "resilver_davinci" / "pipe.py").write_text("mine")
    job = home / "resilver" / "davinci-jobs" / "a project" / "a job.json"
    job.parent.mkdir(parents=True)
    job.write_text("{}")
    again = resilver(home, "install")
    assert (again.returncode, again.stderr.split(":")[1]) == (1, " OUTPUT_EXISTS")
    done = resilver(home, "uninstall")
    assert done.returncode == 0, done.stderr
    assert f"left as it is, because it was changed since it was installed: {own}" in done.stdout
    assert f"{own} stays: it holds what was not installed" in done.stdout
    assert f"{job.parent.parent} stays: jobs that are kept" in done.stdout
    assert job.read_text() == "{}"
    assert not menu.exists()
    assert "nothing is installed" in resilver(home, "uninstall").stdout


def test_the_wheel_has_all_that_is_installed(tmp_path: Path) -> None:
    """Hatchling's own way to make it, without an environment to make it in."""
    build = "from hatchling.build import build_wheel; import sys; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, tmp_path], cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = ROOT / "host_plugins" / "davinci"
    packages = [source / "resilver_davinci", source / "resilver_bridge"]
    there = [path for package in packages for path in package.rglob("*") if path.is_file()]
    wanted = {path.relative_to(source).as_posix() for path in there if path.suffix != ".pyc"}
    assert {f"resilver_davinci/menu/{name}" for name in ENTRIES.values()} <= wanted
    assert "resilver_bridge/page/static/index.html" in wanted
    assert wanted <= names
