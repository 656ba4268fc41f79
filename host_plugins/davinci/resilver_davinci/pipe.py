"""The menu script's end of the pipes to the bridge (docs/bridge-protocol.md)."""

import json
import os
import queue
import subprocess
import sys
import threading
from typing import IO, Any, Dict, Optional

from .refused import FAILED, Refused
from .settings import AGAIN, Settings, native

DOCTOR = 'run "resilver davinci doctor" in a terminal: it says what is missing'
_LEAVING = 10.0
"""Seconds that the bridge gets to end once its pipe is closed."""
_KILLING = 5.0
_LARGEST_LOG = 4 << 20
_TAIL = 2000
"""Bytes of the log that are looked at for its last line."""
_NO_WINDOW = 0x08000000
"""Windows' CREATE_NO_WINDOW, which Python 3.6 has no name for."""
_NOT_PASSED_ON = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__")
"""What Resolve sets for its own Python; the bridge's would break with it."""


class Closed(Exception):
    """The bridge has ended, or closed its pipe."""


class Bridge(object):
    """A bridge process. Lines are read by a thread of their own; all else belongs to the thread that has made it."""

    def __init__(self, settings: Settings) -> None:
        """Start it. Raises Refused where it cannot be started."""
        self._log = settings.log
        self._logged = _make_room(settings.log)
        self._lines = queue.Queue()  # type: queue.Queue[Optional[bytes]]
        self._process = _start(settings)
        thread = threading.Thread(target=self._read, name="resilver bridge")
        thread.daemon = True
        thread.start()

    def send(self, line: Dict[str, Any]) -> None:
        """Raises Closed where nobody reads it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(line).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except (IOError, OSError, ValueError):
            raise Closed()

    def receive(self, patience: float) -> Optional[Dict[str, Any]]:
        """The next line; None where none has come in so many seconds.

        Raises Closed where none will come, Refused for what is none of the protocol.
        """
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)
            raise Closed()
        try:
            found = json.loads(line.decode("utf-8"))
        except (ValueError, RuntimeError):  # RuntimeError: nested without end
            found = None
        if not isinstance(found, dict):
            what = "Resilver's bridge said what is none of its protocol: {!r}".format(line[:80])
            raise Refused(FAILED, what, self._log, AGAIN)
        return found

    def end(self) -> Optional[int]:
        """Close its pipe and wait until it has ended; end it by force where it does not. Its exit status."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
        except (IOError, OSError, ValueError):
            pass
        for seconds, stronger in ((_LEAVING, self._process.terminate), (_KILLING, self._process.kill)):
            try:
                return self._process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                stronger()
        return self._process.wait()

    def last_words(self) -> str:
        """The last line that it has logged; "" where it said nothing."""
        try:
            with open(native(self._log), "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._logged, size - _TAIL))
                lines = file.read().decode("utf-8", "replace").split("\n")
        except (IOError, OSError):
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._lines.put(line)
        except (IOError, OSError, ValueError):
            pass
        self._lines.put(None)


def _make_room(log: str) -> int:
    """Put a log aside that has grown large. Its size: what comes after it is of this run."""
    try:
        os.makedirs(os.path.dirname(native(log)), exist_ok=True)
        if os.path.getsize(native(log)) > _LARGEST_LOG:
            os.replace(native(log), native(log + ".1"))
        return os.path.getsize(native(log))
    except (IOError, OSError):
        return 0


def _open_log(log: str) -> IO[bytes]:
    """Where it cannot be written, the bridge still works: nowhere."""
    try:
        return open(native(log), "ab")
    except (IOError, OSError):
        return open(os.devnull, "ab")


def environment(settings: Settings) -> Dict[str, str]:
    """What the bridge is started with."""
    found = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    for name, value in settings.environment.items():
        found.setdefault(name, os.fsdecode(native(value)))
    found["PYTHONIOENCODING"] = "utf-8:backslashreplace"
    return found


def _start(settings: Settings) -> "subprocess.Popen[bytes]":
    home = os.path.expanduser("~")
    command = [native(part) for part in settings.command]
    try:
        with _open_log(settings.log) as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment(settings),
                cwd=home if os.path.isdir(home) else None,
                creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
            )
    except (IOError, OSError, ValueError) as error:
        what = "Resilver cannot be started: {}".format(getattr(error, "strerror", None) or error)
        remedy = 'if it was moved or updated, run "resilver davinci install" again; otherwise ' + DOCTOR
        raise Refused(FAILED, what, settings.command[0], remedy)
