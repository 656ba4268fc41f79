"""Jobs that outlive Resolve: one JSON file a job, in Resilver's own folder.

Resolve's projects cannot keep notes for scripts in every version, so the bridge keeps them: what was submitted from
which timeline, what each clip showed then, and what was placed, so that exactly that can be taken back the next day.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote

from resilver_client.errors import HostFailed, ResilverError
from resilver_publish.types import Remembered

from .clips import Shown
from .fields import Fields
from .install.folders import JOBS

_FULL = (errno.ENOSPC, errno.EDQUOT)
VERSION = 1


@dataclass(frozen=True)
class Original:
    """A clip as it was when its job was submitted."""

    id: str
    name: str
    track: int
    start: int
    duration: int
    source_start: int | None
    source_seconds: float | None
    left_offset: float | None
    media: str
    """Path in the media pool; empty where it has none."""
    media_rate: Fraction | None
    speed: Fraction
    before: str
    """The transition before it, for people; empty where there is none."""
    after: str
    enabled: bool

    @classmethod
    def of(cls, shown: Shown) -> Original:
        item = shown.item
        played = shown.located.rate if shown.located is not None else item.media.fps if item.media else None
        return cls(
            id=item.id,
            name=item.name,
            track=item.track,
            start=item.start,
            duration=item.duration,
            source_start=item.source_start,
            source_seconds=item.source_seconds,
            left_offset=item.left_offset,
            media=item.media.path if item.media else "",
            media_rate=played,
            speed=shown.speed,
            before=shown.matched.before,
            after=shown.matched.after,
            enabled=item.enabled,
        )


@dataclass(frozen=True)
class Placed:
    """What a job put into a timeline, by ids of Resolve."""

    timeline_id: str
    timeline: str
    items: tuple[str, ...] = ()
    on_added: tuple[str, ...] = ()
    """Those of ``items`` that lie on a track that was added for them."""
    disabled: tuple[str, ...] = ()
    """Originals that were switched off."""
    takes: Mapping[str, str] = field(default_factory=dict)
    """By id of an original that was given a take, the media of that take: a later job may add another."""
    own_timeline: bool = False
    """Whether the timeline was made for them."""
    where: tuple[str, ...] = ()
    """For people."""


@dataclass(frozen=True)
class Kept:
    """A job with all that is needed to place it, and to take that back."""

    remembered: Remembered
    project: str
    project_id: str
    timeline: str
    timeline_id: str
    submitted: float
    """Unix seconds."""
    folder: str = ""
    """Of the results; empty while it is not known."""
    originals: Mapping[str, Original] = field(default_factory=dict)
    placed: Placed | None = None


class Keeping:
    """The files, one a job, in ``<home>/davinci-jobs/<project>/``. Safe from any thread: each is replaced whole.

    ``<home>/davinci`` is, on Linux, the folder into which the menu script is installed.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / JOBS

    def write(self, kept: Kept) -> None:
        """Raises HostFailed where the file cannot be written."""
        path = self._path(kept.project_id, kept.remembered.job)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="ascii") as file:
                json.dump(_as_json(kept), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise HostFailed(
                f"the job cannot be kept ({error.strerror or error})",
                where=str(path),
                remedy="free some space" if error.errno in _FULL else "make the folder writable",
            ) from error

    def read(self, project_id: str, job: str) -> Kept | None:
        """One job; None where it is not kept. Raises HostFailed for a file that cannot be read."""
        path = self._path(project_id, job)
        return _read(path) if path.exists() else None

    def all(self, project_id: str) -> tuple[list[Kept], list[str]]:
        """The jobs of a project, newest first, and sentences about files that cannot be read: those are left as they
        are."""
        found: list[Kept] = []
        damaged: list[str] = []
        for path in sorted(self._project(project_id).glob("*.json")):
            try:
                found.append(_read(path))
            except ResilverError as error:
                damaged.append(f"a job cannot be read and is left out: {error}")
        return sorted(found, key=lambda kept: kept.submitted, reverse=True), damaged

    def remove(self, project_id: str, job: str) -> None:
        """Raises HostFailed where the file cannot be removed; one that is not there is none."""
        path = self._path(project_id, job)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise HostFailed(f"the job's file cannot be removed ({error.strerror})", where=str(path)) from error

    def _project(self, project_id: str) -> Path:
        return self._folder / quote(project_id, safe="")

    def _path(self, project_id: str, job: str) -> Path:
        return self._project(project_id) / f"{quote(job, safe='')}.json"


def _as_json(kept: Kept) -> dict[str, object]:
    originals = [
        {key: str(value) if isinstance(value, Fraction) else value for key, value in asdict(each).items()}
        for each in kept.originals.values()
    ]
    return {
        "version": VERSION,
        "remembered": kept.remembered.to_json(),
        "project": kept.project,
        "project_id": kept.project_id,
        "timeline": kept.timeline,
        "timeline_id": kept.timeline_id,
        "submitted": kept.submitted,
        "folder": kept.folder,
        "originals": originals,
        "placed": None if kept.placed is None else _placed_as_json(kept.placed),
    }


def _placed_as_json(placed: Placed) -> dict[str, object]:
    takes = [{"original": original, "media": media} for original, media in placed.takes.items()]
    return {**asdict(placed), "takes": takes}


def _read(path: Path) -> Kept:
    try:
        data = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError, RecursionError) as error:
        raise HostFailed(f"not a job that was kept ({error})", where=str(path), remedy="remove the file") from error
    fields = Fields(data, str(path))
    if fields.whole("version") != VERSION:
        raise HostFailed("kept by another version of Resilver", where=str(path), remedy="update Resilver")
    return Kept(
        remembered=Remembered.from_json(fields.text("remembered")),
        project=fields.text("project"),
        project_id=fields.text("project_id"),
        timeline=fields.text("timeline"),
        timeline_id=fields.text("timeline_id"),
        submitted=fields.number("submitted"),
        folder=fields.text("folder"),
        originals={each.id: each for each in map(_original, fields.each("originals"))},
        placed=_placed(fields.inner("placed")) if fields.has("placed") else None,
    )


def _original(fields: Fields) -> Original:
    return Original(
        id=fields.text("id"),
        name=fields.text("name"),
        track=fields.whole("track"),
        start=fields.whole("start"),
        duration=fields.whole("duration"),
        source_start=fields.maybe(fields.whole, "source_start"),
        source_seconds=fields.maybe(fields.number, "source_seconds"),
        left_offset=fields.maybe(fields.number, "left_offset"),
        media=fields.text("media"),
        media_rate=fields.maybe(fields.fraction, "media_rate"),
        speed=fields.fraction("speed"),
        before=fields.text("before"),
        after=fields.text("after"),
        enabled=fields.flag("enabled"),
    )


def _placed(fields: Fields) -> Placed:
    return Placed(
        timeline_id=fields.text("timeline_id"),
        timeline=fields.text("timeline"),
        items=fields.texts("items"),
        on_added=fields.texts("on_added"),
        disabled=fields.texts("disabled"),
        takes={each.text("original"): each.text("media") for each in fields.each("takes")},
        own_timeline=fields.flag("own_timeline"),
        where=fields.texts("where"),
    )
