"""A plan as the planner would write it, for tests that render nothing."""

from __future__ import annotations

from fractions import Fraction

from resilver_server.domain.formats import ColourTags, FieldOrder, FrameFormat, MediaInfo, MediaKind
from resilver_server.domain.recipes import Delivery, StageSettings
from resilver_server.domain.shots import Shot
from resilver_server.domain.spans import Span
from resilver_server.planning.plans import Numerics, ShotPlan, StagePlan


def shot_plan(path: str = "/film/reel.mov", tile: int = 0, batch: int = 1, name: str = "shot") -> ShotPlan:
    given, large = FrameFormat(640, 480), FrameFormat(2560, 1920)
    media = MediaInfo(
        path, MediaKind.MOVIE, given, Fraction(24), 100, 0, ColourTags(), 8, "yuv420p", "h264", False,
        FieldOrder.PROGRESSIVE, False, None,
    )  # fmt: skip
    return ShotPlan(
        shot=Shot(name, path, Fraction(24), Fraction(0), Fraction(4), output=f"/out/{name}"),
        media=media,
        stages=(StagePlan(StageSettings("upscale", {"scale": 4.0}), 1, given, large, 0),),
        delivery=Delivery(),
        numerics=Numerics(tile=tile, batch=batch),
        source=Span(0, 96),
        analysed=False,
        output_format=large,
        output_rate=Fraction(24),
        output_frames=96,
        output_colour=ColourTags(),
        chunk_frames=48,
        memory=0,
    )
