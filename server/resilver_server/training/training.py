"""The training itself: steps that can be broken off anywhere and taken up again."""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from resilver_server.models.nets.taught import Taught
from resilver_server.models.store import write_atomically

from .crops import Crops

_RATES = 2e-4, 2e-3
"""Highest learning rates of the encoder, which has learned already, and of the rest (found on Big Buck Bunny's first
two seconds)."""
_WARM_UP = 0.1
"""Share of the steps."""
_DECAY = 1e-2
_EVERY = 25
"""Steps from one checkpoint to the next."""
_VIVID = 4.0
"""By how much a colour counts for more the stronger it is: else all comes out pale."""
_SOFT = 1e-3
"""Differences below count as squares."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Lesson:
    """What decides the result, together with the encoder's weights."""

    crops: Crops
    steps: int
    identity: str
    """Digest of all of it: a checkpoint of another lesson is not taken up."""


def train(
    network: Taught, lesson: Lesson, checkpoint: Path, device: torch.device, progress: Progress
) -> dict[str, Tensor]:
    """Teach ``network``, whose encoder has its published weights; the taught state, on the CPU.

    Goes on from ``checkpoint`` where that is one of this lesson. ``progress`` hears steps done, of how many. What it
    raises ends the training; the last checkpoint stays. Raises DiskFull or OutputUnwritable.
    """
    network.to(device).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    optimiser, schedule = _optimiser(network, lesson.steps)
    first = _taken_up(checkpoint, lesson, network, optimiser, schedule)
    for step in range(first, lesson.steps):
        _step(network, optimiser, *(planes.to(device) for planes in lesson.crops.batch(step)))
        schedule.step()
        if (step + 1) % _EVERY == 0:
            _keep(checkpoint, lesson, step + 1, network, optimiser, schedule)
        progress(step + 1, lesson.steps)
    return {name: tensor.detach().cpu().float() for name, tensor in network.state_dict().items()}


def _step(network: Taught, optimiser: torch.optim.Optimizer, luma: Tensor, chroma: Tensor) -> None:
    """Pseudo-Huber differences (Charbonnier et al. 1994), strong colours first."""
    difference = network(luma) - chroma
    weight = 1 + _VIVID * chroma.abs().amax(dim=1, keepdim=True)
    loss = (torch.sqrt(difference**2 + _SOFT**2) * weight).mean()
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def _optimiser(network: Taught, steps: int) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """AdamW (Loshchilov and Hutter 2019); rates rise in a line and fall as a cosine."""
    own = [weight for name, weight in network.named_parameters() if not name.startswith("encoder.")]
    groups = [{"params": list(network.encoder.parameters()), "lr": _RATES[0]}, {"params": own, "lr": _RATES[1]}]
    optimiser = torch.optim.AdamW(groups, weight_decay=_DECAY)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, partial(_share, steps))


def _share(steps: int, step: int) -> float:
    """Of the highest rate at a step."""
    rise = _WARM_UP * steps
    if step < rise:
        return (step + 1) / (rise + 1)
    return 0.5 + 0.5 * math.cos(math.pi * (step - rise) / (steps - rise))


def _keep(checkpoint: Path, lesson: Lesson, step: int, network: Taught, *others: Any) -> None:
    optimiser, schedule = others
    data = io.BytesIO()
    kept = {"lesson": lesson.identity, "step": step, "network": network.state_dict()}
    torch.save({**kept, "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}, data)
    write_atomically(checkpoint, data.getvalue())


def _taken_up(checkpoint: Path, lesson: Lesson, network: Taught, optimiser: Any, schedule: Any) -> int:
    """The step to go on with; 0 where there is no checkpoint of this lesson."""
    try:
        kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if kept["lesson"] != lesson.identity:
            return 0
        network.load_state_dict(kept["network"])
        optimiser.load_state_dict(kept["optimiser"])
        schedule.load_state_dict(kept["schedule"])
        return int(kept["step"])
    except (OSError, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, TypeError):
        return 0
