"""From the files that a card names to the bytes of a safetensors file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from resilver_client.errors import ModelUnreadable
from resilver_server.models.architectures import Parameters
from resilver_server.models.cards import ModelCard
from resilver_server.models.nets.build import build

from .checkpoint import read_checkpoint
from .from_ncnn import state_from_ncnn
from .recognise import recognise


def convert(model: ModelCard, files: Sequence[Path]) -> bytes:
    """Same files, same bytes. Raises ModelUnreadable where the files are not what the card says."""
    if len(files) == 2:
        return serialised(model.parameters, state_from_ncnn(model, files[0], files[1]), str(files[0]))
    found = recognise(read_checkpoint(files[0]), str(files[0]))
    if found.parameters != model.parameters:
        raise ModelUnreadable(f"the weights are {found.parameters}, the card says {model.parameters}", where=model.id)
    return serialised(model.parameters, found.state, str(files[0]))


def serialised(parameters: Parameters, state: dict[str, Tensor], where: str) -> bytes:
    """The safetensors bytes of a state dict that fits the network exactly. Raises ModelUnreadable naming a misfit."""
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in build(parameters).state_dict().items()}
    given = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name in sorted(expected.keys() | given.keys()):
        if expected.get(name) != given.get(name):
            what = f"{name} is {given.get(name, 'missing')}, the architecture has {expected.get(name, 'none')}"
            raise ModelUnreadable(what, where=where, remedy="is this the right file for this architecture?")
    return safetensors.torch.save({name: tensor.contiguous() for name, tensor in sorted(state.items())})
