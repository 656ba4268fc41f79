"""What "resilver davinci install" has written beside this package: how the bridge is started, and where it logs."""

import io
import json
import os
import sys
from typing import Any, Dict, List, Union

from .refused import FAILED, Refused

NAME = "settings.json"
AGAIN = 'run "resilver davinci install" again'
_PATIENCE = 60.0
"""Seconds that the bridge gets to say who it is, where the settings say nothing else."""


class Settings(object):
    """``command`` starts the bridge, as texts; ``version`` is that of the Resilver that was installed; ``log`` is the
    file that the bridge's standard error goes to; ``environment`` is set for the bridge where Resolve has no value of
    its own; ``patience`` is how many seconds the bridge gets to say who it is."""

    def __init__(
        self, command: List[str], version: str, log: str, environment: Dict[str, str], patience: float
    ) -> None:
        self.command = command
        self.version = version
        self.log = log
        self.environment = environment
        self.patience = patience


def own_folder() -> str:
    """The folder that this package was installed into."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(folder: str) -> Settings:
    """The settings in a folder. Raises Refused where they are missing or damaged."""
    path = os.path.join(folder, NAME)
    try:
        with io.open(path, encoding="utf-8") as file:
            found = json.load(file)
        return _settings(found)
    except (IOError, OSError) as error:
        what = "Resilver's settings cannot be read: {}".format(error.strerror or error)
        raise Refused(FAILED, what, path, AGAIN)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(FAILED, "Resilver's settings are damaged: {!r}".format(error), path, AGAIN)


def _settings(found: Any) -> Settings:
    command = [_text(part) for part in found["command"]]
    if not command:
        raise ValueError("no command")
    given = found.get("environment") or {}
    return Settings(
        command=command,
        version=_text(found["version"]),
        log=os.path.expanduser(_text(found["log"])),
        environment={_text(name): _text(value) for name, value in given.items()},
        patience=float(found.get("patience", _PATIENCE)),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text: {!r}".format(value))
    return value


def native(text: str) -> Union[str, bytes]:
    """A text of the settings as the operating system takes it: bytes in UTF-8, except on Windows.

    Resolve may start Python in the C locale, where 3.6 knows ASCII alone and would not take a path with other
    characters as text.
    """
    return text if sys.platform == "win32" else text.encode("utf-8", "surrogateescape")
