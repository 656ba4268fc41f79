"""``resilver models pull`` and ``verify``: from a file, what 'all' is, and what is said of weights without a digest."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from resilver_client.errors import InvalidRequest
from resilver_server.cli import models
from resilver_server.domain.digests import digest_file
from resilver_server.domain.serial import dumps
from resilver_server.models import store
from resilver_server.models.architectures import COLOURISERS, Architecture, SrvggParameters
from resilver_server.models.cards import CARDS, CardFile, ModelCard, cards_folder
from resilver_server.models.nets.build import build
from resilver_server.models.sources import HttpsFile

_PARAMETERS = SrvggParameters(features=4, convolutions=1, factor=1)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the weights of two models that are published where nobody is: "known", and "unknown" by digest."""
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "home"))
    path = tmp_path / "tiny.pth"
    torch.save(build(_PARAMETERS).state_dict(), path)
    file = CardFile((HttpsFile("https://127.0.0.1:9/tiny.pth"),), path.stat().st_size, digest_file(path))
    known = ModelCard("known", "Tiny", Architecture.SRVGG, _PARAMETERS, 1, 3, 1, (file,), "MIT", "MIT", True)
    unknown = dataclasses.replace(known, id="unknown", files=(dataclasses.replace(file, sha256=""),))
    cards_folder().mkdir(parents=True)
    for model in (known, unknown):
        (cards_folder() / f"{model.id}.json").write_text(dumps(model))
    return path


def test_what_cannot_be_reached_is_taken_from_a_file(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models.pull(["known"], file=weights)
    models.verify(["known"])
    said = capsys.readouterr().out
    assert store.installed("known") is not None
    assert "is right" in said
    assert "not verified" not in said


def test_what_has_no_digest_is_not_called_verified(weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models.pull(["unknown"], file=weights)
    assert "not verified" in capsys.readouterr().out
    models.verify(["unknown"])
    said = capsys.readouterr().out
    assert "not verified" in said
    assert "is right" not in said


def test_one_file_is_one_model(weights: Path) -> None:
    for names in (["known", "unknown"], ["all"]):
        with pytest.raises(InvalidRequest, match="one file is one model"):
            models.pull(names, file=weights)
    with pytest.raises(InvalidRequest, match="several files"):
        models.pull(["span-x2"], file=weights)


@pytest.mark.usefixtures("weights")
def test_all_leaves_the_colourisers_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pulled: list[str] = []
    monkeypatch.setattr(models, "pull_model", lambda name, *_: pulled.append(name))
    models.pull(["all"])
    assert pulled == [card.id for card in CARDS if card.architecture not in COLOURISERS] + ["known", "unknown"]
