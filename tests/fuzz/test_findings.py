"""What fuzzing found, each made small: it stays mended."""

from __future__ import annotations

import asyncio
import json
import struct
import tracemalloc
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import safetensors.torch
import torch

from fuzz.seeds import PARAM, edit, movies, pictures, sound
from fuzz.targets import TARGETS
from resilver.v1 import jobs_pb2
from resilver_client.errors import (
    ClipUnsupported,
    InvalidRequest,
    MediaUnreadable,
    ModelUnreadable,
    PathNotAllowed,
    TimelineUnreadable,
    WorkerLost,
)
from resilver_otio.collect import collect
from resilver_otio.parse import parse_timeline
from resilver_otio.paths import media_path
from resilver_otio.read import read_timeline
from resilver_otio.write import write_timeline
from resilver_server.api.reading import read_request
from resilver_server.config import ServerSettings
from resilver_server.media.audio import AudioPlan, AudioTracks
from resilver_server.media.probe import probe
from resilver_server.models.converters.checkpoint import read_checkpoint
from resilver_server.models.converters.ncnn import read_ncnn
from resilver_server.models.converters.recognise import recognise
from resilver_server.planning.tasks import ProbeTask
from resilver_server.scheduling.outline import Planner


def test_a_host_that_is_none() -> None:
    with pytest.raises(ClipUnsupported):
        media_path("file://[")


CLIP = (
    '{"OTIO_SCHEMA": "Clip.2", "metadata": {}, "name": "c", "source_range": null, "effects": [], "markers": [],'
    ' "enabled": true, "media_references": {}, "active_media_reference_key": "DEFAULT_MEDIA"}'
)


def test_a_key_that_is_there_twice() -> None:
    """OpenTimelineIO's parser ended the process by a signal."""
    for text in (
        '{"OTIO_SCHEMA": "Timeline.1", "a": 1, "a": %s}',
        '{"OTIO_SCHEMA": "Clip.2", "m": {"a": 1, "a": [%s]}}',
    ):
        with pytest.raises(TimelineUnreadable, match="twice"):
            parse_timeline(text % CLIP)


def test_a_clip_without_the_reference_that_it_names() -> None:
    collected = collect(CLIP)
    assert [refusal.reason for refusal in collected.refusals] == ["CLIP_OFFLINE"]


def test_a_strength_that_is_no_number() -> None:
    for value in (float("nan"), float("inf")):
        job = jobs_pb2.JobRequest(request_id="1")
        job.recipe.stages.add(stage="upscale", strength=value)
        with pytest.raises(InvalidRequest, match="strength"):
            read_request(job)


def test_an_archive_whose_member_is_no_stream(tmp_path: Path) -> None:
    path = tmp_path / "edit.otioz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.otio", json.dumps({"a": list(range(200))}))
    data = bytearray(path.read_bytes())
    data[60:70] = b"\xff" * 10
    path.write_bytes(data)
    with pytest.raises(TimelineUnreadable):
        read_timeline(path)


def test_an_archive_with_a_member_without_a_name(tmp_path: Path) -> None:
    path = tmp_path / "edit.otioz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.otio", "{}")
    path.write_bytes(path.read_bytes().replace(b"content.otio", b"\0ontent.otio"))
    with pytest.raises(TimelineUnreadable):
        read_timeline(path)


def test_an_encoding_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "edit.fcpxml"
    write_timeline(str(edit(tmp_path).to_json_string()), path)
    path.write_bytes(b'<?xml version="1.0" encoding="UTnullF-8"?>' + path.read_bytes().partition(b"?>")[2])
    with pytest.raises(TimelineUnreadable):
        read_timeline(path)


def aaf(folder: Path) -> bytearray:
    path = folder / "edit.aaf"
    write_timeline(str(edit(folder).to_json_string()), path)
    return bytearray(path.read_bytes())


def test_tables_of_an_aaf_that_are_larger_than_it(tmp_path: Path) -> None:
    """It took 40 seconds and a gigabyte."""
    data, path = aaf(tmp_path), tmp_path / "claims.aaf"
    struct.pack_into("<II", data, 68, 1, 0x3938)  # where the table of tables goes on, and for how long
    path.write_bytes(data)
    with pytest.raises(TimelineUnreadable, match="more sectors"):
        read_timeline(path)


def test_sectors_of_an_aaf_that_lead_in_a_circle(tmp_path: Path) -> None:
    data, path = aaf(tmp_path), tmp_path / "circle.aaf"
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    (table,) = struct.unpack_from("<I", data, 76)
    (directory,) = struct.unpack_from("<I", data, 48)
    struct.pack_into("<I", data, (table + 1) * sector + 4 * directory, directory)
    path.write_bytes(data)
    with pytest.raises(TimelineUnreadable, match="circle"):
        read_timeline(path)


@pytest.mark.parametrize("name", ["/" + "n" * 256, "/a/" + "\u00e9" * 128, "/\ud800/film.mov"])
def test_names_that_no_file_has(tmp_path: Path, name: str) -> None:
    with pytest.raises(PathNotAllowed):
        ServerSettings(home=tmp_path).allow(name)


def test_a_duration_that_is_none(tmp_path: Path) -> None:
    (movie,) = movies(tmp_path)["movie ffv1.mkv"]
    path = tmp_path / "spoilt.mkv"
    path.write_bytes(movie.replace(b"00:00:00.160000000", b"//:00:00.160000000"))
    assert probe(str(path)).frame_count == 4


