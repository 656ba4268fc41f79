"""The list of models, and that it can be read without the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from resilver_client.errors import ModelUnknown, ModelUnreadable
from resilver_server.domain.serial import dumps, loads
from resilver_server.models.architectures import (
    COLOURISERS,
    UPSCALERS,
    Architecture,
    DdcolorParameters,
    DeoldifyParameters,
    EfficientNetLiteParameters,
    IfnetParameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
)
from resilver_server.models.cards import CARDS, ModelCard, all_cards, card, cards_folder
from resilver_server.models.nets.build import build
from resilver_server.models.sources import WheelMember
from resilver_server.models.store import ModelState, state, verified

_PARAMETERS = {
    Architecture.RRDB: RrdbParameters,
    Architecture.SRVGG: SrvggParameters,
    Architecture.SPAN: SpanParameters,
    Architecture.IFNET: IfnetParameters,
    Architecture.DDCOLOR: DdcolorParameters,
    Architecture.DEOLDIFY: DeoldifyParameters,
    Architecture.EFFICIENTNET_LITE: EfficientNetLiteParameters,
}
_UNVERIFIED = {"ddcolor-paper"}
"""No digest of these is known."""


def test_ids_are_unique_and_known() -> None:
    ids = [model.id for model in CARDS]
    assert len(set(ids)) == len(ids)
    assert {"rife-4.25", "rife-4.6", "realesrgan-x4plus", "realesrgan-x4plus-anime"} <= set(ids)
    assert {"realesr-animevideov3", "span-x2", "span-x4"} <= set(ids)


@pytest.mark.parametrize("model", CARDS, ids=lambda model: model.id)
def test_card_is_complete(model: ModelCard) -> None:
    assert isinstance(model.parameters, _PARAMETERS[model.architecture])
    assert all(file.size > 0 and file.sources for file in model.files)
    assert all(len(file.sha256) == (0 if model.id in _UNVERIFIED else 64) for file in model.files)
    assert verified(model) is (model.id not in _UNVERIFIED)
    assert ("not verified" in model.notes) is (model.id in _UNVERIFIED)
    assert (model.edge > 0) is (model.architecture in COLOURISERS)
    assert model.code_licence
    assert model.weights_licence
    assert model.permissive
    assert loads(ModelCard, dumps(model)) == model


@pytest.mark.parametrize("model", [m for m in CARDS if m.architecture in UPSCALERS], ids=lambda m: m.id)
def test_scale_is_what_the_network_does(model: ModelCard) -> None:
    with torch.inference_mode():
        result = build(model.parameters)(torch.zeros(1, 3, 7, 10))
    assert result.shape == (1, 3, 7 * model.scale, 10 * model.scale)


@pytest.mark.parametrize("model", [m for m in CARDS if m.architecture is Architecture.IFNET], ids=lambda m: m.id)
def test_interpolation_keeps_the_size_of_its_multiple(model: ModelCard) -> None:
    torch.manual_seed(1)
    frame = torch.rand(1, 3, model.multiple, 2 * model.multiple)
    assert build(model.parameters)(frame, frame, 0.5).shape == frame.shape


def test_unknown_model() -> None:
    with pytest.raises(ModelUnknown, match=r"rife-4\.25"):
        card("rife-9")


def test_damaged_user_card_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path))
    cards_folder().mkdir(parents=True)
    (cards_folder() / "mine.json").write_text('{"id": "mine"')
    with pytest.raises(ModelUnreadable, match=r"mine\.json"):
        all_cards()


def test_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path))
    assert {state(model) for model in all_cards()} == {ModelState.ABSENT}


def test_listing_loads_no_heavy_library() -> None:
    script = (
        "import sys; from resilver_server.models import cards, store, sources\n"
        "print([store.state(model).value for model in cards.all_cards()])\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'cv2', 'av', 'numpy', 'safetensors')))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_page_lists_the_models_as_they_are() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{m.id}` | {m.scale} | {m.halo} | {m.multiple} | {m.size / 1e6:.1f} | {m.weights_licence} |" for m in CARDS
    ]


def test_sources_are_wheels_first() -> None:
    """Hubs are not always reachable; package indexes are what everybody has set up. No index has colourisers."""
    models = [model for model in CARDS if model.architecture not in COLOURISERS]
    assert all(isinstance(file.sources[0], WheelMember) for model in models for file in model.files)
