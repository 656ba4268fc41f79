"""What a menu entry does: start the bridge, say who is here, and answer its calls until it is done."""

import importlib
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, Dict, Optional, cast

from . import PROTOCOL, answers, api, message, settings
from .pipe import DOCTOR, Bridge, Closed
from .refused import FAILED, Refused, dialog_open
from .settings import AGAIN, Settings

if TYPE_CHECKING:
    from fusionscript import Resolve

_TICK = 10.0
"""Seconds between looks at whether Resolve is still there."""
_FILES = (
    "start it from DaVinci Resolve's menu, Workspace > Scripts; where your edition has no Python scripts there, work "
    'with files: export the timeline as OTIO, then "resilver restore edit.otio -o restored.otio"'
)


def run(verb: str, scope: Dict[str, Any]) -> None:
    """Serve one menu entry (``restore``, ``new-timeline`` or ``jobs``) until the user is done.

    ``scope`` is what the menu file's globals are: Resolve puts itself there. Whatever goes wrong is one message.
    """
    if hasattr(signal, "SIGPIPE"):
        _ignore_broken_pipes()
    try:
        _serve(verb, scope)
    except Refused as refused:
        message.show(refused)
    except Exception as error:  # the edge of the program: it must be seen by who has clicked
        traceback.print_exc()
        what = "Resilver's menu script has failed: {}: {}".format(type(error).__name__, error)
        message.show(Refused(FAILED, what, _place(error), "please report it"))


def find_resolve(scope: Dict[str, Any]) -> "Resolve":
    """Resolve itself: as it was given to the script, or by its module. Raises Refused where there is none."""
    found = scope.get("resolve")
    app = scope.get("app")
    if not found and app is not None:
        found = app.GetResolve()
    if not found:
        found = _from_module()
    if not found:
        raise Refused(FAILED, "DaVinci Resolve is not there", "", _FILES)
    return cast("Resolve", found)


def hello(verb: str, resolve: "Resolve", version: str) -> Dict[str, Any]:
    """The first line. Raises Refused where Resolve does not answer."""
    numbers, name = resolve.GetVersion(), resolve.GetProductName()
    if not numbers or not name:
        raise dialog_open()
    studio = api.call(resolve, "IsStudio") if api.has(resolve, "IsStudio") else str(name).endswith("Studio")
    return {
        "protocol": PROTOCOL,
        "verb": verb,
        "script": version,
        "python": ".".join(str(number) for number in sys.version_info[:3]),
        "platform": sys.platform,
        "resolve": {"version": list(numbers), "name": str(name), "studio": bool(studio)},
    }


def _serve(verb: str, scope: Dict[str, Any]) -> None:
    chosen = settings.load(settings.own_folder())
    resolve = find_resolve(scope)
    first = hello(verb, resolve, chosen.version)
    bridge = Bridge(chosen)
    conversation = _Conversation(bridge, resolve, chosen)
    try:
        conversation.greet(first)
        conversation.answer_all()
    except Closed:
        raise conversation.broken_off(bridge.end())
    finally:
        bridge.end()


class _Conversation(object):
    """One run of the bridge, from hello to bye."""

    def __init__(self, bridge: Bridge, resolve: "Resolve", chosen: Settings) -> None:
        self._bridge = bridge
        self._resolve = resolve
        self._settings = chosen
        self._welcomed = False
        self._unheard = ""
        """The call that was carried out last, until the bridge has said something after it."""
        self._parent = os.getppid()

    def greet(self, first: Dict[str, Any]) -> None:
        """Raises Refused where there is no bridge of this protocol, Closed where it ends."""
        self._bridge.send({"hello": first})
        line = self._bridge.receive(self._settings.patience)
        if line is None:
            what = "Resilver's bridge has not answered for {:g} seconds".format(self._settings.patience)
            raise Refused(FAILED, what, self._settings.log, "try again; if it happens again, " + DOCTOR)
        _refusal(line)
        welcome = line.get("welcome")
        if not isinstance(welcome, dict) or welcome.get("protocol") != PROTOCOL:
            what = "Resilver's bridge does not speak protocol {}".format(PROTOCOL)
            raise Refused(FAILED, what, repr(line)[:200], AGAIN + ", so that both are of one version")
        self._welcomed = True
        if welcome.get("version") != self._settings.version:
            said = "Resilver: these menu entries were installed by version {}, and {} is running: {}."
            message.say(said.format(self._settings.version, welcome.get("version"), AGAIN))

    def answer_all(self) -> None:
        """Until bye, or until Resolve has gone. Raises Closed where the bridge ends without a bye."""
        while True:
            line = self._bridge.receive(_TICK)
            if line is None:
                if self._orphaned():
                    return
                continue
            self._unheard = ""
            _refusal(line)
            if "bye" in line:
                return
            if "say" in line:
                message.say(str(line["say"]))
            if "call" in line:
                self._answer(line)

    def broken_off(self, status: Optional[int]) -> Refused:
        """Why the bridge has ended, and what is left behind."""
        words = self._bridge.last_words()
        what = "Resilver's bridge has ended {} (exit status {})".format(
            "unexpectedly" if self._welcomed else "at once", status
        )
        if words:
            what += ": " + words
        if self._unheard in answers.CHANGING:
            what += (
                "; what it asked for last ({}) was carried out in the timeline, and may not be kept with the job: look "
                "at the timeline before you go on".format(self._unheard)
            )
        remedy = 'jobs go on without it: open "Resilver - Jobs" from the menu' if self._welcomed else DOCTOR
        return Refused(FAILED, what, self._settings.log, remedy)

    def _answer(self, line: Dict[str, Any]) -> None:
        name = str(line["call"])
        reply = {"id": line.get("id")}  # type: Dict[str, Any]
        try:
            reply["result"] = answers.answer(self._resolve, name, line.get("arguments") or {})
            self._unheard = name
        except Refused as refused:
            reply["error"] = refused.to_json()
        self._bridge.send(reply)

    def _orphaned(self) -> bool:
        """Whether Resolve has ended and left this process behind. Windows does not tell."""
        if os.getppid() == self._parent:
            return False
        try:
            return not api.answers(self._resolve)
        except Exception:  # a handle whose process has gone may raise anything
            return True


def _refusal(line: Dict[str, Any]) -> None:
    """Raise what the bridge refuses."""
    said = line.get("refused")
    if isinstance(said, dict):
        words = [str(said.get(key) or "") for key in ("what", "where", "remedy")]
        raise Refused(FAILED, *words)


def _from_module() -> Any:
    try:
        return importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")
    except ImportError:
        return None


def _place(error: BaseException) -> str:
    """Where in our files it happened."""
    frames = traceback.extract_tb(error.__traceback__)
    return "{}:{}".format(os.path.basename(frames[-1].filename), frames[-1].lineno) if frames else ""


def _ignore_broken_pipes() -> None:
    """An embedded Python may leave this signal as it is, and a bridge that ends would end the script without a word."""
    try:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    except ValueError:
        pass  # not in the main thread: then somebody else decides
