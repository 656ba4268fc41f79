"""Bytes that networks take per input pixel, measured once on the device and remembered in the home folder.

A table by architecture (``stages.memory.bytes_per_pixel``) knows no driver, no library version and no card. Where the
choice of a tile decides whether a shot renders at all, on a GPU and under a limit that somebody set, the network itself
is run on a small picture. On a CPU without a limit the table stands, so that every machine cuts the same tiles.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import torch

from resilver_client.errors import OutOfMemory
from resilver_client.home import home
from resilver_server.models import loader, store
from resilver_server.models.architectures import COLOURISERS, Architecture
from resilver_server.models.cards import ModelCard
from resilver_server.models.loader import Network
from resilver_server.planning.tasks import Device
from resilver_server.stages import memory

from . import device as devices
from .heap import give_back

FILE = "calibration.json"
_EDGE, _EDGE_OF_MOTION = 128, 256
"""Of the picture; small ones count what does not grow with the picture as well, which errs on the safe side."""
_ROUND = 64
"""Bytes to whose multiples a measurement is rounded up, so that chance in it seldom shows."""


def per_pixel(device: Device) -> memory.PerPixel:
    """What tells the bytes a pixel of a network on ``device``."""
    if device.id == "cpu" and not device.limit:
        return memory.bytes_per_pixel
    return Calibration(device, home() / FILE)


class Calibration:
    """Measures at the first question and answers from its file from then on. Where nothing can be measured, the table
    answers."""

    def __init__(
        self, device: Device, file: Path, measure: Callable[[ModelCard, Device], int | None] | None = None
    ) -> None:
        self._device, self._file = device, file
        self._measure = measure or measured

    def __call__(self, card: ModelCard) -> int:
        """Float32 bytes per input pixel. Raises ModelNotInstalled, ModelDigestMismatch, DeviceFailed."""
        known = _read(self._file)
        name = self._name(card)
        if name not in known:
            found = self._measure(card, self._device)
            if found is None:
                return memory.bytes_per_pixel(card)
            known[name] = found
            _write(self._file, known)
        return known[name]

    def _name(self, card: ModelCard) -> str:
        """All that decides how much is taken."""
        parts = (self._device.name, self._device.id.partition(":")[0], torch.__version__, torch.version.cuda or "")
        return " | ".join((*parts, store.require(card.id).digest))


def measured(card: ModelCard, device: Device) -> int | None:
    """Float32 bytes per input pixel of a network on a device, found by running it; None where the system keeps no
    count of a peak, or where memory does not even suffice for that."""
    target = torch.device(device.id)
    dtype = torch.float16 if device.half_precision else torch.float32
    edge = card.edge if card.architecture in COLOURISERS else _EDGE
    edge = _EDGE_OF_MOTION if card.architecture is Architecture.IFNET else edge
    try:
        with devices.typed_errors(card.id), torch.inference_mode():
            network = loader.load(store.require(card.id), target, dtype)
            picture = torch.full((1, 3, edge, edge), 0.5, device=target, dtype=dtype)
            taken = _peak(lambda: _run(network, picture), target)
    except OutOfMemory:
        return None
    return None if taken is None else -(-taken * (4 // dtype.itemsize) // edge**2 // _ROUND) * _ROUND


def _run(network: Network, picture: torch.Tensor) -> None:
    if network.card.architecture is Architecture.IFNET:
        network.module.motion(picture, picture, 0.5)  # type: ignore[operator]
    else:
        network.module(picture)


def _peak(run: Callable[[], None], device: torch.device) -> int | None:
    """Bytes that ``run`` holds at most, beyond what was held before; it is run twice, since the first time loads
    kernels."""
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        run()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    return _resident_peak(run) if device.type == "cpu" else None


def _resident_peak(run: Callable[[], None]) -> int | None:
    """The same of this process's memory, as Linux counts it."""
    give_back()
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = devices.process_memory("VmRSS")
        run()
        return devices.process_memory("VmHWM") - before
    except OSError:
        return None


def _read(file: Path) -> dict[str, int]:
    """What is remembered; nothing where the file is missing or damaged."""
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) and all(isinstance(value, int) for value in known.values()) else {}


def _write(file: Path, known: dict[str, int]) -> None:
    """In one step; a folder that takes nothing costs no more than measuring again."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        draft.write_text(json.dumps(known, indent=1) + "\n")
        draft.replace(file)
