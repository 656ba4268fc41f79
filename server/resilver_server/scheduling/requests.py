"""What a client asks for: a timeline, which of its clips, and what shall be done to them."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_otio.types import Layout, Selection
from resilver_server.domain.recipes import Recipe


@dataclass(frozen=True)
class JobRequest:
    """All that decides a job. A movie or folder of frames arrives as a timeline of one clip."""

    request_id: str
    """Chosen by the client; submitting the same again returns the same job."""
    title: str
    timeline: str
    """OTIO JSON with absolute media paths."""
    recipe: Recipe
    output_folder: str
    """Absolute; results are ``NAME.suffix`` in it, never over an existing file."""
    name: str = ""
    """Stem of the results' names; empty: each clip's own name. Several clips get a number."""
    selection: Selection = Selection()
    layout: Layout = Layout.OVERLAY
    at_delivery_rate: bool = False
    """A new timeline at the delivery's rate instead of the timeline's own."""
    skip_refused: bool = False
    """Go on with the rest where clips cannot be mapped."""
    preview_frames: int = 0
    """Render only so many frames of each shot, as before/after pictures."""


@dataclass(frozen=True)
class StoredRequest:
    """What is known of a job's request without reading it."""

    id: str
    """As the client chose it."""
    text: str
    """Its JSON; empty for a job that has ended."""
