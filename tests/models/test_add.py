"""A user's own checkpoint: recognised from its shapes under every published naming, refused by name if wrong."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional as F

from resilver_client.errors import InvalidRequest, LicenceNotAccepted, ModelUnreadable
from resilver_server.models import store
from resilver_server.models.add import add
from resilver_server.models.architectures import (
    DdcolorParameters,
    DeoldifyParameters,
    IfnetParameters,
    Parameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
)
from resilver_server.models.cards import all_cards, card
from resilver_server.models.colourise import chroma
from resilver_server.models.loader import load
from resilver_server.models.nets.build import build


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "home"))


def _user_card(tmp_path: Path, **fields: object) -> Path:
    path = tmp_path / "card.json"
    path.write_text(json.dumps({"id": "mine", "weights_licence": "MIT", **fields}))
    return path


def _seeded(parameters: Parameters) -> torch.nn.Module:
    torch.manual_seed(11)
    return build(parameters)


def _same(module: torch.nn.Module, size: tuple[int, int] = (16, 12)) -> bool:
    module = module.to(memory_format=torch.channels_last)  # another layout rounds otherwise
    frames = torch.rand(1, 3, *size)
    with torch.inference_mode():
        return torch.equal(load(store.require("mine"), "cpu").module(frames), module(frames))


@pytest.mark.parametrize("wrapper", ["params_ema", "params", "state_dict", None])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_esrgan_wrapped_in_any_way(tmp_path: Path, wrapper: str | None, prefix: str) -> None:
    parameters = RrdbParameters(features=8, growth=4, blocks=2, upsamplings=2)
    module = _seeded(parameters)
    state = {prefix + name: tensor for name, tensor in module.state_dict().items()}
    torch.save({wrapper: state, "iteration": 7} if wrapper else state, tmp_path / "mine.pth")
    add(tmp_path / "mine.pth", _user_card(tmp_path, title="My film"))
    mine = card("mine")
    assert (mine.parameters, mine.scale, mine.halo, mine.multiple) == (parameters, 4, 96, 1)
    assert (mine.title, mine.permissive) == ("My film", True)
    assert _same(module)


@pytest.mark.parametrize(("unshuffle", "scale"), [(2, 2), (4, 1)])
def test_esrgan_with_folded_input(tmp_path: Path, unshuffle: int, scale: int) -> None:
    module = _seeded(RrdbParameters(features=8, growth=4, blocks=1, upsamplings=2, unshuffle=unshuffle))
    torch.save(module.state_dict(), tmp_path / "mine.pth")
    add(tmp_path / "mine.pth", _user_card(tmp_path))
    assert (card("mine").scale, card("mine").multiple, card("mine").halo) == (scale, unshuffle, 96 * unshuffle)
    assert _same(module)


def _first_release(name: str, upsamplings: int) -> str:
    """The names of ESRGAN's first checkpoints, which most communities still use."""
    name = re.sub(r"^body\.(\d+)\.rdb(\d)\.(conv\d)\.", r"model.1.sub.\1.RDB\2.\3.0.", name)
    name = name.replace("conv_body.", "model.1.sub.2.").replace("conv_first.", "model.0.")
    name = re.sub(r"^conv_up(\d)\.", lambda match: f"model.{3 * int(match[1])}.", name)
    high = 3 * upsamplings + 2
    return name.replace("conv_hr.", f"model.{high}.").replace("conv_last.", f"model.{high + 2}.")


@pytest.mark.parametrize("upsamplings", [0, 1, 2, 3])
def test_esrgan_of_the_first_release(tmp_path: Path, upsamplings: int) -> None:
    module = _seeded(RrdbParameters(features=8, growth=4, blocks=2, upsamplings=upsamplings))
    state = {_first_release(name, upsamplings): tensor for name, tensor in module.state_dict().items()}
    torch.save(state, tmp_path / "mine.pth")
    add(tmp_path / "mine.pth", _user_card(tmp_path))
    assert card("mine").scale == 2**upsamplings
    assert _same(module)


def test_esrgan_of_the_second_release(tmp_path: Path) -> None:
    module = _seeded(RrdbParameters(features=8, growth=4, blocks=2, upsamplings=2))
    renamed = {
        re.sub(r"^body\.(\d+)\.rdb", r"RRDB_trunk.\1.RDB", name)
        .replace("conv_body", "trunk_conv")
        .replace("conv_up", "upconv")
        .replace("conv_hr", "HRconv"): tensor
        for name, tensor in module.state_dict().items()
    }
    torch.save(renamed, tmp_path / "mine.pth")
    add(tmp_path / "mine.pth", _user_card(tmp_path))
    assert _same(module)


