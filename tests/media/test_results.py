"""Segments and joined results: same frames whole or in parts, tags, sound, timecode, and never a file replaced."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from resilver_client.errors import FrameCountMismatch, GeometryMismatch, OutputExists, OutputUnwritable, UnknownProfile
from resilver_server.domain.formats import ColourTags, FrameFormat, MediaInfo
from resilver_server.domain.spans import Span
from resilver_server.media.audio import AudioPlan
from resilver_server.media.colour import to_rgb
from resilver_server.media.join import Joined, join, result_path, sidecar_path
from resilver_server.media.planes import components
from resilver_server.media.probe import probe
from resilver_server.media.profiles import PROFILES, profile, warnings
from resilver_server.media.reader import Reader
from resilver_server.media.tagging import delivery_tags, fitting
from resilver_server.media.writer import SegmentInfo, SegmentWriter
from support.clips import BT709, Plane, every_frame, moving, numbered, planes_of, write_movie
from support.shared import footage

NAMES = [entry.name for entry in PROFILES]
MOVIES = [entry.name for entry in PROFILES if not entry.is_sequence]
FORMAT = FrameFormat(256, 128)
CPU = torch.device("cpu")


def frame(k: int, form: FrameFormat = FORMAT) -> torch.Tensor:
    """A numbered picture in soft colours."""
    grey = torch.from_numpy(numbered(k, form.width, form.height)).float()
    tint = torch.from_numpy(moving(k, form.width, form.height)).float() * 0.1
    return torch.stack([grey * 0.9 + tint, grey * 0.95, grey - tint * 0.5])


def write(path: Path, name: str, span: Span, rate: Fraction = Fraction(60), form: FrameFormat = FORMAT) -> SegmentInfo:
    chosen = profile(name)
    tags = delivery_tags(BT709, form, chosen.pixel_format)
    with SegmentWriter(str(path), chosen, form, rate, tags, span.start) as writer:
        for k in span:
            writer.write(frame(k, form))
        return writer.close()


def finish(
    folder: Path,
    name: str,
    spans: Sequence[Span],
    rate: Fraction = Fraction(60),
    form: FrameFormat = FORMAT,
    stem: str = "out",
    audio: AudioPlan | None = None,
    timecode: str | None = None,
) -> Joined:
    """Frames rendered in parts and joined."""
    chosen = profile(name)
    segments = []
    for span in spans:
        path = folder / f"{stem}-{span.start}.part"
        write(path, name, span, rate, form)
        segments.append(str(path))
    tags = delivery_tags(BT709, form, chosen.pixel_format)
    output = result_path(str(folder / stem), chosen)
    count = spans[-1].stop - spans[0].start
    return join(segments, output, chosen, form, rate, tags, count, audio, timecode, "by a test", '{"a": 1}')


def decoded(path: str, rate: Fraction = Fraction(60)) -> list[tuple[Plane, ...]]:
    info = probe(path, rate)
    with Reader(info) as reader:
        return [tuple(plane.copy() for plane in picture.planes) for picture in reader.read(Span(0, info.frame_count))]


@pytest.mark.parametrize("name", [name for name in NAMES if profile(name).intra])
def test_joined_parts_equal_the_whole_on_decoded_pixels(tmp_path: Path, name: str) -> None:
    parts = finish(tmp_path, name, [Span(0, 1), Span(1, 6), Span(6, 9)], stem="parts")
    whole = finish(tmp_path, name, [Span(0, 9)], stem="whole")
    for mine, theirs in zip(decoded(parts.path), decoded(whole.path), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
    assert parts.digest == whole.digest


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_gives_back_its_frames_in_order(tmp_path: Path, name: str) -> None:
    made = finish(tmp_path, name, [Span(0, 5), Span(5, 12)])
    assert (made.frames, made.duration) == (12, Fraction(12, 60))
    info = probe(made.path, Fraction(60))
    assert (info.frame_count, info.rate, info.variable_rate) == (12, 60, False)
    lossless = name in ("ffv1", "png", "tiff")
    with Reader(info) as reader:
        for picture in reader.read(Span(0, 12)):
            rgb = to_rgb(picture, CPU, torch.float32)
            error = (rgb - frame(picture.index)).abs()
            assert float(error.max()) < 1e-4 if lossless else float(error.mean()) < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_equal_frames_give_equal_bytes(tmp_path: Path, name: str) -> None:
    first = finish(tmp_path, name, [Span(0, 3), Span(3, 6)], stem="a")
    second = finish(tmp_path, name, [Span(0, 3), Span(3, 6)], stem="b")
    assert first.digest == second.digest
    again = [write(tmp_path / part, name, Span(0, 3)).digest for part in ("x.part", "y.part")]
    assert again[0] == again[1] != write(tmp_path / "z.part", name, Span(1, 4)).digest


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("tiff", "exr")])
@pytest.mark.parametrize(
    "tags",
    [
        BT709,
        ColourTags("smpte170m", "smpte170m", "smpte170m"),
        ColourTags("bt470bg", "smpte170m", "bt470bg"),
        ColourTags("bt2020", "bt2020-10", "bt2020nc"),
    ],
    ids=["709", "525", "625", "2020"],
)
def test_tags_and_pixel_aspect_survive(tmp_path: Path, name: str, tags: ColourTags) -> None:
    """On the container and on every frame, and the colours they stand for."""
    chosen = profile(name)
    form = replace(FORMAT, pixel_aspect=Fraction(1) if chosen.is_sequence else Fraction(16, 15))
    told = delivery_tags(tags, form, chosen.pixel_format)
    assert (told.primaries, told.transfer) == (tags.primaries, tags.transfer)
    with SegmentWriter(str(tmp_path / "part"), chosen, form, Fraction(25), told, 0) as writer:
        for k in range(2):
            writer.write(frame(k, form))
        writer.close()
    output = result_path(str(tmp_path / "out"), chosen)
    made = join([str(tmp_path / "part")], output, chosen, form, Fraction(25), told, 2, None, None, "", "{}")
    info = probe(made.path, Fraction(25))
    assert info.colour == fitting(told, chosen.pixel_format, chosen.codec)
    assert info.format == form
    if not chosen.is_rgb:
        assert info.colour.matrix == ("bt709" if name.startswith("dnxhr") else tags.matrix)
        for shown in every_frame(Path(made.path)) if not name.startswith("dnxhr") else ():
            assert shown.color_primaries == {"bt709": 1, "smpte170m": 6, "bt470bg": 5, "bt2020": 9}[tags.primaries]
    with Reader(info) as reader:
        (picture,) = reader.read(Span(1, 2))
    error = (to_rgb(picture, CPU, torch.float32) - frame(1, form)).abs().mean()
    assert float(error) < 0.02


@pytest.mark.parametrize("rate", ["16", "24000/1001", "25", "30000/1001", "48", "50", "60000/1001", "60", "37/3"])
@pytest.mark.parametrize("name", ["prores-422hq", "h264", "ffv1"])
def test_stamps_are_even(tmp_path: Path, name: str, rate: str) -> None:
    exact = Fraction(rate)
    made = finish(tmp_path, name, [Span(0, 7), Span(7, 20), Span(20, 31)], exact, FrameFormat(64, 48))
    with av.open(made.path) as container:
        stream = container.streams.video[0]
        times = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.size]
        assert stream.average_rate == exact or name == "ffv1"
    tick = Fraction(1, 1000) if name == "ffv1" else Fraction(0)
    assert len(times) == 31
    assert all(abs(time - k / exact) <= tick for k, time in enumerate(times))


@pytest.mark.parametrize("name", ["prores-422hq", "prores-4444", "dnxhr-hqx", "hevc10", "ffv1", "png", "tiff"])
def test_ten_bits_in_are_ten_bits_out(tmp_path: Path, name: str) -> None:
    """A ramp of 256 neighbouring 10-bit codes keeps more than 8 bits can hold, and its slope."""
    chosen = profile(name)
    form = FrameFormat(1024, 128)
    ramp = torch.linspace(300 / 1023, 556 / 1023, 1024).expand(3, 128, 1024).contiguous()
    tags = delivery_tags(BT709, form, chosen.pixel_format)
    with SegmentWriter(str(tmp_path / "part"), chosen, form, Fraction(24), tags, 0) as writer:
        writer.write(ramp)
        writer.close()
    output = result_path(str(tmp_path / "out"), chosen)
    made = join([str(tmp_path / "part")], output, chosen, form, Fraction(24), tags, 1, None, None, "", "{}")
    info = probe(made.path)
    assert info.bit_depth >= 10
    with Reader(info) as reader:
        (picture,) = reader.read(Span(0, 1))
    found = to_rgb(picture, CPU, torch.float32)[1].mean(0)
    assert float((found - ramp[1, 0]).abs().max()) < 2 / 1023
    assert len(np.unique((to_rgb(picture, CPU, torch.float32)[1, 64] * 1023).round().numpy())) > 128


def clicks(folder: Path, seconds: int = 4, rate: int = 48000) -> Path:
    """A movie at 25 frames a second with sound whose every sample says where it is."""
    path = folder / "source.mov"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(25))
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s24le", rate=rate, layout="stereo")
        for k in range(seconds * 25):
            shown = av.VideoFrame.from_ndarray(np.full((72, 64), k, np.uint8), format="yuv420p")
            shown.pts, shown.time_base = k, Fraction(1, 25)
            container.mux(video.encode(shown))
        count = (seconds - 1) * rate
        samples = np.stack([np.arange(count), -np.arange(count)]) << 8 + 5
        heard = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T.reshape(1, -1).astype(np.int32)), format="s32", layout="stereo"
        )
        heard.sample_rate, heard.pts = rate, 0
        container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
        container.mux(video.encode(None))
    return path


def heard(path: str) -> np.ndarray:
    """Samples (channels, n) as the integers that ``clicks`` wrote."""
    with av.open(path) as container:
        blocks = [block.to_ndarray() for block in container.decode(audio=0)]
        channels = container.streams.audio[0].codec_context.channels
    packed = np.concatenate([block.reshape(-1, channels) for block in blocks])
    return (packed.T >> 8 + 5).astype(np.int64)


@pytest.mark.parametrize("name", ["prores-422hq", "ffv1"])
def test_sound_is_carried_by_time_to_the_sample(tmp_path: Path, name: str) -> None:
    """From frame 30 of 25 a second: sample 57600 is the first, and there are exactly as many as the pictures last."""
    audio = AudioPlan(str(clicks(tmp_path)), Fraction(30, 25), Fraction(48, 60))
    made = finish(tmp_path, name, [Span(0, 20), Span(20, 48)], audio=audio)
    samples = heard(made.path)
    assert samples.shape == (2, 38400)
    assert np.array_equal(samples[0], np.arange(57600, 57600 + 38400))
    assert np.abs(samples[1] + samples[0]).max() <= 1


def test_silence_where_the_source_has_no_sound(tmp_path: Path) -> None:
    """Three seconds of sound under four of picture: asked for 2.5 to 3.5, and from before the start."""
    source = str(clicks(tmp_path))
    late = finish(tmp_path, "prores-422hq", [Span(0, 60)], audio=AudioPlan(source, Fraction(5, 2), Fraction(1)))
    samples = heard(late.path)
    assert samples.shape == (2, 48000)
    assert np.array_equal(samples[0, :24000], np.arange(120000, 144000))
    assert not samples[:, 24000:].any()
    plan = AudioPlan(source, Fraction(-1, 2), Fraction(1))
    early = heard(finish(tmp_path, "prores-422hq", [Span(0, 60)], stem="early", audio=plan).path)
    assert not early[:, :24000].any()
    assert np.array_equal(early[0, 24000:], np.arange(24000))


def test_real_sound_keeps_its_place_in_every_movie_profile(tmp_path: Path) -> None:
    source = footage("film", "chaplin_1910s.mp4")
    for name in ("h264", "prores-422hq"):
        plan = AudioPlan(str(source), Fraction(2), Fraction(1))
        made = finish(tmp_path, name, [Span(0, 60)], stem=name, audio=plan)
        info = probe(made.path)
        assert [sound.sample_rate for sound in info.audio] == [44100]
        assert abs(info.audio[0].duration - 1) < Fraction(1, 40)
        assert abs(info.audio[0].start) < Fraction(1, 40)
        assert info.duration == 1


def test_sound_at_a_rate_that_aac_lacks_is_converted(tmp_path: Path) -> None:
    source = clicks(tmp_path, rate=192000)
    made = finish(tmp_path, "h264", [Span(0, 60)], audio=AudioPlan(str(source), Fraction(1), Fraction(1)))
    (sound,) = probe(made.path).audio
    assert sound.sample_rate == 48000
    assert abs(sound.duration - 1) < Fraction(1, 40)


def test_sound_of_a_file_without_pictures(tmp_path: Path) -> None:
    """A track laid under the result: time counts from its own beginning; three channels stay three."""
    path = tmp_path / "track.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s24le", rate=48000, layout="2.1")
        count = 48000
        samples = np.repeat(np.arange(count)[:, None], 3, axis=1).astype(np.int32) << 8 + 5
        block = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s32", layout="2.1")
        block.sample_rate, block.pts = 48000, 0
        container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    plan = AudioPlan(str(path), Fraction(1, 4), Fraction(1, 2))
    found = heard(finish(tmp_path, "ffv1", [Span(0, 30)], audio=plan).path)
    assert found.shape == (3, 24000)
    assert all(np.array_equal(channel, np.arange(12000, 36000)) for channel in found)


@pytest.mark.parametrize("timecode", ["01:00:00:00", "10:59:59;28"])
def test_timecode_and_comment_are_in_the_container(tmp_path: Path, timecode: str) -> None:
    made = finish(tmp_path, "prores-422hq", [Span(0, 4)], Fraction(30000, 1001), timecode=timecode)
    assert probe(made.path).start_timecode == timecode
    with av.open(made.path) as container:
        assert container.metadata["comment"] == "by a test"
        assert any(stream.type == "data" for stream in container.streams)


@pytest.mark.parametrize("name", ["prores-422hq", "png"])
def test_a_result_never_replaces_anything(tmp_path: Path, name: str) -> None:
    made = finish(tmp_path, name, [Span(0, 2)])
    chosen = profile(name)
    note = Path(sidecar_path(made.path, chosen))
    assert note == tmp_path / "out.resilver.json"
    assert json.loads(note.read_text()) == {"a": 1}
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(OutputExists) as caught:
        finish(tmp_path, name, [Span(2, 4)])
    assert caught.value.where
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert {path: after[path] for path in before} == before
    note.unlink()
    with pytest.raises(OutputExists):
        finish(tmp_path, name, [Span(4, 6)])
    assert not note.exists()


def test_segments_stay_for_another_join(tmp_path: Path) -> None:
    made = finish(tmp_path, "png", [Span(0, 3)])
    segment = sorted((tmp_path / "out-0.part").iterdir())
    assert [path.name for path in segment] == [f"{k:08d}.png" for k in range(3)]
    result = sorted(Path(made.path).parent.iterdir())
    assert [path.name for path in result] == [f"out.{k:08d}.png" for k in range(3)]
    result[0].write_bytes(b"painted over")
    assert segment[0].read_bytes() != b"painted over"


def test_a_missing_frame_is_noticed_before_the_file_gets_its_name(tmp_path: Path) -> None:
    chosen = profile("prores-422hq")
    write(tmp_path / "a.part", "prores-422hq", Span(0, 3))
    tags = delivery_tags(BT709, FORMAT, chosen.pixel_format)
    with pytest.raises(FrameCountMismatch):
        join(
            [str(tmp_path / "a.part")],
            str(tmp_path / "out.mov"),
            chosen,
            FORMAT,
            Fraction(60),
            tags,
            4,
            None,
            None,
            "",
            "",
        )
    assert [path.name for path in tmp_path.iterdir()] == ["a.part"]


@pytest.mark.parametrize("name", NAMES)
def test_an_error_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    chosen = profile(name)

    def broken() -> None:
        with SegmentWriter(str(tmp_path / "a"), chosen, FORMAT, Fraction(24), BT709, 0) as writer:
            writer.write(frame(0))
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["prores-422hq", "png"])
def test_a_folder_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputUnwritable) as caught:
        write(tmp_path / "no" / "such" / "folder", name, Span(0, 1))
    assert str(tmp_path) in caught.value.where


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    from resilver_client.errors import DiskFull

    (tmp_path / "a").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        write(tmp_path / "a", "prores-422hq", Span(0, 12))


def test_encoders_run_with_the_threads_of_the_profile() -> None:
    """libx264 and libx265 give other packets with another number of threads, so the number is fixed."""
    assert {entry.threads for entry in PROFILES if not entry.intra} == {4}
    assert profile("prores-422hq").codec == "prores_aw"
    assert profile("prores-4444").codec == "prores_aw"
    with pytest.raises(UnknownProfile, match="vhs"):
        profile("vhs")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (15, 16), (16, 15), (16, 16), (255, 121), (256, 119), (257, 121)])
def test_sizes_are_encoded_or_refused_by_name_before_the_first_frame(
    tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    chosen, form = profile(name), FrameFormat(*size)
    fits = size[0] >= chosen.least[0] and size[1] >= chosen.least[1]
    if fits and not size[0] % chosen.multiple[0] and not size[1] % chosen.multiple[1]:
        with SegmentWriter(str(tmp_path / "a"), chosen, form, Fraction(24), BT709, 0) as writer:
            writer.write(torch.full((3, size[1], size[0]), 0.5))
            assert writer.close().frames == 1
    else:
        with pytest.raises(GeometryMismatch, match=name):
            SegmentWriter(str(tmp_path / "a"), chosen, form, Fraction(24), BT709, 0)
        assert list(tmp_path.iterdir()) == []


def media(**changes: object) -> MediaInfo:
    return replace(probe(str(footage("film", "chaplin_1910s.mp4"))), **changes)  # type: ignore[arg-type]


def test_profiles_warn_of_what_they_cannot_keep() -> None:
    assert any("smpte170m is assumed" in text for text in warnings(profile("prores-422hq"), media()))
    deep = media(bit_depth=10, pixel_format="yuv422p10le", colour=BT709)
    assert warnings(profile("prores-422hq"), deep) == ()
    for name in ("h264", "dnxhr-hq"):
        assert any("10" in text for text in warnings(profile(name), deep))
    assert any("alpha" in text for text in warnings(profile("prores-4444"), media(has_alpha=True)))
    assert any("sound" in text for text in warnings(profile("png"), media()))
    for depth, expected in ((8, 10), (10, 10), (12, 12), (16, 16)):
        assert profile("ffv1", media(bit_depth=depth)).bit_depth == expected


def test_sequences_in_ten_bits_and_dpx_are_delivered_whole(tmp_path: Path) -> None:
    """From a 10-bit YUV movie through RGB to 16-bit pictures and back: within one code."""
    frames = [planes_of(0.4 + 0.2 * moving(k), "yuv422p10le") for k in range(2)]
    for _, blue, red in frames:
        blue[:] = 512 + (blue.astype(int) - 512) // 4
        red[:] = 512 + (red.astype(int) - 512) // 4
    source = probe(str(write_movie(tmp_path / "a.mkv", frames, "ffv1", "yuv422p10le", level="3")))
    chosen = profile("png")
    tags = delivery_tags(source.colour, source.format, chosen.pixel_format)
    with (
        Reader(source) as reader,
        SegmentWriter(str(tmp_path / "p"), chosen, source.format, source.rate, tags, 0) as writer,
    ):
        for picture in reader.read(Span(0, 2)):
            writer.write(to_rgb(picture, CPU, torch.float32))
        writer.close()
    output = result_path(str(tmp_path / "out"), chosen)
    made = join([str(tmp_path / "p")], output, chosen, source.format, source.rate, tags, 2, None, None, "", "{}")
    from resilver_server.media.colour import from_rgb

    with Reader(probe(made.path)) as reader:
        for picture in reader.read(Span(0, 2)):
            back = from_rgb(to_rgb(picture, CPU, torch.float32), "yuv422p10le", source.colour)
            for mine, given in zip(back, frames[picture.index], strict=True):
                assert np.abs(mine.astype(int) - given.astype(int)).max() <= 1


def test_planes_of_a_frame_come_back_as_they_went_in() -> None:
    from resilver_server.media.planes import planes_to_frame

    for pixels in ("yuv420p", "yuv422p10le", "p010le", "nv12", "rgb48be", "gbrp16le", "gray10le", "yuyv422", "bgr24"):
        planes = planes_of(numbered(3, 62, 34), pixels)
        if pixels != "p010le":
            back = components(planes_to_frame(planes, pixels))
            assert all(np.array_equal(a, b) for a, b in zip(planes, back, strict=True)), pixels
