"""Frames between frames, and pictures held in place, by mvtools."""

from __future__ import annotations

from .scripts import ONE_SCENE, Planes, clip_of, core, planes_of, searched


def flow_between(planes: Planes, times: int, block: int, mask: int) -> Planes:
    """FlowFPS to ``times`` as many frames: each given one is followed by times - 1 computed ones, but the last."""
    clip = clip_of(planes)
    sup, vectors = searched(clip, block, range(1, 2))
    more = core.mv.FlowFPS(clip, sup, *vectors, num=24 * times, den=1, mask=mask, **ONE_SCENE)
    return planes_of(more)[: times * (len(planes) - 1) + 1]


def blocks_between(planes: Planes, times: int, block: int, mode: int) -> Planes:
    """BlockFPS, likewise."""
    clip = clip_of(planes)
    sup, vectors = searched(clip, block, range(1, 2))
    more = core.mv.BlockFPS(clip, sup, *vectors, num=24 * times, den=1, mode=mode, **ONE_SCENE)
    return planes_of(more)[: times * (len(planes) - 1) + 1]


def depan(planes: Planes, cutoff: float, damping: float) -> Planes:
    """DepanEstimate and DepanStabilise: translation only, edges mirrored."""
    clip = clip_of(planes)
    moves = core.mv.DepanEstimate(clip, trust=1.0, dxmax=16, dymax=16)
    steady = {"mirror": 15, "dxmax": 16.0, "dymax": 16.0, "zoommax": 1.0, "rotmax": 0.0, "subpixel": 2, "method": 0}
    return planes_of(core.mv.DepanStabilise(clip, moves, cutoff=cutoff, damping=damping, **steady))
