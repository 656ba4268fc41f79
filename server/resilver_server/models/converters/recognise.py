"""Tell from names and shapes which architecture a checkpoint is, and bring it to our names.

Names are those of the published code: BasicSR's RRDBNet and SRVGGNetCompact, ESRGAN's first releases (``model.1.sub``
and ``RRDB_trunk``), SPAN with its three-branch convolutions, RIFE 4, DDColor and DeOldify.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from torch import Tensor

from resilver_client.errors import ModelUnreadable
from resilver_server.models.architectures import (
    Architecture,
    EfficientNetLiteParameters,
    IfnetParameters,
    Parameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
)
from resilver_server.models.nets import efficientnet

from .colour_checkpoint import ddcolor_state, deoldify_state, is_ddcolor, is_deoldify
from .span_checkpoint import span_state

State = dict[str, Tensor]


@dataclass(frozen=True)
class Recognised:
    architecture: Architecture
    parameters: Parameters
    state: State
    scale: int


def recognise(tensors: State, where: str) -> Recognised:
    """Raises ModelUnreadable where the weights are none of the known architectures."""
    try:
        _refuse_large_numbers(tensors)
        state = _modern_names(tensors)
        if "body.0.rdb1.conv1.weight" in state:
            return _rrdb(state)
        if "block_1.c1_r.sk.weight" in state or "block_1.c1_r.eval_conv.weight" in state:
            return _span(state)
        if "block0.conv0.0.0.weight" in state:
            return _ifnet(state)
        if efficientnet.is_published(state):
            names = efficientnet.published_names(state)
            return Recognised(Architecture.EFFICIENTNET_LITE, EfficientNetLiteParameters(), names, 1)
        if is_ddcolor(state):
            return Recognised(Architecture.DDCOLOR, *ddcolor_state(state), 1)
        if is_deoldify(state):
            return Recognised(Architecture.DEOLDIFY, *deoldify_state(state), 1)
        if "body.0.weight" in state and "body.1.weight" in state:
            return _srvgg(state)
    except (KeyError, ValueError, IndexError, TypeError, ArithmeticError, RuntimeError) as error:
        raise ModelUnreadable(f"a variant that is not supported: {error}", where=where) from error
    raise ModelUnreadable(
        "the weights are no ESRGAN, compact, SPAN, DDColor or DeOldify network",
        where=where,
        remedy="these are what can be added",
    )


def _refuse_large_numbers(tensors: State) -> None:
    """A name alone could ask for a network of a billion blocks."""
    for name in tensors:
        if any(len(number) > 3 for number in re.findall(r"\d+", name)):
            raise ValueError(f"{name!r} counts further than any network has layers")


def _rrdb(state: State) -> Recognised:
    first = state["conv_first.weight"]
    unshuffle = math.isqrt(first.shape[1] // 3)
    blocks = 1 + max(int(name.split(".")[1]) for name in state if name.startswith("body."))
    upsamplings = sum(bool(re.fullmatch(r"conv_up\d+\.weight", name)) for name in state)
    growth = state["body.0.rdb1.conv1.weight"].shape[0]
    if first.shape[1] != 3 * unshuffle**2 or 2**upsamplings % unshuffle:
        raise ValueError(f"{first.shape[1]} input channels and {upsamplings} doublings")
    parameters = RrdbParameters(first.shape[0], growth, blocks, upsamplings, unshuffle)
    return Recognised(Architecture.RRDB, parameters, state, 2**upsamplings // unshuffle)


def _srvgg(state: State) -> Recognised:
    if state["body.1.weight"].ndim != 1:
        raise ValueError("only PReLU activations can be told from the file")
    last = max(int(name.split(".")[1]) for name in state)
    factor = math.isqrt(state[f"body.{last}.weight"].shape[0] // 3)
    parameters = SrvggParameters(state["body.0.weight"].shape[0], last // 2 - 1, factor)
    return Recognised(Architecture.SRVGG, parameters, state, factor)


def _span(state: State) -> Recognised:
    fused = span_state(state)
    factor = math.isqrt(fused["upsampler.weight"].shape[0] // 3)
    parameters = SpanParameters(fused["conv_1.weight"].shape[0], factor)
    return Recognised(Architecture.SPAN, parameters, fused, factor)


def _ifnet(state: State) -> Recognised:
    """Training leftovers (``teacher``, ``caltime``) are dropped."""
    used = {name: tensor for name, tensor in state.items() if re.match(r"(block\d+|encode)\.", name)}
    count = 1 + max(int(name[5]) for name in used if name.startswith("block"))
    widths = tuple(used[f"block{number}.conv0.1.0.weight"].shape[0] for number in range(count))
    encoded = used["encode.cnn3.weight"].shape[1] if "encode.cnn3.weight" in used else 0
    outputs = used["block0.lastconv.0.weight"].shape[1] // 4
    carried = used["block1.conv0.0.0.weight"].shape[1] - 2 * (3 + encoded) - 6
    return Recognised(Architecture.IFNET, IfnetParameters(widths, encoded, carried, outputs), used, 1)


def _modern_names(tensors: State) -> State:
    if "model.0.weight" in tensors:
        return _from_first_release(tensors)
    if "RRDB_trunk.0.RDB1.conv1.weight" in tensors:
        return {_from_trunk(name): tensor for name, tensor in tensors.items()}
    return tensors


_TRUNK = (
    (r"RRDB_trunk\.(\d+)\.RDB(\d)", r"body.\1.rdb\2"),
    (r"trunk_conv", "conv_body"),
    (r"upconv(\d)", r"conv_up\1"),
    (r"HRconv", "conv_hr"),
)


def _from_trunk(name: str) -> str:
    for pattern, ours in _TRUNK:
        name = re.sub(rf"^{pattern}\.", f"{ours}.", name)
    return name


def _from_first_release(tensors: State) -> State:
    """``model.0`` first, ``model.1.sub.N.RDBr.convc.0`` body, ``model.1.sub.BLOCKS`` its end, then by number:
    one convolution a doubling, high resolution, last."""
    tail = sorted({int(name.split(".")[1]) for name in tensors if re.match(r"model\.\d+\.(weight|bias)$", name)} - {0})
    ups = [f"conv_up{step}" for step in range(1, len(tail) - 1)]
    names = {f"model.{number}": ours for number, ours in zip(tail, [*ups, "conv_hr", "conv_last"], strict=True)}
    names["model.0"] = "conv_first"
    return {_from_sequential(name, names): tensor for name, tensor in tensors.items()}


def _from_sequential(name: str, names: dict[str, str]) -> str:
    stem, _, leaf = name.rpartition(".")
    if stem in names:
        return f"{names[stem]}.{leaf}"
    stem = re.sub(r"^model\.1\.sub\.(\d+)\.RDB(\d)\.(conv\d)\.0$", r"body.\1.rdb\2.\3", stem)
    return f"{re.sub(r'^model[.]1[.]sub[.][0-9]+$', 'conv_body', stem)}.{leaf}"
