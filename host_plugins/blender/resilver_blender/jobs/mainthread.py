"""Calls of worker threads, made on Blender's main thread: only there its data may be touched. Knows no Blender."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

from resilver_client.errors import Cancelled

Result = TypeVar("Result")


@dataclass(frozen=True)
class _Call:
    function: Callable[[], Any]
    future: Future[Any]
    calm: bool


class MainThread:
    """A line of calls: worker threads queue up in ``call``, the main thread serves them in ``run_pending``."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: deque[_Call] = deque()
        self._closed = False

    def call(self, function: Callable[[], Result], *, calm: bool = False) -> Result:
        """Have ``function`` run on the main thread and wait for what it gives or raises.

        With ``calm`` it waits until the main thread is not in the middle of something, such as a drag: it is for
        calls that change the edit. Raises Cancelled where the line is closed before the call was served.
        """
        call = _Call(function, Future(), calm)
        with self._lock:
            if self._closed:
                raise Cancelled("the work was given up")
            self._calls.append(call)
        result: Result = call.future.result()
        return result

    def run_pending(self, calm: bool = True) -> bool:
        """Serve the calls that wait, those that need a calm moment only if ``calm``; whether any was served."""
        with self._lock:
            ready = [call for call in self._calls if calm or not call.calm]
            self._calls = deque(call for call in self._calls if not calm and call.calm)
        for call in ready:
            _serve(call)
        return bool(ready)

    def waiting(self) -> bool:
        """Whether a call waits for a calm moment."""
        with self._lock:
            return any(call.calm for call in self._calls)

    def close(self) -> None:
        """Serve no more: calls that wait, and later ones, raise Cancelled."""
        with self._lock:
            self._closed, calls, self._calls = True, self._calls, deque()
        for call in calls:
            call.future.set_exception(Cancelled("the work was given up"))


def _serve(call: _Call) -> None:
    try:
        call.future.set_result(call.function())
    except BaseException as error:  # handed over as it is: it belongs to the thread that asked
        call.future.set_exception(error)
