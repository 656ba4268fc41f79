"""What tests of faults share."""

from __future__ import annotations

import pytest

from faults.reel import Reel, make


@pytest.fixture(scope="session")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Reel:
    return make(tmp_path_factory.mktemp("reel"))
