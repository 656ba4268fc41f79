"""The contract of hosts, over the host without a window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from publish.contract import CHECKS, HostUnderTest
from publish.memory_host import MemoryHost
from resilver_client.errors import InvalidRequest
from resilver_publish.types import HostClip, Layout, Occupied, Remembered
from support.jobs import film


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_host_keeps_the_contract(media: Path, check: Callable[[HostUnderTest], None]) -> None:
    check(MemoryHost(media, film))


def test_every_check_is_listed() -> None:
    import publish.contract as contract

    written = {value for name, value in vars(contract).items() if name.startswith("check_")}
    assert written == set(CHECKS)


def test_what_is_remembered_comes_back_the_same() -> None:
    clips = (HostClip("a", "reel \u201cone\u201d", 1, 0, 10), HostClip("b", "", 2, -5, 3))
    kept = Remembered("job", clips, {"a": "0/1", "b": "1/0"}, Layout.REPLACE, Occupied.ABOVE, "d", True, "t")
    text = kept.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert Remembered.from_json(text) == kept


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"job": 1}', '{"job": "j", "clips": [3]}'])
def test_a_damaged_memory_is_a_plain_error(text: str) -> None:
    with pytest.raises(InvalidRequest, match="remembers"):
        Remembered.from_json(text)
