"""Run a program among walls: ``python walled.py WALL... -- PROGRAM...``, where a wall is ``tmpfs:DIR:SIZE``,
``read-only:DIR``, ``bind:DIR:OTHER`` or ``permissions:``.

Small disks and read-only folders are mounted where only this program and its children see them, in a mount namespace
(and a user namespace for whoever is not root), and go when the last of them ends. ``permissions:`` has the bits of
files hold for root too. The process id stays.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

_NEW_MOUNTS, _NEW_USERS = 0x20000, 0x10000000
_READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
"""Of Linux's unshare(2) and mount(2)."""
_DROP_FROM_BOUNDS = 24
_OVER_PERMISSIONS = (1, 2)
"""Of prctl(2), and ``CAP_DAC_OVERRIDE`` and ``CAP_DAC_READ_SEARCH`` of capabilities(7)."""
_LIBC = ctypes.CDLL(None, use_errno=True)


def available() -> bool:
    """Whether this system and this user can have walls."""
    if sys.platform != "linux":
        return False
    command = [sys.executable, __file__, "tmpfs:/tmp:64k", "--", "true"]
    return subprocess.run(command, capture_output=True).returncode == 0


def inside(pid: int, path: Path) -> Path:
    """How others reach a folder that a walled process sees."""
    return Path(f"/proc/{pid}/root{path}")


def mend(pid: int, folder: Path, options: str) -> None:
    """Remount what a walled process sees: ``remount,bind,rw``."""
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--user", "--preserve-credentials", "--mount"]
    subprocess.run(["nsenter", "-t", str(pid), *namespaces, "mount", "-o", options, str(folder)], check=True)


def _check(status: int) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    names = [text.encode() if text else None for text in (source, target, kind)]
    _check(_LIBC.mount(*names, ctypes.c_ulong(flags), data.encode() if data else None))


def _enter() -> None:
    user, group, root = os.geteuid(), os.getegid(), os.geteuid() == 0
    _check(_LIBC.unshare(_NEW_MOUNTS if root else _NEW_MOUNTS | _NEW_USERS))
    if not root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _mount("none", "/", None, _RECURSIVE | _PRIVATE)


def main(walls: list[str], program: list[str]) -> None:
    _enter()
    for wall in walls:
        kind, folder, *rest = wall.split(":")
        if kind == "tmpfs":
            _mount("none", folder, "tmpfs", 0, f"size={rest[0]}")
        elif kind == "permissions":
            for capability in _OVER_PERMISSIONS:
                _check(_LIBC.prctl(_DROP_FROM_BOUNDS, capability, 0, 0, 0))
        elif kind == "bind":
            _mount(rest[0], folder, None, _BIND)
        else:
            _mount(folder, folder, None, _BIND)
            _mount("none", folder, None, _BIND | _REMOUNT | _READ_ONLY)
    os.execvp(program[0], program)


if __name__ == "__main__":
    middle = sys.argv.index("--")
    main(sys.argv[1:middle], sys.argv[middle + 1 :])
