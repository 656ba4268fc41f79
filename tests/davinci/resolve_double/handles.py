"""What a script holds: handles that answer for any name, and refuse without a word."""

import inspect
import threading
import time
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple, TypeVar

from .profiles import Since

if TYPE_CHECKING:
    from .double import Double

FAILURES: Dict[str, Callable[[], Any]] = {"bool": lambda: False, "list": list, "dict": dict, "none": lambda: None}
Function = TypeVar("Function", bound=Callable[..., Any])
ALWAYS: Since = (15,)
"""Since before the oldest version that is modelled."""


class Unmodelled(Exception):
    """A script called something that Resolve has and the double does not model: widen the double, guess nothing."""


class Refusal(Exception):
    """An argument that Resolve does not take: the call fails quietly."""


class Entry(NamedTuple):
    """One method of the API."""

    function: Callable[..., Any]
    returns: str
    """What it fails with: "bool" (False), "list" ([]), "dict" ({}) or "none" (None)."""
    since: Since
    until: Optional[Since]
    """First version that has it no longer."""
    studio: bool
    """Whether the free edition opens a dialog instead."""


def method(
    returns: str = "none", since: Since = ALWAYS, studio: bool = False, until: Optional[Since] = None
) -> Callable[[Function], Function]:
    """Make a function of a class a method of the API."""

    def mark(function: Function) -> Function:
        vars(function)["entry"] = Entry(function, returns, since, until, studio)
        return function

    return mark


class Api(object):
    """Base of what stands behind a handle: the double and the record that it shows."""

    kind = ""
    """Name of its class in Blackmagic's documentation."""
    lasting = False
    """Whether its handles survive the project: those of Resolve itself."""

    def __init__(self, double: "Double", model: Any = None) -> None:
        self.double = double
        self.model = model
        self.generation = double.generation

    @classmethod
    def entries(cls) -> Dict[str, Entry]:
        """Every method of any version."""
        functions = ((name, getattr(cls, name)) for name in dir(cls))
        return {name: function.entry for name, function in functions if hasattr(function, "entry")}

    @property
    def constants(self) -> Dict[str, Any]:
        """Values that live on the handle."""
        return {}

    def alive(self) -> bool:
        """Whether what it shows is still there."""
        return self.lasting or (self.generation == self.double.generation and self.present())

    def present(self) -> bool:
        """Whether the open project still has its record."""
        return True

    def has(self, since: Since) -> bool:
        """Whether this version is that one or newer."""
        return self.double.profile.has(since)

    def names(self) -> List[str]:
        """Methods that this version has."""
        return sorted(name for name, entry in self.entries().items() if self.offered(entry))

    def offered(self, entry: Entry) -> bool:
        """Whether this version has the method."""
        return self.has(entry.since) and not (entry.until and self.has(entry.until))


class Handle(object):
    """The object a script gets. Two handles of one clip are two objects, as in Resolve: compare ids."""

    __slots__ = ("_api",)

    def __init__(self, api: Api) -> None:
        object.__setattr__(self, "_api", api)

    def __dir__(self) -> List[str]:
        return sorted(self._api.names() + list(self._api.constants))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        constants = self._api.constants
        return constants[name] if name in constants else Call(self._api, name)

    def __repr__(self) -> str:
        return "{} (0x{:08X})".format(self._api.kind or "Object", id(self) & 0xFFFFFFFF)


class Call(object):
    """A method, or what the bridge makes of a name that is none."""

    def __init__(self, api: Api, name: str) -> None:
        self.api = api
        self.name = name

    def __call__(self, *arguments: Any) -> Any:
        double = self.api.double
        if not double.turn.acquire(False):
            raise AssertionError("two threads call Resolve's API at once: {}.{}".format(self.api.kind, self.name))
        try:
            return self.answer(arguments)
        finally:
            double.turn.release()

    def answer(self, arguments: Tuple[Any, ...]) -> Any:
        """Log the call, then fail as Resolve would or do it."""
        double, faults = self.api.double, self.api.double.faults
        double.calls.append((self.api.kind, self.name))
        double.before_call(self.api.kind, self.name)
        if faults.block_seconds:
            seconds, faults.block_seconds = faults.block_seconds, 0.0
            time.sleep(seconds)
        if faults.modal_open:
            return False
        entry = self.api.entries().get(self.name)
        if entry is None or not self.api.offered(entry):
            return self.missing()
        if entry.studio and not double.profile.studio:
            faults.modal_open = True
            return False
        return self.perform(entry, arguments)

    def missing(self) -> Any:
        """What calling a method that does not exist does."""
        if self.api.double.faults.missing_method_answers_none:
            return None
        raise TypeError("'NoneType' object is not callable")

    def perform(self, entry: Entry, arguments: Tuple[Any, ...]) -> Any:
        """Do it, or fail quietly: a stale handle, arguments that do not fit, a failure that was injected."""
        if not self.api.alive():
            return False if entry.returns == "bool" else None
        if self.api.double.faults.take_failure("{}.{}".format(self.api.kind, self.name)):
            return FAILURES[entry.returns]()
        if not fits(entry.function, arguments):
            return FAILURES[entry.returns]()
        try:
            return entry.function(self.api, *arguments)
        except Refusal:
            return FAILURES[entry.returns]()


class NullItem(Api):
    """What an append answers for a clip that it dropped: an item of which every question gets None."""

    kind = "TimelineItem"
    lasting = True

    def names(self) -> List[str]:
        """As of any other item."""
        from .api_item import TimelineItem

        return TimelineItem(self.double).names()

    @classmethod
    def entries(cls) -> Dict[str, Entry]:
        """As of any other item, with no answers."""
        from .api_item import TimelineItem

        return {name: entry._replace(function=nothing_of(entry)) for name, entry in TimelineItem.entries().items()}


def nothing_of(entry: Entry) -> Callable[..., Any]:
    """A function that answers False where a bool is asked for and None otherwise."""
    return lambda *_: False if entry.returns == "bool" else None


def fits(function: Callable[..., Any], arguments: Tuple[Any, ...]) -> bool:
    """Whether a function takes so many arguments."""
    try:
        inspect.signature(function).bind(None, *arguments)
    except TypeError:
        return False
    return True


def record_of(value: object, kind: str) -> Any:
    """The record behind a handle of that kind that is still alive. Raises Refusal."""
    api = getattr(value, "_api", None) if isinstance(value, Handle) else None
    if api is None or api.kind != kind or api.model is None or not api.alive():
        raise Refusal("no {}".format(kind))
    return api.model


def records_of(values: object, kind: str) -> List[Any]:
    """The records behind a list of handles. Raises Refusal."""
    if not isinstance(values, (list, tuple)) or not values:
        raise Refusal("no list of {}".format(kind))
    return [record_of(value, kind) for value in values]


def number(value: object) -> float:
    """A number that was given as one. Raises Refusal for text and the rest."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal("no number: {!r}".format(value))
    return value


def text(value: object) -> str:
    """Text that was given as such. Raises Refusal."""
    if not isinstance(value, str):
        raise Refusal("no text: {!r}".format(value))
    return value


def turn() -> Any:
    """A lock that tells whether two threads call at once."""
    return threading.RLock()
