"""Frames are exact at any offset, and a frame that cannot be had is an error, never the end of the film."""

from __future__ import annotations

import errno
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resilver_client.errors import (
    MediaChanged,
    MediaCorrupt,
    MediaNotFound,
    MediaUnreadable,
    RangeOutsideMedia,
    ResilverError,
)
from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.spans import Span
from resilver_server.media.files import reason
from resilver_server.media.planes import components
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from support.clips import every_frame, number_of, numbered, planes_of, write_movie, write_picture
from support.shared import footage

LONG_GOP = {"g": "30", "bf": "3", "x264_params": "open-gop=1:b-pyramid=normal:scenecut=0"}
OPEN_GOP = "keyint=30:bframes=4:open-gop=1:log-level=error"
KINDS = {
    "h264-mp4": ("clip.mp4", "libx264", "yuv420p", LONG_GOP),
    "h264-mkv": ("clip.mkv", "libx264", "yuv420p", LONG_GOP),
    "h264-ts": ("clip.ts", "libx264", "yuv420p", LONG_GOP),
    "hevc-mp4": (
        "clip.mp4",
        "libx265",
        "yuv420p10le",
        {"x265_params": "keyint=30:bframes=4:open-gop=1:log-level=error"},
    ),
    "mpeg2-mpg": ("clip.mpg", "mpeg2video", "yuv420p", {"g": "15", "bf": "2"}),
    "mpeg4-avi": ("clip.avi", "mpeg4", "yuv420p", {"g": "20"}),
    "prores-mov": ("clip.mov", "prores_aw", "yuv422p10le", {"profile": "3"}),
    "ffv1-mkv": ("clip.mkv", "ffv1", "yuv422p10le", {"level": "3", "g": "1"}),
}
COUNT = 100


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for name, (file, codec, pixels, options) in KINDS.items():
        (folder / name).mkdir()
        frames = [planes_of(numbered(k), pixels) for k in range(COUNT)]
        made[name] = write_movie(folder / name / file, frames, codec, pixels, Fraction(24000, 1001), **options)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_alone_is_the_one_of_sequential_decoding(clips: dict[str, Path], kind: str) -> None:
    path = clips[kind]
    info = probe(str(path))
    whole = every_frame(path)
    assert (info.frame_count, info.rate, info.variable_rate) == (COUNT, Fraction(24000, 1001), False)
    assert len(whole) == COUNT
    with Reader(info) as reader:
        for index in [0, 99, 50, 49, 51, 30, 29, 31, 1, 60, 98, 14, 16, 75]:
            (picture,) = reader.read(Span(index, index + 1))
            assert picture.index == index
            assert number_of(picture.planes[0], picture.layout.peak) == index
            for mine, theirs in zip(picture.planes, components(whole[index]), strict=True):
                assert np.array_equal(mine, theirs)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, 12)), min_size=1, max_size=6))
def test_any_run_of_spans_gives_its_frames(clips: dict[str, Path], spans: list[tuple[int, int]]) -> None:
    for kind in ("h264-mp4", "h264-mkv", "prores-mov"):
        info = probe(str(clips[kind]))
        with Reader(info) as reader:
            for start, length in spans:
                span = Span(start, min(COUNT, start + length))
                found = [number_of(picture.planes[0], picture.layout.peak) for picture in reader.read(span)]
                assert found == list(span)


def test_a_span_that_goes_on_does_not_seek(clips: dict[str, Path]) -> None:
    with Reader(probe(str(clips["h264-mp4"]))) as reader:
        source = reader._source
        list(reader.read(Span(3, 20)))
        flow = source._flow  # type: ignore[attr-defined]
        list(reader.read(Span(20, 29)))
        assert source._flow is flow  # type: ignore[attr-defined]


def test_real_film_reads_the_same_at_any_offset() -> None:
    path = footage("film", "chaplin_1910s.mp4")
    info, whole = probe(str(path)), every_frame(path)
    assert info.frame_count == len(whole) == 241
    with Reader(info) as reader:
        for index in (240, 0, 120, 119, 37, 199):
            (picture,) = reader.read(Span(index, index + 1))
            assert np.array_equal(picture.planes[0], components(whole[index])[0])


@pytest.mark.parametrize(
    ("codec", "pixels", "suffix"),
    [
        ("png", "rgb48be", "png"),
        ("png", "rgb24", "png"),
        ("png", "gray", "png"),
        ("png", "gray16be", "png"),
        ("tiff", "rgb48le", "tif"),
        ("tiff", "gray16le", "tiff"),
        ("dpx", "gbrp10le", "dpx"),
        ("dpx", "gbrp10be", "dpx"),
        ("dpx", "gbrp12be", "dpx"),
        ("dpx", "rgb48be", "dpx"),
    ],
)
def test_sequences_keep_their_depth_to_the_code(tmp_path: Path, codec: str, pixels: str, suffix: str) -> None:
    frames = [planes_of(numbered(k), pixels) for k in range(8)]
    for k, planes in enumerate(frames):
        write_picture(tmp_path / f"scan.{k + 95:04d}.{suffix}", planes, codec, pixels)
    info = probe(str(tmp_path))
    assert (info.frame_count, info.first_number, info.kind) == (8, 95, "sequence")
    with Reader(info) as reader:
        for span in (Span(0, 8), Span(5, 7), Span(2, 3)):
            for picture in reader.read(span):
                peak = picture.layout.peak
                assert peak == (1 << info.bit_depth) - 1
                for mine, made in zip(picture.planes, frames[picture.index], strict=True):
                    assert np.array_equal(mine, made)


