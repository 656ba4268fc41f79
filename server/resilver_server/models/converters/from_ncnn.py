"""ncnn layers to our names. The files keep the published order of convolutions, so position tells the name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from resilver_client.errors import ModelUnreadable
from resilver_server.models.architectures import (
    Parameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
)
from resilver_server.models.cards import ModelCard

from .ncnn import Layer, read_ncnn

State = dict[str, Tensor]
_SUBTRACT, _MULTIPLY = 1, 2


def state_from_ncnn(model: ModelCard, weights: Path, param: Path) -> State:
    """State dict of the card's network. Raises ModelUnreadable."""
    layers = read_ncnn(weights, param)
    names = _convolution_names(model.parameters)
    state = _named(names, [layer for layer in layers if layer.kind == "Convolution"], str(param))
    match model.parameters:
        case SrvggParameters():
            state |= _slopes(model.parameters, layers, str(param))
        case SpanParameters():
            state |= _normalisation(layers, str(param))
    return state


def _convolution_names(parameters: Parameters) -> list[str]:
    match parameters:
        case RrdbParameters():
            body = [
                f"body.{b}.rdb{r}.conv{c}" for b in range(parameters.blocks) for r in (1, 2, 3) for c in range(1, 6)
            ]
            ups = [f"conv_up{step}" for step in range(1, parameters.upsamplings + 1)]
            return ["conv_first", *body, "conv_body", *ups, "conv_hr", "conv_last"]
        case SrvggParameters():
            return [f"body.{2 * index}" for index in range(parameters.convolutions + 2)]
        case SpanParameters():
            blocks = [f"block_{block}.c{part}_r" for block in range(1, 7) for part in (1, 2, 3)]
            return ["conv_1", *blocks, "conv_2", "conv_cat", "upsampler"]
    raise ModelUnreadable("there is no ncnn form of this architecture", where=type(parameters).__name__)


def _named(names: Sequence[str], convolutions: Sequence[Layer], where: str) -> State:
    if len(names) != len(convolutions):
        raise ModelUnreadable(f"{len(convolutions)} convolutions where the card has {len(names)}", where=where)
    state: State = {}
    for name, layer in zip(names, convolutions, strict=True):
        state[f"{name}.weight"], state[f"{name}.bias"] = layer.tensors
    return state


def _slopes(parameters: SrvggParameters, layers: Sequence[Layer], where: str) -> State:
    slopes = [layer.tensors[0] for layer in layers if layer.kind == "PReLU"]
    if len(slopes) != parameters.convolutions + 1:
        raise ModelUnreadable(
            f"{len(slopes)} activations where {parameters.convolutions + 1} are expected", where=where
        )
    return {f"body.{2 * index + 1}.weight": slope for index, slope in enumerate(slopes)}


def _normalisation(layers: Sequence[Layer], where: str) -> State:
    """(frames - mean) * range: the mean is a constant layer, the range the operand of the multiplication after it."""
    means = [layer.tensors[0].flatten() for layer in layers if layer.kind == "MemoryData"]
    first = next((index for index, layer in enumerate(layers) if layer.kind == "Convolution"), 0)
    operations = [layer.values for layer in layers[:first] if layer.kind == "BinaryOp"]
    if [int(values.get(0, 0)) for values in operations] != [_SUBTRACT, _MULTIPLY] or len(means) != 1:
        raise ModelUnreadable("the input is not normalised as SPAN does it", where=where)
    return {"mean": means[0], "range": means[0].new_tensor(operations[1][2])}
