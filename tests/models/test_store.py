"""Installing, verifying and loading, with a model small enough to be made here."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from resilver_client.errors import (
    LicenceNotAccepted,
    ModelDigestMismatch,
    ModelNotInstalled,
    ModelSourceUnreachable,
    ModelUnknown,
)
from resilver_server.domain.digests import digest_file
from resilver_server.domain.serial import dumps
from resilver_server.models import store
from resilver_server.models.architectures import Architecture, RrdbParameters
from resilver_server.models.cards import CardFile, ModelCard, card, cards_folder
from resilver_server.models.loader import load
from resilver_server.models.nets.build import build
from resilver_server.models.sources import LocalFile

_PARAMETERS = RrdbParameters(features=8, growth=4, blocks=2, upsamplings=1)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "home"))


def _card(tmp_path: Path, licence: str = "MIT", permissive: bool = True) -> torch.nn.Module:
    """Puts a card "tiny" into the home; its weights are a checkpoint on this disk. Returns the network it is of."""
    torch.manual_seed(3)
    module = build(_PARAMETERS)
    path = tmp_path / "tiny.pth"
    if not path.exists():
        torch.save({"params_ema": module.state_dict()}, path)
    file = CardFile((LocalFile(str(path)),), path.stat().st_size, digest_file(path))
    model = ModelCard(
        "tiny", "Tiny", Architecture.RRDB, _PARAMETERS, 2, 64, 1, (file,), "MIT", licence, permissive, "made here"
    )
    cards_folder().mkdir(parents=True, exist_ok=True)
    (cards_folder() / "tiny.json").write_text(dumps(model))
    return module


def _without_digest(tmp_path: Path) -> torch.nn.Module:
    """The same card, of which no digest is published and whose size is a guess."""
    module = _card(tmp_path)
    file = CardFile((LocalFile(str(tmp_path / "tiny.pth")),), (tmp_path / "tiny.pth").stat().st_size - 99, "")
    (cards_folder() / "tiny.json").write_text(dumps(dataclasses.replace(card("tiny"), files=(file,))))
    return module


def _finished_files() -> set[str]:
    """What lies in the store under a final name, without the card and the fetched bytes."""
    folders = (store.models_folder(), store.models_folder() / "installed")
    return {path.name for folder in folders if folder.exists() for path in folder.iterdir() if path.is_file()}


def test_install_then_load_gives_the_same_network(tmp_path: Path) -> None:
    original = _card(tmp_path)
    assert store.installed("tiny") is None
    assert store.state(card("tiny")) is store.ModelState.ABSENT
    kept = store.install("tiny")
    assert store.installed("tiny") == kept
    assert store.verify("tiny") == kept
    assert store.state(card("tiny")) is store.ModelState.INSTALLED
    assert kept.path.name == f"{digest_file(kept.path)}.safetensors"
    network = load(kept, "cpu")
    original = original.to(memory_format=torch.channels_last)  # another layout rounds otherwise
    frames = torch.rand(1, 3, 12, 9)
    with torch.inference_mode():
        assert torch.equal(network.module(frames), original(frames))
    assert network.scale == 2
    assert not network.module.training
    assert not any(parameter.requires_grad for parameter in network.module.parameters())


def test_half_precision(tmp_path: Path) -> None:
    _card(tmp_path)
    network = load(store.install("tiny"), "cpu", torch.bfloat16)
    assert network.module(torch.rand(1, 3, 8, 8, dtype=torch.bfloat16)).dtype is torch.bfloat16


def test_not_installed(tmp_path: Path) -> None:
    _card(tmp_path)
    with pytest.raises(ModelNotInstalled, match="models pull tiny"):
        store.verify("tiny")
    with pytest.raises(ModelUnknown):
        store.install("nothing")


def test_changed_weights_are_noticed_and_replaced(tmp_path: Path) -> None:
    _card(tmp_path)
    kept = store.install("tiny")
    good = kept.path.read_bytes()
    kept.path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(ModelDigestMismatch):
        store.verify("tiny")
    with pytest.raises(ModelDigestMismatch):
        load(kept, "cpu")
    assert store.install("tiny").path.read_bytes() == good


def test_weights_that_are_gone(tmp_path: Path) -> None:
    _card(tmp_path)
    kept = store.install("tiny")
    kept.path.unlink()
    assert store.installed("tiny") is None
    with pytest.raises(ModelNotInstalled):
        load(kept, "cpu")


def test_another_source_is_another_model(tmp_path: Path) -> None:
    _card(tmp_path)
    store.install("tiny")
    torch.save({"params": build(_PARAMETERS).state_dict()}, tmp_path / "tiny.pth")
    _card(tmp_path)
    assert store.installed("tiny") is None


def test_licence_is_asked_once_and_again_when_it_changes(tmp_path: Path) -> None:
    _card(tmp_path, "CC-BY-NC-4.0", permissive=False)
    assert store.state(card("tiny")) is store.ModelState.LICENCE_NEEDED
    with pytest.raises(LicenceNotAccepted, match=r"CC-BY-NC-4\.0"):
        store.install("tiny")
    assert _finished_files() == set()
    store.install("tiny", accept_licence=True)
    assert store.state(card("tiny")) is store.ModelState.INSTALLED
    store.install("tiny")
    assert json.loads((store.models_folder() / "licences.json").read_text()) == {"tiny": "CC-BY-NC-4.0"}
    _card(tmp_path, "CC-BY-NC-ND-4.0", permissive=False)
    with pytest.raises(LicenceNotAccepted):
        store.install("tiny")


_INSTALL = "from resilver_server.models.store import install; print(install('tiny').digest)"
_INSTALL_AND_DIE = """
import os, signal
from resilver_server.models import store
from resilver_server.models.converters import convert
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
{where}
store.install('tiny'{argument})
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    _card(tmp_path)
    racing = [subprocess.Popen([sys.executable, "-c", _INSTALL], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    digests = {process.communicate(timeout=120)[0].strip() for process in racing}
    assert [process.returncode for process in racing] == [0, 0]
    assert digests == {store.verify("tiny").digest}


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize(
    ("where", "argument"),
    [
        ("", ", progress=die"),
        ("convert.convert = die", ""),
        ("os.fsync = die", ""),
    ],
    ids=["while fetching", "while converting", "while writing"],
)
def test_killed_half_way(tmp_path: Path, where: str, argument: str) -> None:
    _card(tmp_path)
    script = _INSTALL_AND_DIE.format(where=where, argument=argument)
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=120).returncode == -signal.SIGKILL
    assert _finished_files() == set()
    assert store.installed("tiny") is None
    store.install("tiny")
    assert store.verify("tiny").path.is_file()


def test_weights_without_a_published_digest_are_recorded_not_verified(tmp_path: Path) -> None:
    _without_digest(tmp_path)
    assert not store.verified(card("tiny"))
    kept = store.install("tiny")
    record = json.loads((store.models_folder() / "installed" / "tiny.json").read_text())
    assert record["source"] == digest_file(tmp_path / "tiny.pth")
    assert store.installed("tiny") == kept
    assert store.state(card("tiny")) is store.ModelState.INSTALLED


def test_much_more_than_the_guessed_size_is_not_taken(tmp_path: Path) -> None:
    _without_digest(tmp_path)
    with (tmp_path / "tiny.pth").open("ab") as file:
        file.write(bytes(file.tell() * 2))
    with pytest.raises(ModelDigestMismatch, match="more than"):
        store.install("tiny")
    assert store.installed("tiny") is None


def test_published_weights_from_a_file(tmp_path: Path) -> None:
    """The same bytes are taken wherever they come from, others are not."""
    _card(tmp_path)
    elsewhere = tmp_path / "elsewhere.bin"
    (tmp_path / "tiny.pth").rename(elsewhere)
    with pytest.raises(ModelSourceUnreachable):
        store.install("tiny")
    data = elsewhere.read_bytes()
    for other in (data + b"0", data[:-1] + bytes([data[-1] ^ 1])):
        (tmp_path / "other.bin").write_bytes(other)
        with pytest.raises(ModelDigestMismatch):
            store.install("tiny", file=tmp_path / "other.bin")
    with pytest.raises(ModelSourceUnreachable, match=r"nothing\.bin"):
        store.install("tiny", file=tmp_path / "nothing.bin")
    assert store.installed("tiny") is None
    assert store.install("tiny", file=elsewhere) == store.installed("tiny")
    assert elsewhere.read_bytes() == data
