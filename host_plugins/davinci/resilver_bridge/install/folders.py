"""Where DaVinci Resolve looks for scripts and what else it has, by operating system.

Nothing here asks the system that runs: ``System`` says it, so that every one can be tested on any other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PRODUCT = ("Blackmagic Design", "DaVinci Resolve")
_SUPPORT = ("Library", "Application Support")
JOBS = "davinci-jobs"
"""Folder of kept jobs, in Resilver's own. Uninstalling the menu entries leaves it."""


@dataclass(frozen=True)
class System:
    """A machine and its user."""

    platform: str
    """As ``sys.platform``: "linux", "darwin" or "win32"."""
    environment: Mapping[str, str] = field(repr=False)
    home: Path
    """The user's own folder."""
    root: Path = Path("/")
    """What all users share lies under it; on Windows of use only where the environment does not say."""

    @property
    def windows(self) -> bool:
        return self.platform == "win32"

    @property
    def mac(self) -> bool:
        return self.platform == "darwin"

    def named(self, variable: str, otherwise: Path) -> Path:
        """The folder that a variable of the environment names."""
        said = self.environment.get(variable)
        return Path(said) if said else otherwise


def this_system() -> System:
    """The machine that runs, and who runs it."""
    return System(sys.platform, dict(os.environ), Path.home(), Path("C:/") if sys.platform == "win32" else Path("/"))


def scripts(system: System, all_users: bool = False) -> Path:
    """Resolve's folder of scripts, as Blackmagic's scripting README says it."""
    return _data(system, all_users) / "Fusion" / "Scripts"


def menu(system: System, all_users: bool = False) -> Path:
    """Scripts in here are in the menu on every page."""
    return scripts(system, all_users) / "Utility"


def own(system: System, all_users: bool = False) -> Path:
    """Our own folder. The menu files look into the same ones, a user's own first."""
    if system.windows:
        local, program = ("LOCALAPPDATA", _local(system)), ("PROGRAMDATA", system.root / "ProgramData")
        return system.named(*(program if all_users else local)) / "Resilver" / "davinci"
    if system.mac:
        return (system.root if all_users else system.home).joinpath(*_SUPPORT, "Resilver", "davinci")
    if all_users:
        return system.root / "usr" / "local" / "share" / "resilver" / "davinci"
    return system.named("XDG_DATA_HOME", system.home / ".local" / "share") / "resilver" / "davinci"


def data(system: System) -> tuple[Path, ...]:
    """Folders that Resolve makes: a user's and all users'."""
    return _data(system, False), _data(system, True)


def used(folder: Path) -> bool:
    """Whether Resolve keeps anything in such a folder. One that holds scripts alone may have been made for them."""
    return folder.is_dir() and any(each.name != "Fusion" for each in folder.iterdir())


def programs(system: System) -> tuple[Path, ...]:
    """Where Resolve's own installers put it."""
    if system.windows:
        files = system.named("PROGRAMFILES", system.root / "Program Files")
        return (files.joinpath(*PRODUCT) / "Resolve.exe",)
    if system.mac:
        return (system.root / "Applications" / "DaVinci Resolve" / "DaVinci Resolve.app",)
    return system.root / "opt" / "resolve" / "bin" / "resolve", system.root / "home" / "resolve" / "bin" / "resolve"


def store_program(system: System) -> Path | None:
    """Where the Mac App Store puts it."""
    return system.root / "Applications" / "DaVinci Resolve.app" if system.mac else None


def developer(system: System) -> Path:
    """Resolve's documentation of scripting: its files changed with 21.1."""
    if system.windows:
        shared = system.named("PROGRAMDATA", system.root / "ProgramData").joinpath(*PRODUCT, "Support")
    elif system.mac:
        shared = system.root.joinpath(*_SUPPORT, *PRODUCT)
    else:
        shared = _shared_linux(system)
    return shared / "Developer" / "Scripting"


def bundled_python(system: System) -> tuple[Path, ...]:
    """Where 21.1 and later may keep the Python that they bring."""
    if system.windows:
        return tuple(program.parent / "ResolvePython" for program in programs(system))
    if system.mac:
        contents = programs(system)[0] / "Contents"
        return tuple(sorted(contents.glob("*/ResolvePython"))) or (contents / "ResolvePython",)
    return tuple(program.parent.parent / "ResolvePython" for program in programs(system))


def containers(system: System) -> tuple[Path, ...]:
    """Sandboxes of the Mac App Store's build that lie in the user's folder; they outlive the program."""
    if not system.mac:
        return ()
    return tuple(sorted((system.home / "Library" / "Containers").glob("com.blackmagic-design.DaVinciResolve*")))


def _data(system: System, all_users: bool) -> Path:
    if system.windows:
        if all_users:
            return system.named("PROGRAMDATA", system.root / "ProgramData").joinpath(*PRODUCT)
        return system.named("APPDATA", system.home / "AppData" / "Roaming").joinpath(*PRODUCT, "Support")
    if system.mac:
        return (system.root if all_users else system.home).joinpath(*_SUPPORT, *PRODUCT)
    return _shared_linux(system) if all_users else system.home / ".local" / "share" / "DaVinciResolve"


def _shared_linux(system: System) -> Path:
    """``/opt/resolve``, or ``/home/resolve`` where that one is there alone."""
    usual, other = system.root / "opt" / "resolve", system.root / "home" / "resolve"
    return other if other.is_dir() and not usual.is_dir() else usual


def _local(system: System) -> Path:
    return system.home / "AppData" / "Local"
