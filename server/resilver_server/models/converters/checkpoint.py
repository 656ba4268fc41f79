"""Read published checkpoints (``.pth``, ``.pkl``, ``.safetensors``) as plain tensors by name. No code in them runs."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from resilver_client.errors import ModelUnreadable

_WRAPPERS = ("params_ema", "params", "state_dict", "model_state_dict", "model")


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Tensors by name, float32; wrappers (``params_ema``, ``params``...) and a ``module.`` prefix are taken off.

    Raises ModelUnreadable: truncated, no checkpoint, code inside, or numbers that are not finite.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ModelUnreadable(f"the file cannot be opened: {error.strerror}", where=str(path)) from error
    is_safetensors = path.suffix == ".safetensors" or head[8:9] == b"{"
    loaded = _read_safetensors(path) if is_safetensors else _read_pickle(path)
    tensors = _tensors(_unwrapped(loaded), str(path))
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ModelUnreadable("weights are not finite", where=f"{path}, {name}")
    return tensors


def _read_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelUnreadable(f"no whole safetensors file: {error}", where=str(path)) from error


def _read_pickle(path: Path) -> object:
    _refuse_packed(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelUnreadable(
            "the checkpoint holds more than weights, and code from it is never run, or it is no checkpoint",
            where=str(path),
            remedy="save its state dict alone, best as safetensors",
        ) from error
    except Exception as error:  # torch raises whatever its parts raise for damaged files
        raise ModelUnreadable(
            f"the checkpoint is damaged: {str(error).splitlines()[0] if str(error) else 'it ends too early'}",
            where=str(path),
            remedy="fetch it again",
        ) from error


def _refuse_packed(path: Path) -> None:
    """Torch stores its archives as they are. One whose members are larger than itself is packed, or names the same
    bytes many times, and may unpack to a thousand times its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # an older form, or damaged, which torch tells
    if total > path.stat().st_size:
        what = f"it would unpack to {total} bytes: checkpoints are stored, not packed"
        raise ModelUnreadable(what, where=str(path), remedy="save it again with torch.save, or as safetensors")


def _unwrapped(loaded: object) -> object:
    while isinstance(loaded, Mapping):
        inner = next((loaded[key] for key in _WRAPPERS if isinstance(loaded.get(key), Mapping)), None)
        if inner is None:
            return loaded
        loaded = inner
    return loaded


def _tensors(loaded: object, where: str) -> dict[str, Tensor]:
    if not isinstance(loaded, Mapping):
        raise ModelUnreadable("the file holds no state dict", where=where)
    tensors = {str(key): value for key, value in loaded.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ModelUnreadable("the file holds no weights", where=where)
    prefixed = all(key.startswith("module.") for key in tensors)
    return {key.removeprefix("module.") if prefixed else key: value.float() for key, value in tensors.items()}
