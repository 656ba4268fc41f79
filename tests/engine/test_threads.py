"""Bounded pipes between threads: in order, errors come out, nobody hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from resilver_server.engine.threads import Ahead, Behind


def test_ahead_keeps_order_and_stays_bounded() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for item in range(50):
            made.append(item)
            yield item

    with Ahead(source, 3, "test") as ahead:
        for taken, item in enumerate(ahead):
            assert item == taken
            assert len(made) <= taken + 6  # three wait, one is on either side, one is being made


def test_ahead_raises_where_the_source_did() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    taken: list[int] = []
    with Ahead(source, 2, "test") as ahead, pytest.raises(ValueError, match="broken"):
        taken.extend(iter(ahead))
    assert taken == [1]


def test_ahead_can_be_left_early() -> None:
    def source() -> Iterator[int]:
        yield from range(10**9)

    began, before = time.monotonic(), threading.active_count()
    with Ahead(source, 2, "test") as ahead:
        assert next(iter(ahead)) == 0
    assert time.monotonic() - began < 5
    assert threading.active_count() == before


def test_behind_consumes_everything_in_order() -> None:
    consumed: list[int] = []
    with Behind(consumed.append, 2, "test") as behind:
        for item in range(50):
            behind.put(item)
        behind.finish()
    assert consumed == list(range(50))


def test_behind_raises_what_the_consumer_raised() -> None:
    def consume(item: int) -> None:
        if item == 3:
            raise OSError("disk")

    def feed() -> None:
        with Behind(consume, 2, "test") as behind:
            for item in range(100):
                behind.put(item)
            behind.finish()

    with pytest.raises(OSError, match="disk"):
        feed()


def test_behind_can_be_left_with_items_waiting() -> None:
    consumed: list[int] = []

    def consume(item: int) -> None:
        time.sleep(0.05)
        consumed.append(item)

    def feed() -> None:
        with Behind(consume, 2, "test") as behind:
            for item in range(3):
                behind.put(item)
            raise KeyError("stop")

    with pytest.raises(KeyError):
        feed()
    assert len(consumed) < 3
