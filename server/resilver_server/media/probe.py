"""What a piece of media is: exact rate, real frame count, geometry, colour, fields, timecode and sound."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from resilver_client.errors import GeometryMismatch, InterlacedMedia, MediaCorrupt, MediaUnreadable, VariableFrameRate
from resilver_server.domain.formats import AudioInfo, FieldFilter, FieldOrder, FrameFormat, MediaInfo, MediaKind
from resilver_server.domain.rates import Rate

from .fields import decimated_count, field_order
from .files import existing_file, is_there, local_path, opened, reason, sound_streams, video_stream
from .index import MovieIndex, movie_index
from .layout import layout_of
from .pictures import codec_of, decode_picture, picture_size
from .planes import components, notes_of, unpacked
from .sequences import Numbers, Sequence, by_pattern, in_folder, is_pattern
from .tagging import codes_of, tags_of

DEFAULT_RATE = Fraction(24)
"""Frames a second of sequences and stills if nobody says otherwise."""
IVTC_RATE = Fraction(4, 5)
"""Frames left by inverse telecine, of those that went in."""


def probe(
    path: str, rate: Rate | None = None, fields: FieldFilter = FieldFilter.NONE, numbers: Numbers | None = None
) -> MediaInfo:
    """The facts of a movie, a picture, a folder of pictures, or a printf pattern of them.

    ``numbers`` are those of a pattern's files that are meant; others are not looked at.
    ``rate`` is the rate at which the frames are to be played instead of the file's. With ``fields`` = ivtc, count and
    rate are those after it. Frames are counted by packets, without those that an edit list discards. Raises
    MediaNotFound, MediaUnreadable, MediaCorrupt, SequenceGap, GeometryMismatch (pictures of several sizes).
    """
    place = local_path(path)
    if is_there(place) and place.is_dir():
        return _sequence(in_folder(place), rate)
    if is_pattern(place):
        return _sequence(by_pattern(place, numbers), rate)
    codec = codec_of(existing_file(place))
    if codec is not None:
        return _pictures(str(place), MediaKind.STILL, place, codec, rate)
    return probe_movie(place, rate, fields)


def ensure_usable(info: MediaInfo, fields: FieldFilter = FieldFilter.NONE) -> None:
    """Refuse media whose frames do not stand for even steps of time, or are woven of two moments.

    Raises VariableFrameRate or InterlacedMedia, each naming the way out.
    """
    if info.variable_rate:
        raise VariableFrameRate(
            "its frames are not evenly spaced in time",
            where=info.path,
            remedy=f"make a constant-rate copy: ffmpeg -i IN -fps_mode cfr -r {info.rate} -c:v ffv1 -c:a copy OUT.mkv",
        )
    if fields is not FieldFilter.NONE:
        return
    if info.field_order is FieldOrder.PULLDOWN:
        raise InterlacedMedia(
            "film frames are spread over fields by 3:2 pull-down", where=info.path, remedy="use --fields ivtc"
        )
    if info.field_order in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST):
        raise InterlacedMedia(
            f"it is interlaced ({info.field_order.value})",
            where=info.path,
            remedy="use --fields bwdif (or --fields ivtc for film with 3:2 pull-down)",
        )


def _sequence(sequence: Sequence, rate: Rate | None) -> MediaInfo:
    first = sequence.file(0)
    codec = codec_of(existing_file(first))
    if codec is None:
        raise MediaUnreadable("no picture that can be read", where=str(first), remedy="use PNG, TIFF, DPX, EXR or JPEG")
    info = _pictures(sequence.pattern, MediaKind.SEQUENCE, first, codec, rate)
    _refuse_mixed_sizes(sequence, (info.format.width, info.format.height))
    return replace(info, frame_count=sequence.count, first_number=sequence.first)


def _refuse_mixed_sizes(sequence: Sequence, size: tuple[int, int]) -> None:
    for index in range(sequence.count):
        found = picture_size(sequence.file(index))
        if found is not None and found != size:
            raise GeometryMismatch(
                f"pictures of different sizes: {size[0]}x{size[1]} and {found[0]}x{found[1]}",
                where=str(sequence.file(index)),
                remedy="put each size into a folder of its own",
            )


def _pictures(path: str, kind: MediaKind, first: Path, codec: str, rate: Rate | None) -> MediaInfo:
    frame = unpacked(decode_picture(first))
    layout = layout_of(frame.format.name)
    return MediaInfo(
        path=path,
        kind=kind,
        format=FrameFormat(frame.width, frame.height),
        rate=rate or DEFAULT_RATE,
        frame_count=1,
        first_number=0,
        colour=tags_of(frame),
        bit_depth=layout.bits,
        pixel_format=frame.format.name,
        codec=codec,
        has_alpha=layout.alpha,
        field_order=FieldOrder.PROGRESSIVE,
        variable_rate=False,
        start_timecode=notes_of(frame).get("timecode"),
    )


def probe_movie(
    path: Path, rate: Rate | None = None, fields: FieldFilter = FieldFilter.NONE, look: bool = True
) -> MediaInfo:
    """The facts of a movie file. Without ``look`` nothing is said about its fields."""
    index = movie_index(path)
    with opened(path) as container:
        stream = video_stream(container, path)
        said = codes_of(stream.codec_context)  # decoding overwrites it
        frame = _first_frame(container, stream, path)
        _refuse_rotated(frame, path)
        layout = layout_of(frame.format.name)
        native, even = index.rate((stream.average_rate, stream.guessed_rate, stream.base_rate))
        origin = int(index.stamps[0]) * index.time_base if index.stamped else Fraction(0)
        info = MediaInfo(
            path=str(path),
            kind=MediaKind.MOVIE,
            format=FrameFormat(frame.width, frame.height, _pixel_aspect(stream)),
            rate=rate or native,
            frame_count=len(index),
            first_number=0,
            colour=tags_of(frame, said, stream.codec_context.name),
            bit_depth=layout.bits,
            pixel_format=frame.format.name,
            codec=stream.codec_context.name,
            has_alpha=layout.alpha,
            field_order=field_order(path, stream, frame) if look else FieldOrder.UNKNOWN,
            variable_rate=not even,
            start_timecode=_timecode(container),
            audio=tuple(_audio(container, sound, origin) for sound in sound_streams(container)),
        )
    return _after_ivtc(info, index, rate) if fields is FieldFilter.IVTC else info


def _after_ivtc(info: MediaInfo, index: MovieIndex, rate: Rate | None) -> MediaInfo:
    return replace(info, frame_count=decimated_count(len(index)), rate=rate or info.rate * IVTC_RATE)


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> VideoFrame:
    try:
        frame = next(container.decode(stream), None)
    except (FFmpegError, OSError) as error:
        raise MediaCorrupt(f"cannot be decoded ({reason(error)})", where=f"{path}, frame 0") from error
    if frame is None:
        raise MediaUnreadable("there is no frame in it", where=str(path), remedy="copy it again from its source")
    plain = unpacked(frame)
    components(plain)
    return plain


def _refuse_rotated(frame: VideoFrame, path: Path) -> None:
    """Telephones store pictures on their side with a note to turn them. A result without the note would lie there."""
    if frame.rotation:
        raise MediaUnreadable(
            f"its pictures are stored turned by {abs(frame.rotation)} degrees",
            where=str(path),
            remedy="make an upright copy: ffmpeg -i IN -c:v ffv1 -c:a copy OUT.mkv",
        )


def _pixel_aspect(stream: VideoStream) -> Fraction:
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return Fraction(aspect) if aspect and aspect > 0 else Fraction(1)


def _timecode(container: InputContainer) -> str | None:
    sources = [container.metadata, *(stream.metadata for stream in container.streams)]
    found = (value for source in sources for key, value in source.items() if key.lower() == "timecode")
    return next(found, None)


def _audio(container: InputContainer, stream: AudioStream, origin: Fraction) -> AudioInfo:
    time_base = stream.time_base or Fraction(1, stream.codec_context.sample_rate or 48000)
    length = stream.duration * time_base if stream.duration else Fraction(container.duration or 0, 1_000_000)
    return AudioInfo(
        index=stream.index,
        codec=stream.codec_context.name,
        sample_rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.channels,
        duration=length,
        start=(stream.start_time or 0) * time_base - origin,
    )
