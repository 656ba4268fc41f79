"""The same network file in ncnn, beside our own run of it: what a good CPU engine makes of it."""

from __future__ import annotations

import importlib.util
import statistics
import time

import torch

from resilver_server.models.cards import card
from resilver_server.models.sources import fetch_any

from .bench import textured


def available() -> bool:
    return importlib.util.find_spec("ncnn") is not None


def seconds_per_frame(model: str, size: tuple[int, int], rounds: int) -> float:
    """Median seconds of one frame of ``size`` (width, height) in ncnn: float32, its half-precision options off, as many
    threads as torch uses."""
    import ncnn  # an optional library, for comparing only

    weights, param = (fetch_any(file.sources, file.sha256, file.size) for file in card(model).files)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = torch.get_num_threads()
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "bf16_packed"):
        if hasattr(net.opt, f"use_{option}"):
            setattr(net.opt, f"use_{option}", False)
    net.load_param(str(param))
    net.load_model(str(weights))
    frame = next(textured(size, 1)).numpy()
    taken = []
    for _ in range(rounds + 1):
        begun = time.perf_counter()
        extractor = net.create_extractor()
        extractor.input("data", ncnn.Mat(frame))
        extractor.extract("output")
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])