def test_compact_as_safetensors(tmp_path: Path) -> None:
    parameters = SrvggParameters(features=12, convolutions=5, factor=2)
    module = _seeded(parameters)
    safetensors.torch.save_file(module.state_dict(), tmp_path / "mine.safetensors")
    add(tmp_path / "mine.safetensors", _user_card(tmp_path))
    assert (card("mine").parameters, card("mine").halo, card("mine").scale) == (parameters, 7, 2)
    assert _same(module)


def _span_in_training(channels: int, factor: int) -> dict[str, Tensor]:
    """A SPAN checkpoint as training writes it: each 3x3 convolution is a chain of three with one beside it."""
    generator = torch.Generator().manual_seed(5)
    state: dict[str, Tensor] = {}

    def layer(name: str, outputs: int, inputs: int, kernel: int) -> None:
        state[f"{name}.weight"] = torch.randn(outputs, inputs, kernel, kernel, generator=generator) * 0.1
        state[f"{name}.bias"] = torch.randn(outputs, generator=generator) * 0.1

    stems = [("conv_1", 3), ("conv_2", channels)]
    stems += [(f"block_{block}.c{part}_r", channels) for block in range(1, 7) for part in (1, 2, 3)]
    for stem, inputs in stems:
        layer(f"{stem}.sk", channels, inputs, 1)
        layer(f"{stem}.conv.0", 2 * inputs, inputs, 1)
        layer(f"{stem}.conv.1", 2 * channels, 2 * inputs, 3)
        layer(f"{stem}.conv.2", channels, 2 * channels, 1)
        layer(f"{stem}.eval_conv", channels, inputs, 3)  # stale: must not be used
    layer("conv_cat", channels, 4 * channels, 1)
    layer("upsampler.0", 3 * factor**2, channels, 3)
    return state


@pytest.mark.parametrize("normalised", [True, False])
def test_span_is_fused(tmp_path: Path, normalised: bool) -> None:
    state = _span_in_training(channels=8, factor=2)
    torch.save({"params": state if normalised else {**state, "no_norm": torch.zeros(1)}}, tmp_path / "mine.pth")
    add(tmp_path / "mine.pth", _user_card(tmp_path))
    assert card("mine").parameters == SpanParameters(channels=8, factor=2)
    module = load(store.require("mine"), "cpu").module
    assert float(module.get_buffer("range")) == (255.0 if normalised else 1.0)
    given = torch.rand(1, 8, 9, 9)
    chain = given
    for part in range(3):
        chain = F.conv2d(chain, state[f"block_3.c2_r.conv.{part}.weight"], state[f"block_3.c2_r.conv.{part}.bias"])
    beside = F.conv2d(given, state["block_3.c2_r.sk.weight"], state["block_3.c2_r.sk.bias"])[..., 1:-1, 1:-1]
    fused = module.get_submodule("block_3.c2_r")(given)[..., 1:-1, 1:-1]
    assert torch.allclose(fused, chain + beside, atol=1e-5)


def _spectral(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """The weights as training keeps them: with the vectors of their spectral norm, here twice as large."""
    kept = dict(state)
    weight = kept.pop(name)
    left, lengths, right = torch.linalg.svd(weight.flatten(1), full_matrices=False)
    return kept | {f"{name}_orig": weight * 2 / lengths[0], f"{name}_u": left[:, 0], f"{name}_v": right[0]}


def test_deoldify_as_its_training_saved_it(tmp_path: Path) -> None:
    """A pickle of torch 1.0 with the optimiser beside the model, spectral norms in parts."""
    parameters = DeoldifyParameters((1, 1, 1, 1), bottleneck=False, deep=True, factor=1.5, stem=16)
    module = _seeded(parameters)
    state = _spectral(module.state_dict(), "layers.11.0.weight")
    checkpoint = {"model": state, "opt": {"state": {}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.99)}]}}
    torch.save(checkpoint, tmp_path / "mine.pth", _use_new_zipfile_serialization=False)
    add(tmp_path / "mine.pth", _user_card(tmp_path))
    mine = card("mine")
    assert (mine.parameters, mine.scale, mine.multiple, mine.edge) == (parameters, 1, 16, 560)
    network = load(store.require("mine"), "cpu")
    folded = network.module.get_parameter("layers.11.0.weight")
    assert torch.linalg.matrix_norm(folded.flatten(1), 2).item() == pytest.approx(1, abs=1e-5)
    assert chroma(network, torch.rand(20, 30), edge=64).shape == (2, 20, 30)


