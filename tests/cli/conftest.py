"""One server for all commands that are tested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.command import Desk
from support.serving import server_process


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    with server_process(desk.home):
        yield desk
