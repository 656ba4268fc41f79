"""Segments become one result: remuxed, not encoded again, checked, and moved into place without replacing a file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from resilver_client.disk import sync_folder
from resilver_client.errors import FrameCountMismatch, InternalError, OutputExists
from resilver_server.domain.digests import digest_file, digest_of
from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.rates import Rate

from . import matroska
from .audio import AudioPlan, AudioTracks
from .files import opened, video_stream
from .probe import probe, probe_movie
from .profiles import Profile
from .tagging import fitting
from .writer import BIT_EXACT, FRAME_NAME, remove, sync_file, write_error


@dataclass(frozen=True)
class Joined:
    """A finished result."""

    path: str
    """The movie; for a sequence the printf pattern of its files."""
    frames: int
    duration: Fraction
    """Seconds."""
    digest: str
    """sha256 of the file; for a sequence over the digests of its frames."""


def result_path(stem: str, profile: Profile) -> str:
    """Where a result of that stem comes to lie: ``STEM.mov``, or ``STEM/NAME.%08d.png`` for a sequence. A picture
    that comes from a picture lies as a file too: ``STEM.png``, which ``join`` takes as well."""
    if not profile.is_sequence:
        return stem + profile.suffix
    return f"{stem}/{Path(stem).name}.{FRAME_NAME}{profile.suffix}"


def sidecar_path(output: str, profile: Profile) -> str:
    """Where the sidecar of a result lies: ``STEM.resilver.json`` beside the movie or the folder."""
    stem = str(Path(output).parent) if _is_folder(output, profile) else output.removesuffix(profile.suffix)
    return f"{stem}.resilver.json"


def _is_folder(output: str, profile: Profile) -> bool:
    """Whether the result is a folder of frames: a printf pattern. A sequence profile without one writes a picture."""
    return profile.is_sequence and FRAME_NAME in Path(output).name


def join(
    segments: Sequence[str],
    output: str,
    profile: Profile,
    format: FrameFormat,
    rate: Rate,
    tags: ColourTags,
    frames: int,
    audio: AudioPlan | None,
    timecode: str | None,
    comment: str,
    sidecar: str | None,
) -> Joined:
    """Join ``segments`` (in order) as ``output`` (of ``result_path``, or one picture), ``sidecar`` as JSON beside it.
    None is for what lies beside a result itself.

    ``timecode`` is of the first frame at the output's rate. Frame k is stamped exactly k / rate (to the millisecond in
    Matroska). Count, duration, geometry and tags of the finished file are probed before it gets its name. Raises
    OutputExists, OutputUnwritable, DiskFull, FrameCountMismatch, and the errors of the sound's file.
    """
    tags = fitting(tags, profile.pixel_format, profile.codec)
    folder = _is_folder(output, profile)
    final = Path(output).parent if folder else Path(output)
    note = None if sidecar is None else Path(sidecar_path(output, profile))
    _refuse_existing(*filter(None, (final, note)))
    temporary = final.with_name(f".{final.name}.{os.getpid()}.partial{'' if folder else profile.suffix}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        if folder:
            _gather(segments, temporary, final.name, profile)
            made = str(temporary / Path(output).name)
        elif profile.is_sequence:
            _take_one(segments, temporary)
            made = str(temporary)
        else:
            _remux(segments, temporary, profile, format, Fraction(rate), audio, timecode, comment)
            made = str(temporary)
        info = probe(made, Fraction(rate)) if profile.is_sequence else probe_movie(temporary, look=False)
        _check(info, profile, format, Fraction(rate), tags, frames)
        digest = _digest(temporary)
        _publish(temporary, final, note, sidecar or "")
    except (OSError, FFmpegError) as error:
        raise write_error(error, final) from error
    finally:
        remove(temporary)
    return Joined(output, frames, frames / Fraction(rate), digest)


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if os.path.lexists(path):
            raise OutputExists(
                "there is a file of that name", where=str(path), remedy="choose another name or move it away"
            )


def _gather(segments: Sequence[str], folder: Path, name: str, profile: Profile) -> None:
    """Copy the frames of all segments into one folder, numbered on. Segments stay as they are: they may be used again,
    also at another place."""
    folder.mkdir()
    files = (file for segment in segments for file in sorted(Path(segment).iterdir()))
    for number, file in enumerate(files):
        target = folder / f"{name}.{FRAME_NAME % number}{file.suffix}"
        shutil.copyfile(file, target)
        sync_file(target)
    sync_folder(folder)


def _take_one(segments: Sequence[str], path: Path) -> None:
    """Copy the only frame there is."""
    files = [file for segment in segments for file in Path(segment).iterdir()]
    if len(files) != 1:
        raise FrameCountMismatch(f"{len(files)} frames cannot be one picture", where=str(path))
    shutil.copyfile(files[0], path)
    sync_file(path)


def _remux(
    segments: Sequence[str],
    path: Path,
    profile: Profile,
    format: FrameFormat,
    rate: Fraction,
    audio: AudioPlan | None,
    timecode: str | None,
    comment: str,
) -> None:
    named = profile.container == "matroska" and format.pixel_aspect != 1
    with av.open(str(path), "w", format=profile.container, options=dict(BIT_EXACT)) as out:
        out.metadata["comment"] = comment
        if timecode:
            out.metadata["timecode"] = timecode
        with opened(Path(segments[0])) as first:
            picture = out.add_stream_from_template(video_stream(first, Path(segments[0])))
            picture.time_base = 1 / rate
            picture.codec_context.framerate = rate  # the timecode track takes its rate from here
            picture.codec_context.sample_aspect_ratio = format.pixel_aspect
            if named:
                picture.metadata["title"] = matroska.PLACEHOLDER
        tracks = AudioTracks(out, audio, profile.audio_codec) if audio and profile.audio_codec else None
        _interleave(out, picture, segments, rate, tracks)
    if named:
        matroska.set_pixel_aspect(path, format.width, format.height, format.pixel_aspect)
    sync_file(path)


def _interleave(
    out: OutputContainer, picture: VideoStream, segments: Sequence[str], rate: Fraction, tracks: AudioTracks | None
) -> None:
    """Packets in order of time, sound up to each second ahead of its pictures."""
    heard = Fraction(0)
    for k, packet in enumerate(_packets(segments)):
        if tracks and k / rate >= heard:
            heard += 1
            tracks.write_until(heard)
        packet.stream = picture
        packet.time_base = 1 / rate
        packet.pts = packet.dts = k
        packet.duration = 1
        out.mux_one(packet)
    if tracks:
        tracks.finish()


def _packets(segments: Sequence[str]) -> Iterator[Packet[VideoStream]]:
    """All packets in order. Profiles have no reordered frames, so the order of packets is that of display."""
    setup: bytes | None = None
    for segment in segments:
        path = Path(segment)
        with opened(path) as container:
            stream = video_stream(container, path)
            if setup is not None and setup != (stream.codec_context.extradata or b""):
                raise InternalError("segments were encoded with different settings", where=segment)
            setup = stream.codec_context.extradata or b""
            yield from (packet for packet in container.demux(stream) if packet.size)


def _check(
    info: MediaInfo, profile: Profile, format: FrameFormat, rate: Fraction, tags: ColourTags, frames: int
) -> None:
    """The finished file must be what was asked for, by its own testimony."""
    if info.frame_count != frames:
        raise FrameCountMismatch(f"{info.frame_count} frames were written instead of {frames}", where=info.path)
    if info.rate != rate and frames > 1:
        raise FrameCountMismatch(f"the file plays at {info.rate} instead of {rate}", where=info.path)
    if (info.format.width, info.format.height) != (format.width, format.height):
        raise InternalError(f"the file is {info.format} instead of {format}", where=info.path)
    if profile.is_sequence:
        return
    if info.format.pixel_aspect != format.pixel_aspect or info.colour != tags:
        raise InternalError(f"the file says {info.format}, {info.colour} instead of {format}, {tags}", where=info.path)


def _digest(path: Path) -> str:
    if path.is_dir():
        return digest_of([digest_file(file) for file in sorted(path.iterdir())])
    return digest_file(path)


def _publish(temporary: Path, final: Path, note: Path | None, sidecar: str) -> None:
    """The sidecar first, so that no result is ever without one; taken back if the result cannot follow."""
    if note is not None:
        with note.open("x", encoding="utf-8") as file:
            file.write(sidecar)
            file.flush()
            os.fsync(file.fileno())
    try:
        move_new(temporary, final)
    except BaseException:
        if note is not None:
            note.unlink(missing_ok=True)
        raise
    sync_folder(final.parent)


def move_new(source: Path, target: Path) -> None:
    """Rename, but never onto something that exists. Raises OutputExists or OSError."""
    if source.is_dir():
        try:
            target.mkdir()  # claims the name; a rename then replaces the empty folder in one step
        except FileExistsError as error:
            raise OutputExists("there is a folder of that name", where=str(target)) from error
        source.replace(target)
        return
    try:
        os.link(source, target)
        source.unlink()
    except FileExistsError as error:
        raise OutputExists("there is a file of that name", where=str(target)) from error
    except OSError:  # a file system without hard links: claim the name first
        try:
            target.open("xb").close()
        except FileExistsError as error:
            raise OutputExists("there is a file of that name", where=str(target)) from error
        source.replace(target)
