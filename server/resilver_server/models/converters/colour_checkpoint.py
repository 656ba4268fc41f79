"""Tell DDColor and DeOldify from names and shapes, and read their parameters off."""

from __future__ import annotations

import re

from torch import Tensor

from resilver_server.models.architectures import DdcolorParameters, DeoldifyParameters

from .norms import folded

State = dict[str, Tensor]

_QUERIES = "decoder.color_decoder.query_feat.weight"


def is_ddcolor(tensors: State) -> bool:
    return _QUERIES in tensors


def is_deoldify(tensors: State) -> bool:
    return "layers.0.4.0.conv1.weight" in tensors and "layers.11.0.weight_orig" in tensors


def ddcolor_state(tensors: State) -> tuple[DdcolorParameters, State]:
    """The encoder's last norm, left over from its training as a classifier, is dropped. KeyError, ValueError."""
    state = {name: tensor for name, tensor in folded(tensors).items() if not name.startswith("encoder.arch.norm.")}
    widths = tuple(state[f"encoder.arch.norm{number}.weight"].shape[0] for number in range(4))
    depths = tuple(_count(state, rf"encoder\.arch\.stages\.{number}\.(\d+)\.") for number in range(4))
    queries, hidden = state[_QUERIES].shape
    parameters = DdcolorParameters(
        widths=widths,
        depths=depths,
        features=2 * hidden,
        queries=queries,
        layers=_count(state, r"decoder\.color_decoder\.transformer_ffn_layers\.(\d+)\."),
        feedforward=state["decoder.color_decoder.transformer_ffn_layers.0.linear1.weight"].shape[0],
    )
    return parameters, state


def deoldify_state(tensors: State) -> tuple[DeoldifyParameters, State]:
    """KeyError, ValueError."""
    state = folded(tensors)
    stem = state["layers.0.0.weight"].shape[0]
    deep = "layers.4.conv1.0.weight" in state
    if deep:
        width, joined = state["layers.4.conv1.0.weight"].shape[:2]
        factor = width / joined
    else:
        factor = state["layers.4.conv.0.weight"].shape[0] / (4 * stem)
    parameters = DeoldifyParameters(
        stem=stem,
        blocks=tuple(_count(state, rf"layers\.0\.{number}\.(\d+)\.") for number in range(4, 8)),
        bottleneck="layers.0.4.0.conv3.weight" in state,
        deep=deep,
        factor=factor,
    )
    return parameters, state


def _count(state: State, pattern: str) -> int:
    """How many numbers stand where the pattern has its group."""
    return 1 + max(int(match[1]) for name in state if (match := re.match(pattern, name)))
