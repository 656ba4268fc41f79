"""Enlarging by VapourSynth."""

from __future__ import annotations

from .scripts import Planes, clip_of, core, planes_of


def spline(planes: Planes, times: int) -> Planes:
    clip = clip_of(planes)
    return planes_of(core.resize.Spline36(clip, clip.width * times, clip.height * times))


def neural_edges(planes: Planes, times: int, neurons: int, window: int) -> Planes:
    """nnedi3, doubled as often as needed; the half pixel by which it moves the picture is taken back."""
    clip = clip_of(planes)
    wide, tall = clip.width * times, clip.height * times
    size = times
    while size > 1:
        for _ in range(2):
            clip = core.std.Transpose(core.znedi3.nnedi3(clip, field=1, dh=True, nns=neurons, nsize=window))
        size //= 2
    moved = (times - 1) / 2
    return planes_of(core.resize.Spline36(clip, wide, tall, src_left=-moved, src_top=-moved))
