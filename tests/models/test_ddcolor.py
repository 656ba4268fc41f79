"""DDColor is the published network: same names and shapes, same results from the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from resilver_client.errors import ModelUnreadable
from resilver_server.models.architectures import DdcolorParameters
from resilver_server.models.cards import card
from resilver_server.models.converters.convert import serialised
from resilver_server.models.converters.recognise import recognise
from resilver_server.models.nets.build import build
from support.colour_models import layout, network
from support.published import FIXTURES, results, seeded

SMALL = DdcolorParameters((8, 16, 24, 32), (1, 2, 1, 1), features=32, queries=5, layers=4, feedforward=20)


@pytest.mark.parametrize(("model", "name"), [("ddcolor-tiny", "tiny"), ("ddcolor-paper", "large")])
def test_equals_the_published_code(model: str, name: str) -> None:
    """At several depths, each against its own range."""
    with np.load(FIXTURES / "ddcolor_upstream.npz") as kept:
        expected = {key.removeprefix(f"{name}/"): kept[key] for key in kept if key.startswith(f"{name}/")}
    ours = results(network(model).module, [tap for tap in expected if tap], *expected[""].shape[1:])
    for tap, values in expected.items():
        difference = np.abs(ours[tap] - values).max() / np.ptp(values)
        print(f"{model} {tap or 'result'}: max abs difference {difference:.1e} of the range {np.ptp(values):.2f}")
        assert difference < 1e-5


@pytest.mark.parametrize("model", ["ddcolor-tiny", "ddcolor-paper", "ddcolor-artistic", "ddcolor-modelscope"])
def test_published_names_and_shapes_are_the_card_s(model: str) -> None:
    """Every published tensor is used, but the classifier's last norm; none is missing, none has another shape."""
    used = {name for name in layout(model) if not name.startswith("encoder.arch.norm.")}
    norms = {name for name in used if name.endswith((".weight_u", ".weight_v"))}
    with torch.device("meta"):
        ours = build(card(model).parameters).state_dict()
    names = {name.replace(".weight_orig", ".weight"): shape for name, shape in layout(model).items()}
    assert {name.replace(".weight_orig", ".weight") for name in used - norms} == set(ours)
    assert all(tuple(ours[name].shape) == names[name] for name in ours)
    assert sum(name.endswith(".weight_orig") for name in used) * 2 == len(norms)


def test_every_size_is_read_from_the_weights() -> None:
    module = build(SMALL)
    found = recognise(dict(module.state_dict()), "small")
    assert found.parameters == SMALL
    assert build(found.parameters)(torch.rand(2, 3, 64, 32)).shape == (2, 2, 64, 32)


@pytest.mark.parametrize("fault", ["missing", "extra", "shape", "vector"])
def test_another_network_is_refused(fault: str) -> None:
    """Named, whichever tensor it is."""
    name = "decoder.layers.1.conv.0"
    state = {**seeded({f"{name}.weight_orig": (32, 48, 3, 3), f"{name}.weight_u": (32,), f"{name}.weight_v": (432,)})}
    state = {key: tensor for key, tensor in build(SMALL).state_dict().items() if key != f"{name}.weight"} | state
    serialised(SMALL, recognise(state, "small").state, "small")
    if fault == "missing":
        del state[f"{name}.weight_u"]
    if fault == "extra":
        state["decoder.layers.3.bn.weight"] = torch.ones(3)
    if fault == "shape":
        state["refine_net.0.0.weight"] = torch.ones(3, 8, 1, 1)
    if fault == "vector":
        state[f"{name}.weight_v"] = torch.ones(7)
    with pytest.raises(ModelUnreadable, match="small"):
        serialised(SMALL, recognise(state, "small").state, "small")
