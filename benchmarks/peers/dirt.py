"""Scripts against dirt, as people write them for VapourSynth, from plug-ins that there are as wheels."""

from __future__ import annotations

import vapoursynth as vs

from .scripts import ONE_SCENE, Planes, clip_of, core, planes_of, searched

_BLOCK = 8
"""Side of RemoveDirt's blocks, pixels."""


def temporal_median(planes: Planes, radius: int) -> Planes:
    return planes_of(core.zsmooth.TemporalMedian(clip_of(planes), radius=radius))


def flux_smooth(planes: Planes, temporal: float, spatial: float) -> Planes:
    """Smooths what is brighter, or darker, than in both neighbouring frames."""
    clip = clip_of(planes)
    return planes_of(core.zsmooth.FluxSmoothST(clip, temporal_threshold=[temporal], spatial_threshold=[spatial]))


def remove_dirt(planes: Planes, motion: float, repair: int) -> Planes:
    """In the manner of RemoveDirt: the median of three frames where neighbours agree in a block, elsewhere that median
    held back by the frame itself (``repair``: a mode of Repair)."""
    return planes_of(_remove_dirt(clip_of(planes), motion, repair))


def remove_dirt_along_motion(planes: Planes, motion: float, repair: int, block: int) -> Planes:
    """In the manner of RemoveDirtMC: the same, on neighbours that are moved onto the frame first."""
    cleaned = _remove_dirt(_woven(clip_of(planes), 1, block, 10000), motion, repair)
    return planes_of(cleaned[1::3])


def spotless(planes: Planes, radius: int, block: int, sad: int) -> Planes:
    """In the manner of SpotLess: the temporal median of a frame and its neighbours moved onto it."""
    woven = _woven(clip_of(planes), radius, block, sad)
    return planes_of(core.zsmooth.TemporalMedian(woven, radius=radius)[radius :: 2 * radius + 1])


def _woven(clip: vs.VideoNode, radius: int, block: int, sad: int) -> vs.VideoNode:
    """Every frame between its neighbours, which are moved onto it."""
    sup, vectors = searched(clip, block, range(1, radius + 1), blur=True)
    moved = [core.mv.Compensate(clip, sup, way, thsad=sad, **ONE_SCENE) for way in vectors]
    ahead, behind = moved[0::2], moved[1::2]
    return core.std.Interleave([*reversed(behind), clip, *ahead])


def _remove_dirt(clip: vs.VideoNode, motion: float, repair: int) -> vs.VideoNode:
    before, after = clip[:1] + clip[:-1], clip[1:] + clip[-1:]
    cleaned = core.zsmooth.Clense(clip)
    held = core.zsmooth.Repair(cleaned, clip, mode=[repair])
    apart = core.std.Expr([before, after], "x y - abs")
    moves = _blockwise(apart, motion)
    return core.std.MaskedMerge(cleaned, held, moves)


def _blockwise(plane: vs.VideoNode, above: float) -> vs.VideoNode:
    """White in every block whose mean is above, and around it."""
    rows, columns = -(-plane.height // _BLOCK), -(-plane.width // _BLOCK)
    padded = core.std.AddBorders(plane, right=columns * _BLOCK - plane.width, bottom=rows * _BLOCK - plane.height)
    white = core.std.Maximum(core.std.Expr(_averaged(padded), f"x {above} > 255 0 ?"))
    large = core.resize.Point(white, columns * _BLOCK, rows * _BLOCK)
    return core.std.Crop(large, right=columns * _BLOCK - plane.width, bottom=rows * _BLOCK - plane.height)


def _averaged(plane: vs.VideoNode) -> vs.VideoNode:
    """A frame of the means of its blocks: a box filter, and one pixel of each block."""
    boxed = core.std.BoxBlur(plane, hradius=_BLOCK // 2, vradius=_BLOCK // 2)
    return core.resize.Point(boxed, plane.width // _BLOCK, plane.height // _BLOCK)
