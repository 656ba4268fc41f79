"""From a request to planned shots: collect the clips, probe their media, locate them, plan each. Stores nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from resilver_client.errors import (
    ClipOffline,
    ClipUnsupported,
    GeometryMismatch,
    InterlacedMedia,
    InvalidKeyFrame,
    InvalidMatte,
    InvalidRequest,
    MediaCorrupt,
    MediaNotFound,
    MediaUnreadable,
    OutputExists,
    OutputUnwritable,
    PathNotAllowed,
    RangeOutsideMedia,
    ResilverError,
    SelectionEmpty,
    SequenceGap,
    VariableFrameRate,
    WorkerLost,
)
from resilver_otio.collect import collect
from resilver_otio.locate import locate, on_grid
from resilver_otio.types import ClipRequest, Collected, Located, Refusal
from resilver_server.config import ServerSettings
from resilver_server.domain.failures import Failure
from resilver_server.domain.formats import FieldFilter, MediaInfo, MediaKind
from resilver_server.domain.recipes import Recipe
from resilver_server.domain.shots import Shot
from resilver_server.execution.executor import Executor, run_as
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import (
    DevicesResult,
    DevicesTask,
    PlanResult,
    PlanTask,
    ProbeResult,
    ProbeTask,
)
from resilver_server.stages.keys import key_files
from resilver_server.storage.rows import FitRow

from .asking import key_frames, mattes, own_recipe, preview_bytes, probe_task
from .bounds import ensure_few_shots, ensure_short
from .identity import bounded, fit_key
from .names import stems
from .requests import JobRequest
from .stamps import Stamps, stamps_of
from .timecode import timecode_seconds

OF_THE_CLIP = (
    ClipOffline,
    ClipUnsupported,
    GeometryMismatch,
    InterlacedMedia,
    InvalidKeyFrame,
    InvalidMatte,
    MediaCorrupt,
    MediaNotFound,
    MediaUnreadable,
    PathNotAllowed,
    RangeOutsideMedia,
    SequenceGap,
    VariableFrameRate,
)
"""What is wrong with one clip alone: the rest may go on where the request says so."""


FRAME_NAME = "%08d"
"""Number of a frame in the name of its file, as the joining of segments writes it."""


@dataclass(frozen=True)
class ClipPlace:
    """Where a shot comes from and goes back to."""

    clip: ClipRequest
    located: Located
    suffix: str
    is_sequence: bool


@dataclass(frozen=True)
class PlannedShot:
    place: ClipPlace
    plan: ShotPlan
    stamps: Stamps
    output: str
    """Absolute path of the result: a file, or the folder of a sequence's frames (or of a preview's pictures)."""
    output_bytes: int = 0
    """What that will take on disk, estimated. Beside the plan, so that no key knows of it."""


@dataclass(frozen=True)
class Outline:
    shots: tuple[PlannedShot, ...]
    refusals: tuple[Refusal, ...]
    free_bytes: int = 0
    """In the folder of the results."""
    needed_bytes: int = 0
    """On that folder's disk: the results and, where the store lies on it too, the segments."""

    def ensure_some(self) -> None:
        """Raises SelectionEmpty where no clip remains."""
        if not self.shots:
            reasons = "; ".join(refusal.message for refusal in self.refusals)
            raise SelectionEmpty(
                "none of the clips can be restored", where=reasons, remedy="mend what is said of them, or choose others"
            )


FindFit = Callable[[str], Awaitable[FitRow | None]]
Probed = dict[ProbeTask, MediaInfo]
"""What was probed for one request."""


