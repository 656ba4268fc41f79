"""Whatever reads bytes that somebody else wrote, each as a function of bytes.

A target returns where it accepts its input, and raises ResilverError where it refuses it. Anything else is a finding.
Heavy libraries are imported by the targets that need them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from resilver_client.errors import InvalidRequest, ResilverError

Target = Callable[[bytes, Path], None]
"""Takes an input and a folder of its own."""
_FRAMES = 3
"""Frames of media that are decoded."""


def parted(data: bytes) -> tuple[bytes, bytes]:
    """Two files out of one input."""
    size = struct.unpack("<I", data[:4].ljust(4, b"\0"))[0] % (len(data) + 1)
    return data[4 : 4 + size], data[4 + size :]


def timeline(suffix: str) -> Target:
    def run(data: bytes, folder: Path) -> None:
        from resilver_otio.collect import collect
        from resilver_otio.locate import locate
        from resilver_otio.read import read_timeline

        path = folder / f"edit.{suffix}"
        path.write_bytes(data)
        for clip in collect(read_timeline(path, media_folder=folder / "media").json).clips:
            with suppress(ResilverError):
                locate(clip, Fraction(24), 100, Fraction(3600))

    return run


def message(data: bytes, folder: Path) -> None:
    from google.protobuf.message import DecodeError

    from resilver.v1 import jobs_pb2
    from resilver_server.api.reading import read_request
    from resilver_server.domain.digests import digest_of
    from resilver_server.stages.catalogue import in_order, stage_spec

    try:
        found = jobs_pb2.JobRequest.FromString(data)
    except DecodeError as error:  # gRPC refuses it before we are asked
        raise InvalidRequest("no message") from error
    request = read_request(found)
    digest_of(request)
    for stage in in_order(request.recipe.stages):
        stage_spec(stage.stage).parse(stage.parameters)


def line(data: bytes, folder: Path) -> None:
    from resilver_server.execution.wire import decode, encode

    encode(decode(data))


def stored(data: bytes, folder: Path) -> None:
    from resilver_server.domain.serial import canonical, loads
    from resilver_server.planning.plans import ShotPlan
    from resilver_server.planning.tasks import PlanResult, SolveResult
    from resilver_server.scheduling.requests import JobRequest

    text = data.decode("utf-8", "replace")
    for kind in (ShotPlan, SolveResult, PlanResult):
        with suppress(InvalidRequest):
            loads(kind, text)
    canonical(loads(JobRequest, text))


def manifest(data: bytes, folder: Path) -> None:
    from resilver_client.references import read_manifest

    read_manifest(data)


def names(data: bytes, folder: Path) -> None:
    from resilver_client import references
    from resilver_client.frames import parse_frames
    from resilver_client.pinning import split_pin
    from resilver_otio.paths import media_path, split_pattern
    from resilver_server.api.addresses import parse_listen
    from resilver_server.config import ServerSettings
    from resilver_server.media.probe import probe
    from resilver_server.scheduling.names import safe_stem, stems
    from resilver_server.stages.keys import key_files
    from resilver_server.stages.mattes import matte_files

    text = data.decode("utf-8", "replace")
    allowed = ServerSettings(home=folder, roots=(folder,)).allow
    assert safe_stem(safe_stem(text)) == safe_stem(text)
    stems("", [text, text.upper()])
    split_pattern(text)
    readers: tuple[Callable[[], object], ...] = (
        lambda: parse_frames(text), lambda: split_pin(text), lambda: parse_listen(text, None),
        lambda: references.parse(text), lambda: media_path(text),
        *(lambda read=read: read(str(allowed(f"{folder}/{text}"))) for read in (probe, key_files, matte_files)),  # type: ignore[misc]
    )  # fmt: skip
    refused: ResilverError | None = None
    for read in readers:
        try:
            read()
        except ResilverError as error:
            refused = error
    if refused is not None:
        raise refused


def summed(png: bytes) -> bytes:
    """The PNG with the checksums of its chunks put right: decoders look no further where one is wrong."""
    data, at = bytearray(png), 8
    while at + 12 <= len(data):
        end = at + 8 + struct.unpack_from(">I", data, at)[0]
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(data)


def media(name: str) -> Target:
    def run(data: bytes, folder: Path) -> None:
        from resilver_server.domain.spans import Span
        from resilver_server.media.pictures import picture_size
        from resilver_server.media.probe import ensure_usable, probe
        from resilver_server.media.reader import Reader

        path = folder / name
        path.write_bytes(summed(data) if name.endswith(".png") else data)
        info = probe(str(path))
        if not name.endswith((".mov", ".mp4", ".mkv", ".avi", ".mpg", ".mxf", ".nut")):
            picture_size(path)
        ensure_usable(info)
        with Reader(info) as reader:
            for _ in reader.read(Span(0, min(_FRAMES, info.frame_count))):
                pass

    return run


def sound(data: bytes, folder: Path) -> None:
    import av

    from resilver_server.media.audio import AudioPlan, AudioTracks

    path = folder / "a.wav"
    path.write_bytes(data)
    with av.open(str(folder / "out.mov"), "w") as out:
        tracks = AudioTracks(out, AudioPlan(str(path), Fraction(0), Fraction(1, 10)), "pcm_s24le")
        tracks.write_until(Fraction(1))
        tracks.finish()


def ncnn(data: bytes, folder: Path) -> None:
    from resilver_server.models.converters.ncnn import read_ncnn

    param, weights = parted(data)
    (folder / "a.param").write_bytes(param)
    (folder / "a.bin").write_bytes(weights)
    read_ncnn(folder / "a.bin", folder / "a.param")


def weights(name: str) -> Target:
    def run(data: bytes, folder: Path) -> None:
        from resilver_server.models.converters.checkpoint import read_checkpoint
        from resilver_server.models.converters.convert import serialised
        from resilver_server.models.converters.recognise import recognise

        path = folder / name
        path.write_bytes(data)
        found = recognise(read_checkpoint(path), str(path))
        serialised(found.parameters, found.state, str(path))

    return run


TARGETS: dict[str, Target] = {
    **{f"timeline {suffix}": timeline(suffix) for suffix in ("otio", "edl", "xml", "fcpxml", "aaf", "otioz")},
    "message JobRequest": message,
    "worker line": line,
    "stored JSON": stored,
    "manifest": manifest,
    "names": names,
    **{
        f"movie {name}": media(name)
        for name in ("prores.mov", "h264.mp4", "ffv1.mkv", "mjpeg.avi", "mpeg2.mpg", "mpeg2.mxf", "raw.nut")
    },
    "sound wav": sound,
    **{f"picture {suffix}": media(f"a.{suffix}") for suffix in ("png", "tif", "dpx", "exr", "jpg")},
    "model ncnn": ncnn,
    "model safetensors": weights("a.safetensors"),
    "model pth": weights("a.pth"),
}
