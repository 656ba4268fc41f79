"""A decoded frame."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_server.domain.formats import ColourTags

from .layout import Layout, Plane, layout_of


@dataclass(frozen=True)
class Picture:
    """One frame of media as its own integer (or float) component planes, exactly as decoded."""

    index: int
    """Media frame number, from 0."""
    planes: tuple[Plane, ...]
    """Y, U, V or R, G, B or grey; each (height, width), chroma at its own size. Views of decoder memory: read only."""
    pixel_format: str
    """FFmpeg's name of it; alpha is not among the planes."""
    colour: ColourTags
    """Tags by which the planes are to be read; nothing unspecified that matters (``colour.resolved``)."""
    centred_chroma: bool = False
    """Chroma sited between luma samples in both directions (JPEG) instead of on the left ones (MPEG)."""

    @property
    def layout(self) -> Layout:
        return layout_of(self.pixel_format)

    @property
    def height(self) -> int:
        return int(self.planes[0].shape[0])

    @property
    def width(self) -> int:
        return int(self.planes[0].shape[1])