def test_ddcolor_from_its_training_program(tmp_path: Path) -> None:
    """Under ``params``, with the classifier's norm that nobody uses."""
    parameters = DdcolorParameters((8, 16, 24, 32), (1, 1, 2, 1), features=32, queries=6, layers=3, feedforward=40)
    state = _spectral(_seeded(parameters).state_dict(), "decoder.layers.0.conv.0.weight")
    torch.save({"params": {**state, "encoder.arch.norm.weight": torch.ones(32)}}, tmp_path / "mine.pth")
    add(tmp_path / "mine.pth", _user_card(tmp_path))
    mine = card("mine")
    assert (mine.parameters, mine.scale, mine.multiple, mine.edge) == (parameters, 1, 32, 512)
    assert chroma(load(store.require("mine"), "cpu"), torch.rand(20, 30), edge=32).shape == (2, 20, 30)


def test_licence_of_a_user_model(tmp_path: Path) -> None:
    torch.save(_seeded(SrvggParameters(8, 1, 2)).state_dict(), tmp_path / "mine.pth")
    restricted = _user_card(tmp_path, weights_licence="CC-BY-NC-SA-4.0")
    with pytest.raises(LicenceNotAccepted):
        add(tmp_path / "mine.pth", restricted)
    assert store.state(card("mine")) is store.ModelState.LICENCE_NEEDED
    with pytest.raises(LicenceNotAccepted):
        store.install("mine")
    store.install("mine", accept_licence=True)
    assert store.verify("mine").id == "mine"


def test_licence_accepted_while_adding(tmp_path: Path) -> None:
    torch.save(_seeded(SrvggParameters(8, 1, 2)).state_dict(), tmp_path / "mine.pth")
    add(tmp_path / "mine.pth", _user_card(tmp_path, weights_licence="CC-BY-NC-4.0"), accept_licence=True)
    assert store.verify("mine").id == "mine"


class _Harmful:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


def test_code_in_a_pickle_never_runs(tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    torch.save({"params": _Harmful(mark)}, tmp_path / "zip.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(_Harmful(mark), protocol=2))
    for name in ("zip.pth", "plain.pth"):
        with pytest.raises(ModelUnreadable, match="never run"):
            add(tmp_path / name, _user_card(tmp_path))
    assert not mark.exists()


@pytest.mark.parametrize("kept", [0, 1, 100, 5000, -1])
@pytest.mark.parametrize("name", ["mine.pth", "mine.safetensors"])
def test_truncated(tmp_path: Path, name: str, kept: int) -> None:
    path = tmp_path / name
    state = _seeded(SrvggParameters(8, 3, 2)).state_dict()
    torch.save(state, path) if name.endswith("pth") else safetensors.torch.save_file(state, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelUnreadable, match=re.escape(name)):
        add(path, _user_card(tmp_path))
    assert all_cards()[-1].id != "mine"


def _states() -> dict[str, dict[str, object]]:
    good = _seeded(RrdbParameters(8, 4, 1, 2)).state_dict()
    return {
        "empty": {},
        "classifier": {"fc.weight": torch.rand(10, 4), "fc.bias": torch.rand(10)},
        "no tensors": {"params": {"a": 1}},
        "wrong shape": {**good, "conv_hr.weight": torch.rand(8, 8, 5, 5)},
        "missing layer": {name: tensor for name, tensor in good.items() if name != "conv_last.bias"},
        "extra layer": {**good, "attention.weight": torch.rand(3)},
        "not finite": {**good, "conv_hr.weight": torch.full((8, 8, 3, 3), float("nan"))},
        "grey input": {**good, "conv_first.weight": torch.rand(8, 1, 3, 3)},
        "interpolation": dict(_seeded(IfnetParameters((16, 8), 0, 0, 6)).state_dict()),
        "transposed": {name: tensor.transpose(0, -1) for name, tensor in good.items()},
    }


@pytest.mark.parametrize("name", _states())
def test_wrong_contents(tmp_path: Path, name: str) -> None:
    torch.save(_states()[name], tmp_path / "mine.pth")
    with pytest.raises(ModelUnreadable, match=r"mine\.pth"):
        add(tmp_path / "mine.pth", _user_card(tmp_path))
    assert all_cards()[-1].id != "mine"


def test_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="cannot be opened"):
        add(tmp_path / "none.pth", _user_card(tmp_path))


@pytest.mark.parametrize(
    "fields",
    [{"id": "rife-4.25"}, {"id": "../outside"}, {"id": ""}, {"unknown": 1}, {"weights_licence": 3}],
    ids=["taken", "path", "empty", "unknown field", "wrong type"],
)
def test_wrong_card(tmp_path: Path, fields: dict[str, object]) -> None:
    torch.save(_seeded(SrvggParameters(8, 1, 2)).state_dict(), tmp_path / "mine.pth")
    with pytest.raises(InvalidRequest):
        add(tmp_path / "mine.pth", _user_card(tmp_path, **fields))
