"""``resilver davinci doctor``: what is there, what is missing, and what cannot be told from outside of Resolve."""

from __future__ import annotations

import os
import plistlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from resilver_client.client import Client
from resilver_client.errors import ResilverError
from resilver_client.launch import ensure_server
from resilver_davinci import message, pipe, settings
from resilver_davinci.refused import Refused

from . import folders, listing, pythons
from .folders import System

FILES = "resilver restore edit.otio -o restored.otio"
_INSTALL = "resilver davinci install"
_STARTING = 60.0
"""Seconds that the bridge gets to say its version."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``remedy`` is empty where all is well."""

    subject: str
    fact: str
    remedy: str = ""


class Age(Enum):
    """Whether Resolve brings its own Python, which it does since 21.1."""

    BEFORE = "a version before 21.1"
    SINCE = "version 21.1 or later"
    UNKNOWN = "a version that cannot be told from outside"


def examine(system: System, ours: str, server: Callable[[], Client] | None = None) -> Iterator[Finding]:
    """Everything, in the order in which it matters.

    ``ours`` is the version of this Resilver; ``server`` finds or starts a server.
    """
    yield from resolve(system)
    yield from store(system)
    yield from entries(system, ours)
    yield from python(system)
    yield from bridge(system, ours)
    yield browser()
    yield answering(server or (lambda: ensure_server(idle_minutes=1)))
    yield Finding("external scripting", "not needed: the entries are started from Resolve's own menu")


def resolve(system: System) -> Iterator[Finding]:
    """The program, its version and edition as far as files say them, and its folder."""
    program = next((path for path in folders.programs(system) if path.exists()), None)
    made = [folder for folder in folders.data(system) if folders.used(folder)]
    if program is None and not made:
        looked = ", ".join(map(str, (*folders.programs(system), *folders.data(system))))
        yield Finding(
            "Resolve",
            f"neither the program nor a folder of its own is there ({looked})",
            "install it, and open it once",
        )
        return
    yield Finding("Resolve", f"{program or 'the program is not where its installer puts it'}, {_told(system)}")
    yield Finding(
        "edition",
        "Free or Studio cannot be told from outside. Both run the entries up to 21.0; from 21.1 on the free edition "
        f"lists no Python scripts: export the timeline as OTIO then, {FILES}, and import the result",
    )
    if not made:
        yield Finding("Resolve's folder", f"{folders.data(system)[0]} is not there", "open Resolve once: it makes it")


def age(system: System) -> Age:
    """Told by its version, by its documentation of scripting, whose files are others since 21.1, or by its Python."""
    exact = version(system)
    if exact:
        return Age.SINCE if exact >= (21, 1) else Age.BEFORE
    papers = folders.developer(system)
    if any(folder.is_dir() for folder in folders.bundled_python(system)) or (papers / "CHANGELOG.md").is_file():
        return Age.SINCE
    return Age.BEFORE if (papers / "README.txt").is_file() else Age.UNKNOWN


def version(system: System) -> tuple[int, ...]:
    """Its exact version, which a file says on macOS alone; empty where none does."""
    if not system.mac:
        return ()
    try:
        said = plistlib.loads((folders.programs(system)[0] / "Contents" / "Info.plist").read_bytes())
        return tuple(int(part) for part in str(said["CFBundleShortVersionString"]).split("."))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _told(system: System) -> str:
    exact = version(system)
    return f"version {'.'.join(map(str, exact))}" if exact else age(system).value


def store(system: System) -> Iterator[Finding]:
    """The build of the Mac App Store, which runs in a sandbox, and what it leaves in the user's folder."""
    program = folders.store_program(system)
    if program is not None and program.exists():
        other = any(path.exists() for path in folders.programs(system))
        yield Finding(
            "Mac App Store",
            f"{program} runs in a sandbox: it looks for scripts elsewhere, and may start no other program",
            "" if other else f"take the build from Blackmagic's own site, or work with files ({FILES})",
        )
    for container in folders.containers(system):
        yield Finding("Mac App Store", f"{container} belongs to a build from there, and is left alone")


