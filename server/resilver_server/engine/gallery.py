"""The pictures that an artist laid over a shot's stages, named by content for the keys of its chunks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from resilver_server.domain.spans import Span
from resilver_server.planning.chunks import StagePictures
from resilver_server.planning.demand import Demand
from resilver_server.planning.plans import ShotPlan, StagePlan

from .keeping import Keep
from .mattes import Matte
from .pipeline import StageFrames, open_matte, stage_media_frames


class Gallery:
    """Opens each picture once for all chunks of a shot. Use as a context manager; raises InvalidMatte."""

    def __init__(self, plan: ShotPlan) -> None:
        self._plan = plan
        self._stack = ExitStack()
        self._opened: dict[str, Matte] = {}
        self._keeps: dict[int, Keep] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def over(self, demand: Demand, outputs: Span) -> dict[int, StagePictures]:
        """By position of the stage in the plan, for stages that have pictures."""
        found = stage_media_frames(self._plan, demand, outputs)
        pictures = {position: self._of(position, frames) for position, frames in found.items()}
        return {position: names for position, names in pictures.items() if names != StagePictures()}

    def _of(self, position: int, frames: StageFrames) -> StagePictures:
        settings = self._plan.stages[position].settings
        return StagePictures(
            self._digests(settings.matte, frames.made),
            self._kept(position, self._plan.stages[position], frames.made),
            self._digests(settings.defect_map, frames.seen),
        )

    def _digests(self, path: str | None, frames: Sequence[int]) -> tuple[str, ...]:
        if path is None:
            return ()
        matte = self._open(path)
        return tuple(matte.digest(matte.frame(frame)) for frame in frames)

    def _kept(self, position: int, stage: StagePlan, frames: Sequence[int]) -> tuple[str, ...]:
        settings = stage.settings
        if settings.keep_matte is None and not settings.keep_frames:
            return ()
        if position not in self._keeps:
            matte = self._open(settings.keep_matte) if settings.keep_matte else None
            self._keeps[position] = Keep(settings.keep_frames, matte)
        keep = self._keeps[position]
        return tuple(keep.name(frame) for frame in frames)

    def _open(self, path: str) -> Matte:
        if path not in self._opened:
            self._opened[path] = open_matte(self._plan, path)
            self._stack.callback(self._opened[path].close)
        return self._opened[path]