def test_letters_that_are_no_utf8(tmp_path: Path) -> None:
    """Scanners write Latin-1 into DPX."""
    (picture,) = pictures(tmp_path)["picture dpx"]
    path = tmp_path / "latin.dpx"
    path.write_bytes(picture[:160] + b"Kr\xe4mer\0\0\0\0" + picture[170:])
    assert probe(str(path)).format.width == 32


def test_sound_without_channels(tmp_path: Path) -> None:
    data = bytearray(sound(tmp_path / "a.wav"))
    struct.pack_into("<H", data, 22, 0)
    (tmp_path / "a.wav").write_bytes(data)
    with av.open(str(tmp_path / "out.mov"), "w") as out, pytest.raises(MediaUnreadable):
        AudioTracks(out, AudioPlan(str(tmp_path / "a.wav"), Fraction(0), Fraction(1)), "pcm_s24le")


def test_an_hour_of_silence_is_not_held(tmp_path: Path) -> None:
    """A stamp far ahead in a small file would fill memory with nothing."""
    path = tmp_path / "late.mka"
    with av.open(str(path), "w", format="matroska") as file:
        stream = file.add_stream("pcm_s16le", rate=48000)
        for pts in (0, 30 * 24 * 3600 * 48000):
            frame = av.AudioFrame.from_ndarray(np.full((1, 2048), 1000, np.int16), format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = 48000, pts, Fraction(1, 48000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    tracemalloc.start()
    with av.open(str(tmp_path / "out.mov"), "w") as out:
        tracks = AudioTracks(out, AudioPlan(str(path), Fraction(0), Fraction(2)), "pcm_s24le")
        tracks.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20
    with av.open(str(tmp_path / "out.mov")) as found:
        samples = np.concatenate([block.to_ndarray() for block in found.decode(audio=0)], axis=1)
    assert samples.size == 2 * 2 * 48000


def test_an_ncnn_layer_without_numbers(tmp_path: Path) -> None:
    for broken in (
        PARAM.replace(" 0=1 1=3", " 1=3"),
        PARAM.replace("0=1 1=3", "0=inf 1=3"),
        PARAM.replace("6=27", "6=nan"),
    ):
        (tmp_path / "a.param").write_text(broken)
        (tmp_path / "a.bin").write_bytes(bytes(200))
        with pytest.raises(ModelUnreadable):
            read_ncnn(tmp_path / "a.bin", tmp_path / "a.param")


def test_a_checkpoint_whose_storage_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save({"w": torch.zeros(4)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    for spoilt in (data[:-8], data[:200], data.replace(b"FloatStorage", b"HalfXStorage")):
        path.write_bytes(spoilt)
        with pytest.raises(ModelUnreadable):
            read_checkpoint(path)


def test_a_name_that_asks_for_a_billion_blocks(tmp_path: Path) -> None:
    tensors = {"conv_first.weight": torch.zeros(8, 3, 3, 3), "body.0.rdb1.conv1.weight": torch.zeros(4, 8, 3, 3),
               "body.999999999.rdb1.conv1.weight": torch.zeros(4, 8, 3, 3)}  # fmt: skip
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors.torch.save(tensors))
    with pytest.raises(ModelUnreadable, match="counts further"):
        recognise(read_checkpoint(path), str(path))


def test_cases_that_were_kept(tmp_path: Path) -> None:
    """Inputs as they were found, by target: ``cases/TARGET/NAME``."""
    from fuzz.child import attempt

    cases = sorted((Path(__file__).parent / "cases").glob("*/*"))
    for case in cases:
        target = next(name for name in TARGETS if name.replace(" ", "-") == case.parent.name)
        assert attempt(target, case.read_bytes())["outcome"] in ("accepted", "rejected"), case


def test_a_codec_of_sound_that_nobody_knows(tmp_path: Path) -> None:
    """The pictures are there all the same."""
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as file:
        video, audio = file.add_stream("ffv1", rate=24), file.add_stream("pcm_s16le", rate=48000)
        video.width, video.height, video.pix_fmt = 32, 24, "yuv420p"
        block = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.int16), format="s16", layout="stereo")
        block.sample_rate = 48000
        for packet in (*video.encode(av.VideoFrame(32, 24, "yuv420p")), *video.encode(None), *audio.encode(block)):
            file.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"A_PCM/INT/LIT", b"A_XYZ/UNKNOWN"))
    assert probe(str(path)).audio == ()
    with av.open(str(tmp_path / "out.mov"), "w") as out, pytest.raises(MediaUnreadable, match="no sound"):
        AudioTracks(out, AudioPlan(str(path), Fraction(0), Fraction(1)), "pcm_s24le")


def test_a_file_over_which_a_worker_ends_is_named(tmp_path: Path) -> None:
    """A crash inside FFmpeg takes a worker along, never the server; who asked hears which file it was."""

    class Ending:
        async def run(self, task: object, *_: object) -> object:
            raise WorkerLost("a worker process ended (signal SIGSEGV)")

    planner = Planner(ServerSettings(home=tmp_path), Ending())  # type: ignore[arg-type]
    with pytest.raises(WorkerLost, match=r"SIGSEGV.*film\.mov"):
        asyncio.run(planner._probed(ProbeTask("/media/film.mov"), {}))
