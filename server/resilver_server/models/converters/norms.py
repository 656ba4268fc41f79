"""Fold the norms of training into the weights that inference needs."""

from __future__ import annotations

import torch
from torch import Tensor

State = dict[str, Tensor]


def folded(tensors: State) -> State:
    """Without spectral norms (``weight_orig``, ``weight_u``, ``weight_v``: Miyato et al., 2018) and weight norms
    (``weight_g``, ``weight_v``: Salimans and Kingma, 2016). Computed in float64, float32 given back.

    Raises KeyError where a part is missing, ValueError where parts do not fit one another.
    """
    state: State = {}
    for name, tensor in tensors.items():
        stem, _, leaf = name.rpartition(".")
        if leaf == "weight_orig":
            state[f"{stem}.weight"] = _spectral(tensor, tensors[f"{stem}.weight_u"], tensors[f"{stem}.weight_v"])
        elif leaf == "weight_g":
            state[f"{stem}.weight"] = _weight_norm(tensor, tensors[f"{stem}.weight_v"])
        elif leaf not in ("weight_u", "weight_v"):
            state[name] = tensor
    return state


def _spectral(original: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Divided by the greatest singular value, which the two vectors that training kept say."""
    matrix = original.flatten(1)
    if left.shape != matrix.shape[:1] or right.shape != matrix.shape[1:]:
        raise ValueError("vectors of a spectral norm that do not fit their weights")
    sigma = torch.dot(left.double(), torch.mv(matrix.double(), right.double()))
    if not sigma > 0:
        raise ValueError("vectors of a spectral norm that do not fit their weights")
    return (original.double() / sigma).float()


def _weight_norm(lengths: Tensor, directions: Tensor) -> Tensor:
    """Every output's weights have the length kept for it."""
    if lengths.shape != (directions.shape[0],) + (1,) * (directions.ndim - 1):
        raise ValueError("lengths of a weight norm that do not fit their weights")
    own = directions.double().flatten(1).norm(dim=1).view(lengths.shape)
    normed: Tensor = directions.double() * (lengths.double() / own)
    return normed.float()
