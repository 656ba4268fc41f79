"""Load an installed model onto a device. Only workers import this."""

from __future__ import annotations

from dataclasses import dataclass

import safetensors.torch
import torch
from torch import nn

from resilver_client.errors import ModelNotInstalled
from resilver_server.domain.digests import digest_bytes

from .architectures import Architecture
from .cards import ModelCard, card
from .nets.build import build
from .store import InstalledModel, check_digest


@dataclass(frozen=True)
class Network:
    """A network ready to run: weights on its device, eval mode, no gradients."""

    module: nn.Module
    card: ModelCard
    digest: str
    """sha256 of the safetensors file it was loaded from."""

    @property
    def scale(self) -> int:
        return self.card.scale


def load(installed: InstalledModel, device: torch.device | str, dtype: torch.dtype = torch.float32) -> Network:
    """The network of an installed model. The bytes are compared with their digest before they are used.

    All but interpolating networks keep their weights, and give their results, channels last in memory.

    Raises ModelUnknown, ModelNotInstalled, ModelDigestMismatch.
    """
    model = card(installed.id)
    try:
        data = installed.path.read_bytes()
    except OSError as error:
        raise ModelNotInstalled(
            "its weights are gone", where=installed.id, remedy=f"resilver models pull {installed.id}"
        ) from error
    check_digest(installed.id, digest_bytes(data), installed.digest)
    with torch.device("meta"):
        module = build(model.parameters)
    module.load_state_dict(safetensors.torch.load(data), strict=True, assign=True)
    module = module.to(device=device, dtype=dtype).eval().requires_grad_(False)
    if model.architecture is not Architecture.IFNET:
        # Measured: an eighth faster on CPUs, and what tensor cores want; interpolation gains nothing.
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Network(module, model, installed.digest)
