"""Whether media is still what a job was planned with: a cheap look at its files, and a reading of those that differ.

A stamp is size, time of change of the content, and time of change of the file itself. The last one nobody can set: a
file that was replaced by another of its size and date (``cp -p``, an archive unpacked again) is told from the first.
Numbers of inodes are left out: some file systems (FAT, exFAT, network ones) make them up anew whenever they are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from resilver_client.errors import InvalidRequest, MediaChanged, MediaNotFound, MediaUnreadable
from resilver_server.domain.digests import digest_file, digest_of
from resilver_server.domain.formats import MediaInfo, MediaKind
from resilver_server.domain.serial import canonical, loads
from resilver_server.domain.spans import Span
from resilver_server.media.identity import source_files
from resilver_server.planning.plans import ShotPlan
from resilver_server.stages.keys import key_files, keys_digest
from resilver_server.stages.mattes import matte_digest, matte_files

ANALYSIS_FRAMES = 240
"""Media frames that are measured in one task, and whose files have one stamp in the database."""
_ANEW = "restore the clip anew"


@dataclass(frozen=True)
class Stamps:
    """Of the files of a shot, as they were when it was planned."""

    source: Span
    files: tuple[str, ...]
    """One a frame of ``source`` for a sequence, else one."""
    pictures: str = ""
    """Of all that an artist laid over the shot."""

    def over(self, span: Span) -> str:
        """Digest of the stamps behind the frames of ``span``."""
        return digest_of(self._of(span))

    def dates(self, span: Span) -> str:
        """The same without the files' own times: moving a file away and back leaves it as it is."""
        return digest_of([stamp.rpartition(" ")[0] for stamp in self._of(span)])

    def _of(self, span: Span) -> tuple[str, ...]:
        first = self.source.start
        return self.files if len(self.files) == 1 else self.files[span.start - first : span.stop - first]

    @property
    def text(self) -> str:
        """What the column ``shot.stamp`` keeps: few words, however long the film."""
        parts = tuple(_blocks(self.source, len(self.files) == 1))
        return canonical(_Kept(tuple(map(self.over, parts)), tuple(map(self.dates, parts)), self.pictures))


@dataclass(frozen=True)
class _Kept:
    blocks: tuple[str, ...]
    """One for each of ``_blocks``."""
    dates: tuple[str, ...]
    """The same, of ``Stamps.dates``."""
    pictures: str = ""


def _blocks(source: Span, whole: bool) -> Iterator[Span]:
    """The media frames whose files are looked at together: all of a movie's, else on a grid that lies on the media."""
    return iter((source,)) if whole else source.split(ANALYSIS_FRAMES)


def stamps_of(plan: ShotPlan) -> Stamps:
    """Raises MediaNotFound, InvalidMatte, InvalidKeyFrame."""
    return Stamps(plan.source, _stamps(plan.media, plan.source), _pictures(plan))


def same(plan: ShotPlan, text: str, span: Span) -> bool:
    """Whether the files behind ``span``, and what was laid over the shot, are as when ``text`` was written; cheap.

    Raises MediaNotFound naming the shot.
    """
    kept = _read(text)
    with _named(plan):
        if _pictures(plan) != kept.pictures:
            return False
        for number, block in enumerate(_blocks(plan.source, _is_one_file(plan))):
            if not len(block.intersect(span)):
                continue
            if number >= len(kept.blocks) or digest_of(_stamps(plan.media, block)) != kept.blocks[number]:
                return False
    return True


def stamps_now(plan: ShotPlan) -> Stamps:
    """Of a shot that was planned before. Raises MediaNotFound naming it."""
    with _named(plan):
        return stamps_of(plan)


def confirm(plan: ShotPlan, text: str, now: Stamps, known: Mapping[int, str], check: Callable[[], None]) -> None:
    """Read the files whose stamps differ from ``text``, and what was laid over the shot. Returns where all of it holds
    what it held.

    ``known``: digests by media frame, of one file under the first; where nothing was read yet sizes and dates have to
    do. ``check`` is called all along and may raise. Raises MediaChanged naming shot and file,
    MediaNotFound, MediaUnreadable.
    """
    _confirm_pictures(plan)
    kept = _read(text)
    for number, block in enumerate(_blocks(plan.source, _is_one_file(plan))):
        if number < len(kept.blocks) and now.over(block) == kept.blocks[number]:
            continue
        dated = number < len(kept.dates) and now.dates(block) == kept.dates[number]
        for frame, file in zip(block, source_files(plan.media, block), strict=False):
            right = _digest(plan, file, check) == known[frame] if frame in known else dated
            if not right:
                what = "the file is another one than when the job was planned"
                raise MediaChanged(what, where=f"{plan.shot.name}, {file}", remedy=_ANEW)


def _confirm_pictures(plan: ShotPlan) -> None:
    for stage in plan.stages:
        given = stage.settings
        pictures = [matte_digest(path) for path in (given.matte, given.keep_matte, given.defect_map)]
        before = [stage.matte_digest, stage.keep_digest, stage.defect_digest, stage.keys_digest]
        if [*pictures, keys_digest(given.key_frames)] != before:
            what = f"a picture that was given to {given.stage} is another one than when the job was planned"
            raise MediaChanged(what, where=plan.shot.name, remedy=_ANEW)


def _read(text: str) -> _Kept:
    """Of a job that an earlier program wrote down nothing is known, so that its files are read."""
    try:
        return loads(_Kept, text)
    except InvalidRequest:
        return _Kept((), ())


@contextmanager
def _named(plan: ShotPlan) -> Iterator[None]:
    """A file that is gone is one of a shot that was planned with it."""
    try:
        yield
    except MediaNotFound as error:
        raise _gone(plan, error.where) from error


def _gone(plan: ShotPlan, path: str) -> MediaNotFound:
    remedy = "put it back, then retry the job, or relink the clip and restore it anew"
    return MediaNotFound("the file is not there any more", where=f"{plan.shot.name}, {path}", remedy=remedy)


def _is_one_file(plan: ShotPlan) -> bool:
    return plan.media.kind is not MediaKind.SEQUENCE or len(plan.source) == 1


def _digest(plan: ShotPlan, file: Path, check: Callable[[], None]) -> str:
    try:
        return digest_file(file, check)
    except FileNotFoundError as error:
        raise _gone(plan, str(file)) from error
    except OSError as error:
        raise MediaUnreadable(f"cannot be read ({error.strerror})", where=f"{plan.shot.name}, {file}") from error


def _pictures(plan: ShotPlan) -> str:
    """Of mattes, defect maps and key frames; empty without any."""
    files: list[Path] = []
    for stage in plan.stages:
        given = stage.settings
        for path in filter(None, (given.matte, given.keep_matte, given.defect_map)):
            files += matte_files(path)
        files += key_files(given.key_frames).values() if given.key_frames else ()
    return digest_of([_stamp(file) for file in files]) if files else ""


def _stamps(media: MediaInfo, span: Span) -> tuple[str, ...]:
    return tuple(_stamp(file) for file in source_files(media, span))


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else f"it cannot be seen ({error.strerror})"
        raise MediaNotFound(what, where=str(path), remedy="check the path or relink the clip") from error
    return f"{path.name} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
