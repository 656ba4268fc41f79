"""What probing says of good media, and the one typed error that each piece of nonsense gives."""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from resilver_client.errors import (
    GeometryMismatch,
    MediaNotFound,
    MediaUnreadable,
    ResilverError,
    SequenceGap,
    VariableFrameRate,
)
from resilver_server.domain.formats import ColourTags, MediaKind
from resilver_server.domain.spans import Span
from resilver_server.media.files import opened
from resilver_server.media.identity import source_digests
from resilver_server.media.index import _from_table, _walk
from resilver_server.media.pictures import picture_size
from resilver_server.media.planes import components
from resilver_server.media.probe import ensure_usable, probe
from resilver_server.media.reader import Reader
from support.clips import BT709, every_frame, numbered, planes_of, write_movie, write_picture
from support.shared import footage

RATES = [
    Fraction(text) for text in ("16", "18", "24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60")
]


def frames(count: int, pixels: str = "yuv420p", width: int = 64, height: int = 48) -> list[tuple[object, ...]]:
    return [planes_of(numbered(k, width, height), pixels) for k in range(count)]


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"), [("mov", "prores_aw", "yuv422p10le"), ("mkv", "ffv1", "gbrp10le")]
)
def test_rates_are_exact_in_every_container(
    tmp_path: Path, rate: Fraction, suffix: str, codec: str, pixels: str
) -> None:
    path = write_movie(tmp_path / f"clip.{suffix}", frames(40, pixels), codec, pixels, rate)
    info = probe(str(path))
    assert (info.rate, info.variable_rate, info.frame_count) == (rate, False, 40)
    assert info.duration == 40 / rate
    assert probe(str(path), rate=Fraction(18)).rate == 18


def test_uneven_frames_are_flagged_and_refused_with_the_remedy(tmp_path: Path) -> None:
    stamps = [0, 1, 2, 4, 5, 6, 7, 10, 11, 12, 13, 14]
    path = write_movie(tmp_path / "vfr.mkv", frames(12, "yuv422p"), "ffv1", "yuv422p", Fraction(25), stamps=stamps)
    info = probe(str(path))
    assert info.variable_rate
    assert info.frame_count == 12
    with pytest.raises(VariableFrameRate) as caught:
        ensure_usable(info)
    assert "cfr" in caught.value.remedy


def test_frames_before_an_edit_list_are_not_counted(tmp_path: Path) -> None:
    """A copy that begins in the middle of a group keeps the frames before its start, hidden by an edit list."""
    whole = write_movie(tmp_path / "whole.mp4", frames(60), "libx264", "yuv420p", Fraction(25), g="30", bf="2")
    path = tmp_path / "cut.mp4"
    with av.open(str(whole)) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                shift = int(10 / 25 / packet.time_base)
                packet.pts -= shift
                packet.dts -= shift
                made.mux(packet)
    info = probe(str(path))
    with av.open(str(path)) as container:
        packets = sum(1 for packet in container.demux(video=0) if packet.size)
    with av.open(str(path)) as container:
        shown = [components(frame)[0].copy() for frame in container.decode(video=0)]
    assert packets > 50
    assert info.frame_count == len(shown) == 50
    with Reader(info) as reader:
        for index in (0, 49, 17, 25):
            (picture,) = reader.read(Span(index, index + 1))
            assert (picture.planes[0] == shown[index]).all()


@pytest.mark.parametrize("rate", ["24", "30000/1001", "60"])
def test_the_table_of_an_intra_movie_says_what_its_packets_say(tmp_path: Path, rate: str) -> None:
    path = write_movie(tmp_path / "a.mov", frames(30, "yuv422p10le"), "prores_aw", "yuv422p10le", Fraction(rate))
    with opened(path) as container:
        stream = container.streams.video[0]
        listed = _from_table(stream, path.stat().st_size)
        walked, packets = _walk(container.demux(stream), stream, path)
    assert listed is not None
    assert packets == len(listed) == 30
    assert (listed.stamps == walked.stamps).all()
    assert (listed.keys == walked.keys).all()
    assert listed.time_base == walked.time_base
    with opened(path) as container:
        assert _from_table(container.streams.video[0], path.stat().st_size - 2000) is None


def test_pictures_stored_on_their_side_are_refused(tmp_path: Path) -> None:
    upright = write_movie(tmp_path / "a.mp4", frames(5), "libx264", "yuv420p")
    path = tmp_path / "b.mp4"
    with av.open(str(upright)) as given, av.open(str(path), "w") as made:
        stream = made.add_stream_from_template(given.streams.video[0])
        stream.set_display_rotation(90)
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                made.mux(packet)
    with pytest.raises(MediaUnreadable, match="90"):
        probe(str(path))


