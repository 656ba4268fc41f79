"""What this machine can compute on, and how its bits are kept reproducible."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
import torch

from resilver_client.errors import DeviceFailed, OutOfMemory
from resilver_server import __version__
from resilver_server.config import MEMORY_LIMIT
from resilver_server.planning.plans import Numerics
from resilver_server.planning.tasks import Device

_HALF_FROM = (7, 0)
"""Compute capability from which CUDA devices calculate faster in half precision (tensor cores)."""
_DTYPES = {"float32": torch.float32, "float16": torch.float16}
_LIBRARIES = ("torch", "numpy", "av", "opencv-python", "scenedetect", "safetensors")
_FULL = ("can't allocate memory", "out of memory", "Insufficient memory", "can't start new thread")
"""How torch, OpenCV and Python say that memory ran out."""
_LOST = ("CUDA error", "CUDNN_STATUS", "CUBLAS_STATUS", "HIP error", "device-side assert")


def devices() -> tuple[Device, ...]:
    """Every device that torch can use here, the one to prefer first; the CPU is always the last."""
    found = [_cuda(index) for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    found.sort(key=lambda device: -device.free_memory)
    if torch.backends.mps.is_available():
        total, free = _main_memory()
        found.append(Device("mps", f"Apple {platform.machine()}", total, free, half_precision=False))
    limit = memory_limit()
    return tuple(replace(device, limit=limit) for device in (*found, _cpu()))


def memory_limit() -> int:
    """Bytes that this worker may take; 0 where nobody set a limit."""
    return int(os.environ.get(MEMORY_LIMIT) or 0)


def _cuda(index: int) -> Device:
    free, total = torch.cuda.mem_get_info(index)
    half = torch.cuda.get_device_capability(index) >= _HALF_FROM
    return Device(f"cuda:{index}", torch.cuda.get_device_name(index), total, free, half_precision=half)


def _cpu() -> Device:
    total, free = _main_memory()
    name = f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads"
    return Device("cpu", name, total, free, half_precision=False)


def _main_memory() -> tuple[int, int]:
    """Total and free bytes; where the system does not say how much is free, half of all."""
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        total = os.sysconf("SC_PHYS_PAGES") * page
        free = os.sysconf("SC_AVPHYS_PAGES") * page
    except (ValueError, OSError, AttributeError):
        return 8 << 30, 4 << 30
    return total, free


def libraries() -> dict[str, str]:
    """Versions of all that decides bits, for a plan's numerics."""
    found = {"resilver": __version__, "cpu": torch.backends.cpu.get_cpu_capability()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
        cudnn: int | None = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        found["cudnn"] = str(cudnn)
    return found


def opened(numerics: Numerics) -> tuple[torch.device, torch.dtype]:
    """The device of a plan and the dtype of its networks, set up so that equal work gives equal bits.

    Raises DeviceFailed where this machine has no such device.
    """
    device = torch.device(numerics.device)
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        raise DeviceFailed("the device is gone", where=numerics.device, remedy="submit the job again")
    _reproducible()
    _limit(device)
    return device, _DTYPES[numerics.dtype]


@cache
def _limit(device: torch.device) -> None:
    """Hold this process to its limit: what would pass it fails as it would on a smaller card. On a CPU that is the
    memory of the process beyond what its libraries took; where the system cannot hold it, plans alone do."""
    limit = memory_limit()
    if not limit:
        return
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), device)
    elif device.type == "cpu" and platform.system() == "Linux":
        import resource

        most = process_memory("VmData") + limit
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def process_memory(name: str) -> int:
    """Bytes of this process under a name of Linux's ``/proc/self/status`` (VmRSS, VmHWM, VmData). Raises OSError."""
    text = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith(f"{name}:"))


@cache
def _reproducible() -> None:
    """No algorithm is chosen by a race, and no product is rounded to TF32 on the way."""
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


@contextmanager
def typed_errors(where: str) -> Iterator[None]:
    """Out of memory becomes OutOfMemory, any other fault of the device DeviceFailed; the rest passes."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _exhausted(where) from error
    except (RuntimeError, cv2.error) as error:
        text = str(error)
        if any(sign in text for sign in _FULL):
            raise _exhausted(where) from error
        if any(sign in text for sign in _LOST):
            raise DeviceFailed(text.splitlines()[0], where=where, remedy="the worker is replaced") from error
        raise


def _exhausted(where: str) -> OutOfMemory:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return OutOfMemory("memory ran out", where=where, remedy="a smaller tile is tried next")


def peak_memory(device: torch.device) -> int:
    """Bytes held at most since the process began (on CUDA: on the device, since the last reset)."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows has no such count
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
