"""VapourSynth: planes as clips and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import vapoursynth as vs

Planes = npt.NDArray[np.uint8]
core = vs.core


def clip_of(planes: Planes) -> vs.VideoNode:
    """An 8-bit grey clip of full range."""
    count, height, width = planes.shape

    def shown(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        frame = f.copy()
        np.copyto(np.asarray(frame[0]), planes[n])
        return frame

    form = {"width": width, "height": height, "format": vs.GRAY8, "length": count, "fpsnum": 24, "fpsden": 1}
    blank = core.std.BlankClip(**form, keep=True)
    return core.std.ModifyFrame(blank, blank, shown)


def planes_of(clip: vs.VideoNode) -> Planes:
    return np.stack([np.asarray(frame[0]).copy() for frame in clip.frames(close=True)])


ONE_SCENE = {"thscd1": 10000, "thscd2": 255}
"""For mvtools: no clip here has a cut, and it takes grain for one."""


Motion = tuple[vs.VideoNode, list[vs.VideoNode]]


def searched(clip: vs.VideoNode, block: int, deltas: range, blur: bool = False) -> Motion:
    """mvtools' view of a clip, and its motion from the frames ``delta`` ahead and behind, in turn; sought on a blurred
    clip if wished, as grain asks for."""
    seen = core.std.Convolution(clip, [1, 2, 1, 2, 4, 2, 1, 2, 1]) if blur else clip
    sought = core.mv.Super(seen, pel=2)
    vectors = [
        core.mv.Analyse(sought, isb=backwards, delta=delta, blksize=block, overlap=block // 2)
        for delta in deltas
        for backwards in (True, False)
    ]
    return core.mv.Super(clip, pel=2), vectors
