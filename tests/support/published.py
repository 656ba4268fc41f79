"""Networks as others have published them: names and shapes as small files, and weights and pictures made from a seed,
the same on every machine, that the published code and ours are compared on.

Nothing of Resilver is imported: the scripts in ``tests/models/fixtures`` run where the published code does.
"""

from __future__ import annotations

import gzip
import json
import math
import tempfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

Layout = dict[str, tuple[int, ...]]

FIXTURES = Path(__file__).resolve().parents[1] / "models" / "fixtures"
_STEPS = 5
_CHANNELS = 16


def seeded(layout: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """A state dict with these names and shapes, float32 (counters int64).

    Each tensor depends on its name and shape alone, but for the two vectors of a spectral norm: a few steps of the
    power iteration, so that they fit their weights as trained ones do.
    """
    state = {name: _tensor(name, shape) for name, shape in layout.items()}
    for name in layout:
        if name.endswith(".weight_orig"):
            stem = name.removesuffix("_orig")
            state[f"{stem}_u"], state[f"{stem}_v"] = _singular(state[name].flatten(1), state[f"{stem}_v"])
    return state


def _singular(matrix: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    for _ in range(_STEPS):
        left = functional.normalize(matrix @ right, dim=0)
        right = functional.normalize(matrix.T @ left, dim=0)
    return left, right


def picture(height: int, width: int) -> Tensor:
    """(1, 3, height, width), 0..1, every channel another: gradients and waves of two scales."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [
        0.5 + 0.25 * np.sin(x / (5 + channel) + y / 9) + 0.25 * np.cos((x * y) / (300 + 90 * channel))
        for channel in range(3)
    ]
    return torch.from_numpy(np.stack(planes).astype(np.float32))[None]


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    spread = np.random.default_rng(zlib.crc32(name.encode())).random(shape, dtype=np.float32) - np.float32(0.5)
    values = torch.from_numpy(np.asarray(spread))
    if leaf in ("mean", "std"):
        return values * 0.1 + (0.45 if leaf == "mean" else 0.225)
    if leaf in ("gamma", "weight_g", "running_var"):
        return values * 0.4 + (0.5 if leaf == "gamma" else 1.0)
    if len(shape) == 1:
        return values * 0.4 + (1.0 if leaf == "weight" else 0.0)
    fan_in = math.prod(shape[1:])
    return values * math.sqrt(12 / fan_in)


def layout_of(module: torch.nn.Module) -> Layout:
    """Every tensor of the state dict."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def results(
    module: torch.nn.Module, taps: Sequence[str], height: int, width: int
) -> dict[str, npt.NDArray[np.float32]]:
    """What the network makes of the picture: its result as "", and every 16th channel of what the modules named give.

    A fault deep inside hardly shows in the result: what lies between says where it is.
    """
    found: dict[str, npt.NDArray[np.float32]] = {}

    def keep(name: str) -> Callable[[torch.nn.Module, object, Tensor], None]:
        return lambda _module, _given, result: found.update({name: result[0, ::_CHANNELS].numpy()})

    hooks = [module.get_submodule(tap).register_forward_hook(keep(tap)) for tap in taps]
    with torch.inference_mode():
        found[""] = module(picture(height, width))[0].numpy()
    for hook in hooks:
        hook.remove()
    return found


def keep_layouts(name: str, layouts: dict[str, Layout]) -> None:
    """Same layouts, same bytes."""
    text = json.dumps(layouts, separators=(",", ":"))
    (FIXTURES / name).write_bytes(gzip.compress(text.encode(), mtime=0))


def kept_layouts(name: str) -> dict[str, Layout]:
    kept = json.loads(gzip.decompress((FIXTURES / name).read_bytes()))
    return {key: {tensor: tuple(shape) for tensor, shape in layout.items()} for key, layout in kept.items()}


def written_size(state: dict[str, torch.Tensor], *, zipped: bool) -> int:
    """Bytes of the state dict as a file, in today's format or in that of torch 1.0."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pytorch_model.bin"
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        return path.stat().st_size
