"""The same network file in ncnn, beside our own run of it: what a good CPU engine makes of it."""

from __future__ import annotations

import importlib.util
import statistics
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from resilver_client.errors import ModelUnreadable
from resilver_server.models.cards import card
from resilver_server.models.sources import fetch_any

from .bench import textured


def available() -> bool:
    return importlib.util.find_spec("ncnn") is not None


def network(model: str, threads: int) -> Any:
    """The model's own file in ncnn on the CPU: float32, its half-precision options off. Raises ModelUnreadable."""
    import ncnn  # an optional library, for comparing only

    weights, param = (fetch_any(file.sources, file.sha256, file.size) for file in card(model).files)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = threads
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"):
        if hasattr(net.opt, f"use_{option}"):
            setattr(net.opt, f"use_{option}", False)
    if net.load_param(str(param)) != 0 or net.load_model(str(weights)) != 0:
        raise ModelUnreadable("ncnn cannot load the file", where=model)
    return net


def output(net: Any, frame: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """One (3, height, width) frame through the network. Raises ModelUnreadable."""
    import ncnn

    run = net.create_extractor()
    fed = run.input("data", ncnn.Mat(frame))
    code, result = run.extract("output")
    if fed != 0 or code != 0:
        raise ModelUnreadable("ncnn cannot run the network")
    return np.array(result)


def seconds_per_frame(model: str, size: tuple[int, int], rounds: int) -> float:
    """Median seconds of one frame of ``size`` (width, height) in ncnn, with as many threads as torch uses."""
    net = network(model, torch.get_num_threads())
    frame = next(textured(size, 1)).numpy()
    taken = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        output(net, frame)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])
