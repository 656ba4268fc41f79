"""FFmpeg reads the one file that it is handed: nothing that a file names is opened, no address is called."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import av
import pytest
from av.error import FFmpegError

from resilver_client.errors import MediaCorrupt, MediaNotFound, MediaUnreadable
from resilver_server.domain.spans import Span
from resilver_server.media.files import CONTAINERS, opened
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from support.canary import listening, watched
from support.clips import moving, planes_of, write_movie

CANARY = "canary.mkv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = [planes_of(moving(k), "yuv420p") for k in range(3)]
    write_movie(tmp_path / CANARY, frames, "ffv1", "yuv420p")
    (tmp_path / "asked").mkdir()
    return tmp_path


def scripts(canary: Path, port: int) -> dict[str, bytes]:
    """Files that lead FFmpeg elsewhere, by name."""
    url = f"http://127.0.0.1:{port}/x.ts"
    name, address = str(canary).encode(), url.encode()
    m3u8 = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n%s\n#EXT-X-ENDLIST\n"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="%s" width="9" height="9"/></svg>'
    mpd = (
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        b'<Representation id="1" bandwidth="1"><BaseURL>%s</BaseURL></Representation></AdaptationSet></Period></MPD>'
    )
    sdp = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video %d RTP/AVP 96\n"
    return {
        "list.m3u8": m3u8 % name,
        "far.m3u8": m3u8 % address,
        "hidden.mov": m3u8 % address,
        "hidden.avi": m3u8 % (b"concat:" + name),
        "part.avi": m3u8 % (b"subfile,,start,0,end,0,,:" + name),
        "script.ffconcat": b"ffconcat version 1.0\nfile '%s'\n" % name,
        "script.mkv": b"ffconcat version 1.0\nfile '%s'\n" % name,
        "cast.sdp": sdp % port,
        "dash.mpd": mpd % address,
        "dash.mp4": mpd % name,
        "picture.svg": svg % name,
        "picture.png": svg % address,
        "ref.mov": b"RTSPtext" + b"rtsp://127.0.0.1:%d/x" % port,
        "ref.asf": b"[Reference]\nRef1=%s\n" % address,
        "ref.wmv": b"ASF 127.0.0.1:%d\n" % port,
        "play.cue": b'FILE "%s" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n' % name,
        "image.txt": name,
    }


def test_no_script_leads_elsewhere(folder: Path) -> None:
    with watched(folder) as touched, listening() as (port, calls):
        for name, content in scripts(folder / CANARY, port).items():
            (folder / "asked" / name).write_bytes(content)
            with pytest.raises(MediaUnreadable):
                probe(str(folder / "asked" / name))
    assert CANARY not in touched
    assert not calls


@pytest.mark.parametrize(
    "form",
    ["concat:{}", "subfile,,start,0,end,9,,:{}", "file:{}", "http://127.0.0.1:{port}/x", "tcp://127.0.0.1:{port}",
     "data:text/plain,{}", "crypto:{}", "cache:{}", "async:{}", "pipe:0", "tee:{}", "fd:", "{}|{}", "ffconcat:{}"],
)  # fmt: skip
def test_no_protocol_is_spoken(folder: Path, form: str) -> None:
    canary = str(folder / CANARY)
    with watched(folder) as touched, listening() as (port, calls), pytest.raises((MediaNotFound, MediaUnreadable)):
        probe(form.format(canary, canary, port=port))
    assert CANARY not in touched
    assert not calls


def test_a_movie_that_refers_to_another_file_does_not_open_it(folder: Path) -> None:
    """QuickTime's reference movies: a ``dref`` that is an alias instead of "in this file"."""
    frames = [planes_of(moving(k), "yuv422p10le") for k in range(3)]
    plain = write_movie(folder / "asked" / "plain.mov", frames, "prores_ks", "yuv422p10le").read_bytes()
    assert probe(str(folder / "asked" / "plain.mov")).frame_count == 3
    path = folder / "asked" / "reference.mov"
    for levels in ((0, 0), (1, 1), (2, 1), (2, 2)):
        path.write_bytes(referring(plain, str(folder / CANARY), levels))
        with watched(folder) as touched, pytest.raises((MediaUnreadable, MediaCorrupt)):
            list(Reader(probe(str(path))).read(Span(0, 3)))
        assert CANARY not in touched
    with watched(folder) as touched, suppress(FFmpegError):  # what FFmpeg does where it is let: the test has teeth
        path.write_bytes(referring(plain, str(folder / CANARY)))
        options = {"enable_drefs": "1", "use_absolute_path": "1"}
        with av.open(str(path), options=options) as container:
            list(container.decode(video=0))
    assert CANARY in touched


def test_nothing_in_the_list_of_containers_opens_files() -> None:
    known = {
        "hls",
        "applehttp",
        "concat",
        "dash",
        "sdp",
        "rtsp",
        "rtp",
        "image2",
        "imf",
        "mpl2",
        "tty",
        "lavfi",
        "webvtt",
    }
    assert known.isdisjoint(CONTAINERS.split(","))


def test_ffmpeg_itself_may_open_no_file(folder: Path) -> None:
    """Even the file's own name is not opened by FFmpeg, only by us."""
    with watched(folder) as touched, opened(folder / CANARY) as container:
        assert len(list(container.decode(video=0))) == 3
    assert touched.count(CANARY) >= 1


def referring(movie: bytes, target: str, levels: tuple[int, int] = (0, 0)) -> bytes:
    """The movie with the data reference of its first track turned into an alias of ``target``: absolute, or by levels
    of folders up from the movie and down again."""
    at = movie.index(b"dref") - 4
    old = struct.unpack_from(">I", movie, at)[0]
    path, name = target.encode(), Path(target).name.encode()
    record = struct.pack(">IHH", 0, 0, 2) + struct.pack(">H", 0) + bytes((len(b"volume"),)) + b"volume".ljust(27, b"\0")
    record += bytes(4 + 2 + 2 + 4) + bytes((len(name[:63]),)) + name[:63].ljust(63, b"\0") + bytes(16)
    record += struct.pack(">hh", *levels) + bytes(16)
    record += struct.pack(">hH", 2, len(path)) + path + bytes(len(path) % 2)
    record += struct.pack(">hH", 18, len(path)) + path + bytes(len(path) % 2) + struct.pack(">hH", -1, 0)
    entry = struct.pack(">I", 8 + 4 + len(record)) + b"alis" + bytes(4) + record
    dref = struct.pack(">I", 16 + len(entry)) + b"dref" + struct.pack(">II", 0, 1) + entry
    longer = len(dref) - old
    patched = bytearray(movie[:at] + dref + movie[at + old :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        place = patched.rindex(parent, 0, at + 8) - 4
        struct.pack_into(">I", patched, place, struct.unpack_from(">I", patched, place)[0] + longer)
    return bytes(patched)