@pytest.mark.parametrize(
    ("file", "codec", "options"),
    [
        ("a.webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "200k"}),
        ("a.webm", "libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}),
        ("a.avi", "mpeg4", {"bf": "2"}),
        ("a.mp4", "mpeg4", {"bf": "2"}),
        ("a.avi", "mjpeg", {}),
        ("a.mxf", "mpeg2video", {"bf": "2"}),
        ("a.ts", "mpeg2video", {"bf": "2"}),
        ("a.y4m", "rawvideo", {}),
        ("a.nut", "ffv1", {}),
        ("a.flv", "libx264", {"bf": "2"}),
        ("a.264", "libx264", {"bf": "2"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_containers_count_what_they_show(tmp_path: Path, file: str, codec: str, options: dict[str, str]) -> None:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_movie(tmp_path / file, frames(40, pixels, 128, 96), codec, pixels, Fraction(25), **options)
    info = probe(str(path))
    whole = [components(frame)[0] for frame in every_frame(path)]
    assert (info.frame_count, info.rate, info.variable_rate) == (len(whole), 25, False)
    with Reader(info) as reader:
        for span in (Span(0, 40), Span(39, 40), Span(17, 23)):
            for picture in reader.read(span):
                assert (picture.planes[0] == whole[picture.index]).all()


def test_facts_of_real_media() -> None:
    info = probe(str(footage("colour", "flower.mp4")))
    assert (info.rate, info.frame_count, info.format.width, info.format.height) == (
        Fraction(30000, 1001),
        150,
        960,
        540,
    )
    assert info.colour == ColourTags("smpte170m", "smpte170m", "smpte170m", False)
    assert [(sound.codec, sound.sample_rate, sound.channels) for sound in info.audio] == [("aac", 48000, 2)]
    assert probe(str(footage("colour", "carphone_pristine.mp4"))).format.pixel_aspect == Fraction(128, 117)
    bomb = probe(str(footage("film", "a_bomb_blast_effects_1950s.mp4")))
    assert (bomb.rate, bomb.frame_count, bomb.bit_depth) == (29, 360, 8)


def test_a_folder_of_real_film() -> None:
    folder = footage("film", "great_train_robbery_1903")
    info = probe(str(folder), rate=Fraction(16))
    assert (info.kind, info.frame_count, info.first_number, info.rate) == (MediaKind.SEQUENCE, 48, 1, 16)
    assert info.path == str(folder / "%05d.png")
    assert probe(info.path, rate=Fraction(16)) == info


def test_timecode_and_alpha_are_told(tmp_path: Path) -> None:
    path = tmp_path / "tc.mov"
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = "01:02:03;04"
        stream = container.add_stream("prores_ks", rate=Fraction(30000, 1001), options={"profile": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva444p10le"
        for k in range(3):
            frame = av.VideoFrame(64, 48, "yuva444p10le")
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    info = probe(str(path))
    assert info.start_timecode == "01:02:03;04"
    assert info.has_alpha
    with Reader(info) as reader:
        assert [len(picture.planes) for picture in reader.read(Span(0, 3))] == [3, 3, 3]


def pngs(folder: Path, numbers: list[int], name: str = "scan.{:04d}.png") -> None:
    for number in numbers:
        write_picture(folder / name.format(number), planes_of(numbered(number, 32, 16), "rgb24"), "png", "rgb24")


def test_gaps_name_the_missing_numbers(tmp_path: Path) -> None:
    pngs(tmp_path, [1, 2, 5, 6, 7, 9, 14])
    for path in (tmp_path, tmp_path / "scan.%04d.png"):
        with pytest.raises(SequenceGap, match=r"3-4, 8, 10-13"):
            probe(str(path))


def test_numbers_across_a_power_of_ten(tmp_path: Path) -> None:
    pngs(tmp_path, [8, 9, 10, 11], "a{}.png")
    info = probe(str(tmp_path))
    assert (info.path, info.first_number, info.frame_count) == (str(tmp_path / "a%d.png"), 8, 4)


def test_per_cent_signs_and_strangers_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "50% grey"
    folder.mkdir()
    pngs(folder, [1, 2, 3], "100% {:03d}.png")
    (folder / "notes 01.txt").write_text("no picture")
    (folder / ".hidden.0001.png").write_bytes(b"x")
    info = probe(str(folder))
    assert info.frame_count == 3
    with Reader(info) as reader:
        assert len(list(reader.read(Span(0, 3)))) == 3
    assert probe(info.path).frame_count == 3


def test_two_sequences_in_one_folder_are_named(tmp_path: Path) -> None:
    pngs(tmp_path, [1, 2])
    pngs(tmp_path, [1, 2], "other.{:04d}.png")
    with pytest.raises(MediaUnreadable, match=r"other\.#\.png, scan\.#\.png"):
        probe(str(tmp_path))
    assert probe(str(tmp_path / "other.%04d.png")).frame_count == 2


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels"),
    [
        ("png", "png", "rgb24"),
        ("tif", "tiff", "rgb48le"),
        ("dpx", "dpx", "gbrp10be"),
        ("exr", "exr", "gbrpf32le"),
        ("jpg", "mjpeg", "yuvj444p"),
    ],
)
def test_mixed_sizes_are_refused_from_the_headers(tmp_path: Path, suffix: str, codec: str, pixels: str) -> None:
    for number, size in enumerate([(64, 48), (64, 48), (80, 48)]):
        planes = planes_of(numbered(number, *size), "gbrp" if codec == "exr" else pixels)
        if codec == "exr":
            planes = tuple(plane.astype("float32") / 255 for plane in planes)
        write_picture(tmp_path / f"{number:03d}.{suffix}", planes, codec, pixels)
    assert picture_size(tmp_path / f"000.{suffix}") == (64, 48)
    with pytest.raises(GeometryMismatch) as caught:
        probe(str(tmp_path))
    assert caught.value.where.endswith(f"002.{suffix}")


def empty(folder: Path) -> Path:
    (folder / "empty.mov").touch()
    return folder / "empty.mov"


def text(folder: Path) -> Path:
    (folder / "letter.mp4").write_text("dear editor, " * 500)
    return folder / "letter.mp4"


def nothing(folder: Path) -> Path:
    return folder / "missing.mov"


def no_pictures(folder: Path) -> Path:
    (folder / "sub").mkdir()
    (folder / "sub" / "notes.txt").write_text("x")
    return folder / "sub"


def pattern_of_nothing(folder: Path) -> Path:
    return folder / "scan.%04d.png"


def header_only(folder: Path) -> Path:
    path = write_movie(folder / "whole.mp4", frames(20), "libx264", "yuv420p")
    (folder / "head.mp4").write_bytes(path.read_bytes()[:600])
    return folder / "head.mp4"


def playlist(folder: Path) -> Path:
    movie = write_movie(folder / "a.ts", frames(20), "libx264", "yuv420p")
    (folder / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{movie}\n#EXT-X-ENDLIST\n")
    return folder / "list.m3u8"


def concat_script(folder: Path) -> Path:
    movie = write_movie(folder / "a.mov", frames(5), "libx264", "yuv420p")
    (folder / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile '{movie}'\n")
    return folder / "list.ffconcat"


def sound_only(folder: Path) -> Path:
    with av.open(str(folder / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame("s16", "mono", 800)
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    return folder / "sound.wav"


def noise(folder: Path) -> Path:
    (folder / "noise.mkv").write_bytes(os.urandom(20000))
    return folder / "noise.mkv"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (empty, MediaUnreadable),
        (text, MediaUnreadable),
        (nothing, MediaNotFound),
        (no_pictures, MediaUnreadable),
        (pattern_of_nothing, MediaNotFound),
        (header_only, MediaUnreadable),
        (playlist, MediaUnreadable),
        (concat_script, MediaUnreadable),
        (sound_only, MediaUnreadable),
        (noise, MediaUnreadable),
    ],
)
def test_nonsense_gives_one_typed_error(
    tmp_path: Path, make: Callable[[Path], Path], expected: type[ResilverError]
) -> None:
    path = make(tmp_path)
    with pytest.raises(ResilverError) as caught:
        probe(str(path))
    assert type(caught.value) is expected
    assert caught.value.where == str(path)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9/a.mov", "rtsp://x/y", "file:///etc/passwd", "concat:a.ts|b.ts", "subfile,,start,0:a.mov"],
)
def test_urls_and_protocols_are_refused_by_name(url: str) -> None:
    with pytest.raises((MediaUnreadable, MediaNotFound)) as caught:
        probe(url)
    assert url.split(",")[0] in caught.value.where


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "a.mov", frames(5), "libx264", "yuv420p")
    path.chmod(0)
    with pytest.raises(MediaUnreadable, match="Permission"):
        probe(str(path))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["", "a.mov", "scan.%04d.png"])
def test_a_folder_without_permission(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0)
    try:
        with pytest.raises(MediaUnreadable, match="Permission"):
            probe(str(folder / name))
    finally:
        folder.chmod(0o700)


def test_digests_name_the_files_behind_a_span(tmp_path: Path) -> None:
    pngs(tmp_path, [4, 5, 6, 7])
    info = probe(str(tmp_path))
    before = source_digests(info, Span(0, 4))
    assert len(set(before)) == 4
    assert source_digests(info, Span(1, 3)) == before[1:3]
    pngs(tmp_path, [9], "scan.0006.png")
    after = source_digests(info, Span(0, 4))
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False, True]
    movie = write_movie(tmp_path / "a.mov", frames(5), "libx264", "yuv420p", tags=BT709)
    assert len(source_digests(probe(str(movie)), Span(1, 4))) == 1
