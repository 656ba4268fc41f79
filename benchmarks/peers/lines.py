"""Scripts against upright line scratches."""

from __future__ import annotations

import vapoursynth as vs

from .scripts import Planes, clip_of, core, planes_of


def descratch(planes: Planes, contrast: int, width: int, keep: int, length: int) -> Planes:
    """DeScratch, for dark lines and bright ones: ``contrast`` in code values, ``width`` and the shortest ``length`` in
    pixels, ``keep`` of the picture's detail in percent."""
    settings = {"maxwidth": width, "keep": keep, "minlen": length, "maxgap": 10, "modeu": 0, "modev": 0}
    luma = clip_of(planes)
    chroma = core.std.BlankClip(luma, luma.width // 2, luma.height // 2, color=128, keep=True)
    clip = core.std.ShufflePlanes([luma, chroma, chroma], [0, 0, 0], vs.YUV)
    return planes_of(core.descratch.DeScratch(clip, mindif=contrast, modey=3, **settings))


def vertical_cleaner(planes: Planes, mode: int) -> Planes:
    """VerticalCleaner on pictures that lie on their side: it compares a pixel with those beside it."""
    lying = core.std.Transpose(clip_of(planes))
    return planes_of(core.std.Transpose(core.zsmooth.VerticalCleaner(lying, mode=[mode])))
