"""SPAN's training checkpoints hold each 3x3 convolution as three in a row and one beside them. Inference needs one."""

from __future__ import annotations

import re

import torch
from torch import Tensor

State = dict[str, Tensor]

_MEAN = (0.4488, 0.4371, 0.4040)
_RANGE = 255.0


def span_state(tensors: State) -> State:
    """Our names, one 3x3 convolution each. The stored ``eval_conv`` is not trusted: it may be older than its parts.

    Without the marker ``no_norm`` the input is normalised with the constants of the published code.
    Raises KeyError where a part is missing.
    """
    stems = sorted({match[1] for name in tensors if (match := re.match(r"(.*)\.(?:sk|eval_conv)\.", name))})
    state: State = {}
    for stem in stems:
        state[f"{stem}.weight"], state[f"{stem}.bias"] = _fused(tensors, stem)
    for ours, theirs in (("conv_cat", "conv_cat"), ("upsampler", "upsampler.0")):
        for leaf in ("weight", "bias"):
            state[f"{ours}.{leaf}"] = tensors[f"{theirs}.{leaf}"]
    plain = "no_norm" in tensors
    state["mean"] = torch.zeros(3) if plain else torch.tensor(_MEAN)
    state["range"] = torch.tensor(1.0 if plain else _RANGE)
    return state


def _fused(tensors: State, stem: str) -> tuple[Tensor, Tensor]:
    """conv.2 (1x1) after conv.1 (3x3) after conv.0 (1x1), plus sk (1x1) at the centre. Linear, so they are one."""
    if f"{stem}.sk.weight" not in tensors:
        return tensors[f"{stem}.eval_conv.weight"], tensors[f"{stem}.eval_conv.bias"]
    weights = [tensors[f"{stem}.conv.{part}.weight"].double() for part in range(3)]
    biases = [tensors[f"{stem}.conv.{part}.bias"].double() for part in range(3)]
    last = weights[2][:, :, 0, 0]
    weight = torch.einsum("oa,abyx,bi->oiyx", last, weights[1], weights[0][:, :, 0, 0])
    weight[:, :, 1, 1] += tensors[f"{stem}.sk.weight"].double()[:, :, 0, 0]
    middle = torch.einsum("abyx,b->a", weights[1], biases[0]) + biases[1]
    bias = last @ middle + biases[2] + tensors[f"{stem}.sk.bias"].double()
    return weight.float(), bias.float()