class Planner:
    """Plans requests with the help of workers. Keeps what it learned of the devices."""

    def __init__(self, settings: ServerSettings, executor: Executor) -> None:
        self._settings = settings
        self._executor = executor
        self._devices: DevicesResult | None = None

    async def devices(self) -> DevicesResult:
        """Asked afresh."""
        self._devices = await run_as(self._executor, DevicesResult, DevicesTask())
        return self._devices

    async def outline(self, request: JobRequest, fit: FindFit) -> Outline:
        """``fit`` tells the largest tile and batch that earlier jobs found to fit.

        Raises what ``JobManager.plan`` says.
        """
        probed: Probed = {}
        folder = self._check(request)
        await self._check_pictures(request.recipe, probed)
        collected = await asyncio.to_thread(collect, request.timeline, request.selection)
        refusals = list(collected.refusals)
        _refuse(refusals, request)
        ensure_few_shots(len(collected.clips))
        shots = []
        for clip, stem in zip(collected.clips, _stems(request, collected), strict=True):
            try:
                shots.append(await self._shot(request, clip, stem, fit, probed))
            except OF_THE_CLIP as error:
                if not request.skip_refused:
                    raise
                refusals.append(Refusal(clip.name, error.reason, str(error), clip.id))
        free, needed = await asyncio.to_thread(self._room, request, folder, sum(shot.output_bytes for shot in shots))
        return Outline(tuple(shots), tuple(refusals), free, needed)

    def _room(self, request: JobRequest, folder: Path, results: int) -> tuple[int, int]:
        """Bytes free where results go, and bytes that will be taken there."""
        there, store = _existing(folder), _existing(self._settings.content_path)
        twice = not request.preview_frames and there.stat().st_dev == store.stat().st_dev
        return shutil.disk_usage(there).free, 2 * results if twice else results

    def _check(self, request: JobRequest) -> Path:
        """The folder of the results."""
        folder = self._settings.allow(request.output_folder)
        refuse_unwritable(folder)
        if request.preview_frames < 0:
            raise InvalidRequest("a preview of less than no frames", where="preview_frames")
        if request.recipe.delivery.audio:
            self._settings.allow(request.recipe.delivery.audio)
        return folder

    async def _check_pictures(self, recipe: Recipe, probed: Probed) -> None:
        """Raises InvalidMatte, InvalidKeyFrame or PathNotAllowed: a picture that cannot be read is found before a night
        of rendering, not in it."""
        for path in mattes(recipe):
            await self._check_picture(path, InvalidMatte, probed)
        for path in key_frames(recipe):
            self._settings.allow(path)
            for file in (await asyncio.to_thread(key_files, path)).values():
                await self._check_picture(str(file), InvalidKeyFrame, probed)

    async def _check_picture(self, path: str, wrong: type[ResilverError], probed: Probed) -> None:
        self._settings.allow(path)
        try:
            await self._probed(ProbeTask(path), probed)
        except (MediaCorrupt, MediaNotFound, MediaUnreadable, SequenceGap, GeometryMismatch) as error:
            raise wrong(error.what, where=error.where or path, remedy=error.remedy) from error

    async def _shot(
        self, request: JobRequest, clip: ClipRequest, stem: str, fit: FindFit, probed: Probed
    ) -> PlannedShot:
        self._settings.allow(clip.media)
        recipe = own_recipe(clip, request.recipe)
        await self._check_pictures(recipe, probed)
        media = await self._probed(probe_task(clip), probed)
        located = locate(clip, media.rate, media.frame_count, timecode_seconds(media.start_timecode, media.rate))
        shot = _shot(clip, located, media, str(Path(request.output_folder) / stem))
        planned = await self._plan(shot, media, recipe)
        if request.at_delivery_rate and clip.output_frames is None:
            frames, offset = on_grid(clip, located, planned.plan.output_rate)
            shot = dataclasses.replace(shot, output_frames=frames, output_offset=offset)
            planned = await self._plan(shot, media, recipe)
        ensure_short(planned.plan)
        plan = bounded(planned.plan, await fit(fit_key(planned.plan, self._settings.memory_limit)))
        stamps = await asyncio.to_thread(stamps_of, plan)
        place = ClipPlace(clip, located, planned.suffix, planned.is_sequence)
        size = preview_bytes(plan, request.preview_frames) if request.preview_frames else planned.output_bytes
        return PlannedShot(place, plan, stamps, _output(request, shot, place), size)

    async def _probed(self, task: ProbeTask, probed: Probed) -> MediaInfo:
        """An edit cuts the same reel a thousand times; its packets are counted once. Raises what ``probe`` does, and
        WorkerLost naming the file over which a worker ended."""
        if task not in probed:
            try:
                probed[task] = (await run_as(self._executor, ProbeResult, task)).media
            except WorkerLost as error:
                remedy = "make a copy of the file in another format, if it happens again"
                raise WorkerLost(f"{error.what}, reading a file", where=task.path, remedy=remedy) from error
        return probed[task]

    async def _plan(self, shot: Shot, media: MediaInfo, recipe: Recipe) -> PlanResult:
        known = self._devices or await self.devices()
        task = PlanTask(shot, media, recipe, known.devices[0], known.libraries)
        return await run_as(self._executor, PlanResult, task)