def entries(system: System, ours: str) -> Iterator[Finding]:
    """The menu entries and the files behind them: whether they are there, whole, and of this version."""
    found = False
    for all_users in (False, True):
        own = folders.own(system, all_users)
        try:
            installed = listing.read(own)
        except ResilverError as error:
            yield Finding("menu entries", f"{error.what}, {error.where}", error.remedy)
            continue
        if installed is not None:
            found = True
            again = f"{_INSTALL} --all-users" if all_users else _INSTALL
            yield _whole(installed, folders.menu(system, all_users), ours, again)
    if not found:
        yield Finding("menu entries", "none are installed", _INSTALL)
    usual = system.home / ".local" / "share" / "resilver" / "davinci"
    if system.platform == "linux" and folders.own(system) != usual:
        yield Finding("own folder", f"{folders.own(system)}: Resolve has to be started with the same XDG_DATA_HOME")


def _whole(installed: listing.Listing, menu: Path, ours: str, again: str) -> Finding:
    other = next((path for path in installed.files if not installed.has(path)), None)
    if other is not None:
        state = "was changed" if other.exists() else "is missing"
        remedy = f"move it away, then {again}" if other.exists() else again
        return Finding("menu entries", f"{other} {state} since it was installed", remedy)
    if installed.version != ours:
        return Finding("menu entries", f"of version {installed.version}, and this is {ours}", again)
    return Finding("menu entries", f"in {menu}")


def python(system: System, registered: Callable[[], Sequence[Path]] = pythons.registered) -> Iterator[Finding]:
    """The Python that Resolve runs the entries with."""
    of = age(system)
    if of is Age.SINCE:
        yield Finding("Resolve's Python", "its own, which it brings since 21.1")
        return
    found = pythons.of_menu(system, registered)
    good = [each for each in found if each.good]
    known = system.platform if system.platform in pythons.WHERE else "linux"
    before = "" if of is Age.BEFORE else "Resolve up to 21.0 needs one, later ones bring it: "
    if not good:
        bad = "".join(f"; {each.path} is {each.said}" for each in found)
        yield Finding(
            "Resolve's Python",
            f"no 64-bit Python 3.6 or newer {pythons.WHERE[known]}{bad}",
            before + pythons.REMEDY[known],
        )
        return
    yield Finding("Resolve's Python", f"{good[0].path}, {good[0].said}")
    if system.windows and len(found) > 1:
        others = ", ".join(str(each.path) for each in found[1:])
        yield Finding(
            "other Pythons", f"{others}; should Resolve crash on starting a script, set PYTHONHOME to the folder of one"
        )


def bridge(system: System, ours: str) -> Iterator[Finding]:
    """What the menu would start, started."""
    for all_users in (False, True):
        own = folders.own(system, all_users)
        if (own / listing.NAME).is_file():
            yield _started(own, ours, f"{_INSTALL} --all-users" if all_users else _INSTALL)


def _started(own: Path, ours: str, again: str) -> Finding:
    try:
        chosen = settings.load(str(own))
    except Refused as refused:
        return Finding("bridge", f"{refused.what}, {refused.where}", again)
    command = [settings.native(part) for part in (*chosen.command, "--check")]
    try:
        done = subprocess.run(
            command, env=pipe.environment(chosen), stdin=subprocess.DEVNULL, capture_output=True, timeout=_STARTING
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return Finding("bridge", f"{chosen.command[0]} cannot be started: {error}", again)
    said = done.stdout.decode(errors="replace").strip()
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["it does not say why"])[-1]
        return Finding("bridge", f"{chosen.command[0]} ends with status {done.returncode}: {last}", again)
    if said != ours:
        return Finding("bridge", f"{chosen.command[0]} is Resilver {said}, and this is {ours}", again)
    return Finding("bridge", f"{chosen.command[0]}, Resilver {said}")


def browser() -> Finding:
    """Where the page is shown."""
    if os.environ.get(message.BROWSER) == "none":
        return Finding("browser", f"switched off by {message.BROWSER}=none: addresses are printed in Resolve's console")
    if not message.may_open():
        return Finding("browser", "there is no screen here: addresses are printed in Resolve's console")
    return Finding("browser", "the page is shown in your own")


def answering(server: Callable[[], Client]) -> Finding:
    """The server: one that runs, or one that was started for this."""
    try:
        with server() as client:
            return Finding("server", f"Resilver {client.check()} answers at {client.endpoint().address}")
    except ResilverError as error:
        return Finding("server", f"{error.what}, {error.where}", error.remedy or "resilver doctor")
