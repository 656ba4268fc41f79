"""Scripts that reduce grain."""

from __future__ import annotations

from .scripts import ONE_SCENE, Planes, clip_of, core, planes_of, searched


def motion_degrain(planes: Planes, radius: int, block: int, sad: int) -> Planes:
    """mvtools' Degrain over ``radius`` frames either side; motion is sought on a blurred clip."""
    clip = clip_of(planes)
    sup, vectors = searched(clip, block, range(1, radius + 1), blur=True)
    degrain = {1: core.mv.Degrain1, 2: core.mv.Degrain2, 3: core.mv.Degrain3}[radius]
    return planes_of(degrain(clip, sup, *vectors, thsad=sad, **ONE_SCENE))


def temporal_smooth(planes: Planes, radius: int, threshold: int) -> Planes:
    """TTempSmooth: without motion, near frames that are alike."""
    clip = clip_of(planes)
    made = core.zsmooth.TTempSmooth(clip, maxr=radius, thresh=[threshold], mdiff=[threshold // 2], scthresh=0)
    return planes_of(made)