def test_a_still_is_one_frame(tmp_path: Path) -> None:
    write_picture(tmp_path / "photo.png", planes_of(numbered(5), "rgb24"), "png", "rgb24")
    info = probe(str(tmp_path / "photo.png"))
    assert (info.kind, info.frame_count) == ("still", 1)
    with Reader(info) as reader:
        (picture,) = reader.read(Span(0, 1))
        assert number_of(picture.planes[0], 255) == 5
        with pytest.raises(RangeOutsideMedia):
            list(reader.read(Span(0, 2)))


def read_all(path: Path, info: MediaInfo | None = None) -> list[int]:
    """The numbers of all frames as the reader gives them."""
    info = replace(info, path=str(path)) if info else probe(str(path))
    with Reader(info) as reader:
        whole = Span(0, info.frame_count)
        return [number_of(picture.planes[0], picture.layout.peak) for picture in reader.read(whole)]


@pytest.mark.parametrize("kind", ["h264-mp4", "hevc-mp4", "prores-mov", "ffv1-mkv", "h264-mkv"])
def test_damaged_bytes_are_an_error_with_file_and_frame(clips: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path = tmp_path / clips[kind].name
    data = bytearray(clips[kind].read_bytes())
    with av.open(str(clips[kind])) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    place, size = max(packets[25:55], key=lambda packet: packet[1])
    bad = slice(place + size // 3, place + size // 3 + max(16, size // 4))
    data[bad] = bytes(byte ^ 0xFF for byte in data[bad])
    path.write_bytes(data)
    with pytest.raises(MediaCorrupt) as caught:
        read_all(path)
    assert str(path) in caught.value.where
    frame = int(caught.value.where.split("frame ")[1])
    assert 20 <= frame <= 60
    assert len(read_until(path, 20)) == 20


def read_until(path: Path, stop: int) -> list[int]:
    with Reader(probe(str(path))) as reader:
        return [picture.index for picture in reader.read(Span(0, stop))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", [0.35, 0.8, 0.97])
def test_a_file_that_shrank_is_never_a_shorter_film(
    clips: dict[str, Path], tmp_path: Path, kind: str, kept: float
) -> None:
    """Whoever probed the whole file gets every frame right or an error; the cut may have lost an index only."""
    whole = clips[kind].read_bytes()
    path = tmp_path / clips[kind].name
    path.write_bytes(whole[: int(len(whole) * kept)])
    try:
        assert read_all(path, probe(str(clips[kind]))) == list(range(COUNT))
    except (MediaCorrupt, MediaNotFound, MediaUnreadable, MediaChanged):
        return
    assert kept > 0.9


@pytest.mark.parametrize("kind", ["h264-mp4", "prores-mov", "ffv1-mkv", "h264-mkv", "mpeg4-avi"])
@pytest.mark.parametrize("kept", [0.4, 0.8])
def test_probing_a_truncated_movie_names_the_frame_where_it_ends(
    clips: dict[str, Path], tmp_path: Path, kind: str, kept: float
) -> None:
    path = remuxed_with_index_first(clips[kind], tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises((MediaCorrupt, MediaUnreadable)) as caught:
        read_all(path)
    assert str(path) in caught.value.where


def remuxed_with_index_first(source: Path, folder: Path) -> Path:
    """A copy whose index lies before the pictures, so that it is still there when the end is cut off."""
    path = folder / source.name
    options = {"movflags": "faststart"} if source.suffix in (".mp4", ".mov") else {}
    with av.open(str(source)) as given, av.open(str(path), "w", options=options) as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                made.mux(packet)
    return path


def test_a_picture_of_another_size_in_the_middle_is_named(tmp_path: Path) -> None:
    for k in range(3):
        write_picture(tmp_path / f"{k}.png", planes_of(numbered(k), "rgb24"), "png", "rgb24")
    info = probe(str(tmp_path))
    write_picture(tmp_path / "1.png", planes_of(numbered(1, 64, 48), "rgb24"), "png", "rgb24")
    with Reader(info) as reader, pytest.raises(ResilverError) as caught:
        list(reader.read(Span(0, 3)))
    assert caught.value.where.endswith("1.png")


def test_a_cut_picture_file_is_named(tmp_path: Path) -> None:
    for k in range(3):
        write_picture(tmp_path / f"{k}.tif", planes_of(numbered(k), "rgb48le"), "tiff", "rgb48le")
    info = probe(str(tmp_path))
    cut = tmp_path / "2.tif"
    cut.write_bytes(cut.read_bytes()[:5000])
    with Reader(info) as reader, pytest.raises(MediaCorrupt) as caught:
        list(reader.read(Span(0, 3)))
    assert caught.value.where.endswith("2.tif")


@pytest.mark.parametrize("kind", ["h264-mp4", "prores-mov"])
def test_media_that_went_away_or_changed_since_probing(clips: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path = tmp_path / clips[kind].name
    path.write_bytes(clips[kind].read_bytes())
    info = probe(str(path))
    codec, pixels = KINDS[kind][1:3]
    write_movie(path, [planes_of(numbered(k), pixels) for k in range(20)], codec, pixels)
    with Reader(info) as reader, pytest.raises(MediaChanged):
        list(reader.read(Span(0, 30)))
    path.unlink()
    with pytest.raises(MediaNotFound):
        Reader(info)


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EAGAIN])
def test_memory_that_runs_out_is_no_damage_of_the_film(number: int) -> None:
    """A decoder that gets no thread says "try again"."""
    with pytest.raises(MemoryError):
        reason(av.error.classes[number](number, "no memory", "film.mov"))
