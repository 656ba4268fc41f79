"""What rendering holds in memory, by rules of thumb measured once per architecture; and the tile that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from resilver_client.errors import OutOfMemory
from resilver_server.domain.formats import FrameFormat
from resilver_server.models.architectures import (
    COLOURISERS,
    Architecture,
    DdcolorParameters,
    DeoldifyParameters,
    EfficientNetLiteParameters,
    IfnetParameters,
    RrdbParameters,
    SpanParameters,
    TaughtParameters,
)
from resilver_server.models.cards import ModelCard, card
from resilver_server.planning.plans import StagePlan
from resilver_server.planning.tasks import Device

from .catalogue import stage_spec
from .interpolate.spec import reduction

TILES = (0, 1536, 1024, 768, 512, 384, 256, 192, 128, 64)
"""Edges of tiles that are tried, largest first; 0 is the whole frame."""
CPU_BUDGET = 4 << 30
"""Bytes that a network may use on a CPU. Not what is free: a tile's shape changes the bits, and the bits of a result
shall not depend on what else runs on the machine."""
_SHARE = 0.8
"""Of a GPU's free memory that is counted on."""
_FRAMES_HELD = 10
"""Float32 frames that the queues and windows around the stages hold at most."""
PerPixel: TypeAlias = Callable[[ModelCard], int]
"""Float32 bytes of a network per input pixel."""
_COLOUR_PLANES = 24
"""Float32 planes of a frame's size that pass while a colouriser's colours are enlarged and joined."""


def bytes_per_pixel(model: ModelCard) -> int:
    """Float32 activations of a network per input pixel, as measured on a CPU and rounded up: x4plus-anime 16.4 kB,
    SPAN x4 4.9 kB, compact 0.7 kB, RIFE 4.25 1.0 kB. Of a colouriser, per pixel of its square: DDColor 3.7 kB, DeOldify
    5.6 kB, taught ones 0.9 kB."""
    parameters = model.parameters
    if isinstance(parameters, RrdbParameters):
        return 4 * (8 * parameters.features + 4 * parameters.features * model.scale**2)
    if isinstance(parameters, IfnetParameters):
        return 4 * 280
    if isinstance(parameters, SpanParameters):
        return 4 * 26 * parameters.channels
    if isinstance(parameters, DdcolorParameters):
        return 4 * 2 * parameters.features
    if isinstance(parameters, DeoldifyParameters):
        return 4 * 22 * parameters.stem
    if isinstance(parameters, TaughtParameters | EfficientNetLiteParameters):
        return 4 * 240
    return 4 * (3 * parameters.features + 6 * model.scale**2)


def tile(stages: Sequence[StagePlan], device: Device, per_pixel: PerPixel = bytes_per_pixel) -> int:
    """The largest tile with which every network fits. Raises OutOfMemory where none does."""
    for edge in TILES:
        if _taken(stages, edge, device, per_pixel) <= _budget(device):
            return edge
    smallest = _taken(stages, TILES[-1], device, per_pixel)
    raise OutOfMemory(
        f"{smallest >> 20} MiB are needed, {_budget(device) >> 20} MiB may be used",
        where=device.id,
        remedy="use a smaller size, another model, another device or a higher limit",
    )


def smaller_tile(stages: Sequence[StagePlan], edge: int) -> int:
    """The next tile of ``TILES`` that cuts more; 0 where there is none."""
    largest = edge or max((max(stage.input.width, stage.input.height) for stage in stages), default=0)
    return next((tile for tile in TILES if 0 < tile < largest), 0)


def network_memory(
    stages: Sequence[StagePlan], edge: int, device: Device, per_pixel: PerPixel = bytes_per_pixel
) -> int:
    """Bytes of the most demanding stage with tiles of that edge."""
    return max((_stage_memory(stage, edge, device, per_pixel) for stage in stages), default=0)


def needed(stages: Sequence[StagePlan], edge: int, device: Device, per_pixel: PerPixel = bytes_per_pixel) -> int:
    """Bytes that rendering needs at most: the widest stage, and the frames that wait around it."""
    largest = max((stage.output.pixels for stage in stages), default=0)
    return network_memory(stages, edge, device, per_pixel) + _FRAMES_HELD * 3 * 4 * largest


def _taken(stages: Sequence[StagePlan], edge: int, device: Device, per_pixel: PerPixel) -> int:
    """What is compared with the budget: on a CPU that nobody limited, the networks alone."""
    count = network_memory if _unlimited_cpu(device) else needed
    return count(stages, edge, device, per_pixel)


def _stage_memory(stage: StagePlan, edge: int, device: Device, per_pixel: PerPixel) -> int:
    spec = stage_spec(stage.settings.stage)
    parameters: Any = spec.parse(stage.settings.parameters)
    own = spec.memory(stage.input, parameters)
    size = 2 if device.half_precision else 4
    networks = (_network_memory(card(model.id), stage.input, edge, per_pixel) for model in stage.models)
    return own + sum(networks) * size // 4


def _network_memory(model: ModelCard, given: FrameFormat, edge: int, per_pixel: PerPixel) -> int:
    if model.architecture is Architecture.IFNET:
        return per_pixel(model) * given.pixels // reduction(given.pixels) ** 2
    if model.architecture in COLOURISERS:
        return per_pixel(model) * model.edge**2 + model.size + _COLOUR_PLANES * 4 * given.pixels
    reach = edge + 2 * model.halo if edge else given.pixels
    width, height = (min(reach, given.width), min(reach, given.height)) if edge else (given.width, given.height)
    output = 3 * 4 * model.scale**2 * given.pixels
    return per_pixel(model) * width * height + output


def _budget(device: Device) -> int:
    if _unlimited_cpu(device):
        return CPU_BUDGET
    free = int(device.free_memory * _SHARE)
    return min(free, device.limit) if device.limit else free


def _unlimited_cpu(device: Device) -> bool:
    return device.id == "cpu" and not device.limit
