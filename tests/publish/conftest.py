"""A real server, and hosts whose clips are real movies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from publish.memory_host import MemoryHost
from resilver_client.client import Client
from resilver_client.errors import LicenceNotAccepted
from resilver_server.models import store
from resilver_server.models.add import add
from resilver_server.models.architectures import RrdbParameters
from resilver_server.models.nets.build import build
from support.jobs import film
from support.serving import ServerProcess, server_process

CLOSED, ABSENT = "closed", "absent"
"""Models of the server: one whose licence restricts use, one that is only known."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("home")
    known_models(home)
    with server_process(home) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture
def host(media: Path) -> MemoryHost:
    return MemoryHost(media, film)


def known_models(home: Path) -> None:
    """Two tiny networks of one's own, neither installed: nothing comes from the network."""
    torch.manual_seed(3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESILVER_HOME", str(home))
        for id, licence, features in ((CLOSED, "CC-BY-NC-4.0", 8), (ABSENT, "MIT", 4)):
            network = build(RrdbParameters(features=features, growth=4, blocks=1, upsamplings=1))
            torch.save(network.state_dict(), home / f"{id}.pth")
            card = home / f"{id}.json"
            card.write_text(json.dumps({"id": id, "weights_licence": licence, "permissive": licence == "MIT"}))
            try:
                add(home / f"{id}.pth", card)
            except LicenceNotAccepted:
                continue
            (store.models_folder() / "installed" / f"{id}.json").unlink()