def refuse_unwritable(folder: Path) -> None:
    """Raises OutputUnwritable where ``folder`` is closed, or cannot be made: before a night of rendering, not after."""
    there = _existing(folder)
    if not there.is_dir():
        raise OutputUnwritable("not a folder", where=str(there), remedy="choose another output")
    if not os.access(there, os.W_OK | os.X_OK):
        remedy = "check the folder and its permissions"
        raise OutputUnwritable("nothing can be written there", where=str(there), remedy=remedy)


def _existing(folder: Path) -> Path:
    """The folder, or the one in which it will be made."""
    return next((path for path in (folder, *folder.parents) if path.exists()), folder)


def refuse_existing(shots: Sequence[PlannedShot], reserved: set[str]) -> None:
    """Raises OutputExists where a result, or what lies beside it, would lie over a file or another job's result."""
    for shot in shots:
        output = Path(shot.output)
        changes = (changes_path(shot.plan),) if shot.plan.delivery.change_maps else ()
        for path in (output, sidecar_path(shot.plan), *changes):
            if path.exists() or path.is_symlink():
                raise OutputExists("the file is there already", where=str(path), remedy="choose another name or folder")
        if shot.output in reserved:
            raise OutputExists(
                "another job is going to write this file", where=shot.output, remedy="choose another name or folder"
            )


def sidecar_path(plan: ShotPlan) -> Path:
    """``STEM.resilver.json``, beside the movie or beside the folder of frames."""
    return Path(f"{plan.shot.output}.resilver.json")


def changes_path(plan: ShotPlan) -> Path:
    """``STEM.changes.mkv``, beside the result as its sidecar is."""
    return Path(f"{plan.shot.output}.changes.mkv")


def media_path(output: str, place: ClipPlace) -> str:
    """The result as a player names it: the movie, or the printf pattern of a folder's frames."""
    return f"{output}/{Path(output).name}.{FRAME_NAME}{place.suffix}" if place.is_sequence else output


def _refuse(refusals: list[Refusal], request: JobRequest) -> None:
    if refusals and not request.skip_refused:
        first = refusals[0]
        remedy = "leave the clip out of the selection, or go on without such clips"
        where = "" if f", {first.clip}" in first.message else first.clip  # most errors name their clip themselves
        raise Failure(first.reason, first.message, where, remedy).error()


def _stems(request: JobRequest, collected: Collected) -> tuple[str, ...]:
    return stems(request.name, [clip.name for clip in collected.clips])


def _shot(clip: ClipRequest, located: Located, media: MediaInfo, output: str) -> Shot:
    return Shot(
        name=clip.name,
        media=media.path,
        rate=located.rate,
        start=located.start,
        duration=located.duration,
        speed=located.speed,
        fields=FieldFilter(clip.fields),
        output_frames=clip.output_frames,
        output_offset=clip.output_offset,
        first_number=clip.first_number if media.kind is MediaKind.SEQUENCE else None,
        output=output,
    )


def result_path(shot: Shot, place: ClipPlace) -> str:
    """The result of a shot that is rendered whole."""
    return shot.output if place.is_sequence else shot.output + place.suffix


def _output(request: JobRequest, shot: Shot, place: ClipPlace) -> str:
    if request.preview_frames:
        return _free_folder(f"{shot.output}-preview")
    return result_path(shot, place)


def _free_folder(path: str) -> str:
    """Previews are made again and again: each gets a folder of its own."""
    number, candidate = 1, path
    while Path(candidate).exists():
        number += 1
        candidate = f"{path}-{number}"
    return candidate
