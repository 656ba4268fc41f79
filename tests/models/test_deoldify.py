"""DeOldify is the published network: same names and shapes, same results from the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from resilver_server.models.architectures import DeoldifyParameters
from resilver_server.models.cards import card
from resilver_server.models.converters.recognise import recognise
from resilver_server.models.nets.build import build
from support.colour_models import layout, network
from support.published import FIXTURES, results

NORMS = (".weight_u", ".weight_v", ".weight_g")


@pytest.mark.parametrize(("model", "name"), [("deoldify-artistic", "deep"), ("deoldify-video", "wide")])
def test_equals_the_published_code(model: str, name: str) -> None:
    """At several depths, each against its own range."""
    with np.load(FIXTURES / "deoldify_upstream.npz") as kept:
        expected = {key.removeprefix(f"{name}/"): kept[key] for key in kept if key.startswith(f"{name}/")}
    ours = results(network(model).module, [tap for tap in expected if tap], *expected[""].shape[1:])
    for tap, values in expected.items():
        difference = np.abs(ours[tap] - values).max() / np.ptp(values)
        print(f"{model} {tap or 'result'}: max abs difference {difference:.1e} of the range {np.ptp(values):.2f}")
        assert difference < 1e-5


@pytest.mark.parametrize("model", ["deoldify-artistic", "deoldify-stable", "deoldify-video"])
def test_published_names_and_shapes_are_the_card_s(model: str) -> None:
    """Every published tensor is used; none is missing, none has another shape."""
    with torch.device("meta"):
        ours = {name: tuple(tensor.shape) for name, tensor in build(card(model).parameters).state_dict().items()}
    published = {name.replace(".weight_orig", ".weight"): shape for name, shape in layout(model).items()}
    stem = "layers.8.conv.0"
    published[f"{stem}.weight"] = published.pop(f"{stem}.weight_v")
    assert {name: shape for name, shape in published.items() if not name.endswith(NORMS)} == ours


@pytest.mark.parametrize("deep", [True, False])
@pytest.mark.parametrize("bottleneck", [True, False])
def test_every_size_is_read_from_the_weights(deep: bool, bottleneck: bool) -> None:
    parameters = DeoldifyParameters((1, 2, 1, 1), bottleneck, deep, factor=1.5 if deep else 2.0, stem=16)
    state = dict(build(parameters).state_dict())
    name = "layers.11.0.weight"
    weight = state.pop(name)
    vectors = torch.linalg.svd(weight.flatten(1))
    state |= {f"{name}_orig": weight, f"{name}_u": vectors[0][:, 0], f"{name}_v": vectors[2][0]}
    found = recognise(state, "small")
    assert found.parameters == parameters
    assert torch.allclose(torch.linalg.matrix_norm(found.state[name].flatten(1), 2), torch.ones(()))
    assert build(found.parameters)(torch.rand(1, 3, 48, 80)).shape == (1, 3, 48, 80)
