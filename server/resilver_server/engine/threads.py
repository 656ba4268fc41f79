"""Two ends of a bounded pipe between threads. An error on one side comes out on the other, and nothing hangs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
_PATIENCE = 0.1
"""Seconds between looks at whether the other side has stopped."""


class Ahead(Generic[T]):
    """Runs an iterator in a thread, at most ``depth`` items ahead of who takes them.

    Use as a context manager; leaving it stops the thread, whether or not everything was taken.
    """

    def __init__(self, source: Callable[[], Iterator[T]], depth: int, name: str) -> None:
        self._source = source
        self._queue: queue.Queue[T | _End] = queue.Queue(depth)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        with suppress(queue.Empty):  # makes room for a thread that waits for it
            self._queue.get_nowait()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                if item.error:
                    raise item.error
                return
            yield item

    def _run(self) -> None:
        end = _End(None)
        try:
            for item in self._source():
                if not self._put(item):
                    return
        except BaseException as error:  # handed to the taker, who raises it
            end = _End(error)
        self._put(end)

    def _put(self, item: T | _End) -> bool:
        while not self._stopping.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE)
                return True
            except queue.Full:
                continue
        return False


class Behind(Generic[T]):
    """Gives items to ``consume`` in a thread, at most ``depth`` of them waiting.

    ``put`` and ``finish`` raise what ``consume`` raised. Leaving the context without ``finish`` drops what waits.
    """

    def __init__(self, consume: Callable[[T], None], depth: int, name: str) -> None:
        self._consume = consume
        self._queue: queue.Queue[T | _End] = queue.Queue(depth)
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def put(self, item: T) -> None:
        self._offer(item)

    def finish(self) -> None:
        """Waits until everything is consumed."""
        self._offer(_End(None))
        self._thread.join()
        if self._error:
            raise self._error

    def _offer(self, item: T | _End) -> None:
        while True:
            if self._error:
                raise self._error
            try:
                return self._queue.put(item, timeout=_PATIENCE)
            except queue.Full:
                continue

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                try:
                    item = self._queue.get(timeout=_PATIENCE)
                except queue.Empty:
                    continue
                if isinstance(item, _End):
                    return
                self._consume(item)
        except BaseException as error:  # raised again by put and finish
            self._error = error


class _End:
    """The last item of a pipe."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
