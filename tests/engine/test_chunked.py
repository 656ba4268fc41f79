"""Chunked equals whole, bit for bit, for random chains of stages, shots and chunk sizes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.engine.chain import Chains
from resilver_server.media.colour import to_rgb
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import JoinTask, RenderResult, RenderTask
from support.models import network
from support.tiny import Pictures, do, frames_of, moving, planned, solved, whole, write_clip

COUNT, WIDTH, HEIGHT, CUT = 14, 30, 22, 8
RATE = Fraction(16)
CHAINS = Chains()


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """With two repeated frames and a cut."""
    shown = moving(COUNT, WIDTH, HEIGHT, cut=CUT)
    shown[3], shown[11] = shown[2], shown[10]
    return shown


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory, pictures: Pictures) -> MediaInfo:
    return write_clip(tmp_path_factory.mktemp("media") / "clip.mkv", pictures, RATE)


@pytest.fixture(scope="module")
def matte(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A moving matte with soft edges, of the clip's length."""
    return write_clip(tmp_path_factory.mktemp("matte") / "matte.mkv", moving(COUNT, 20, 20, seed=5), RATE).path


strengths = st.sampled_from([0.0, 0.4, 1.0])


@st.composite
def recipes(draw: st.DrawFn, matte: str) -> Recipe:
    mattes = st.sampled_from([None, None, matte])
    fit = draw(st.sampled_from(["letterbox", "crop", "stretch"]))
    stages = [
        StageSettings("cadence", {"repeats": draw(st.sampled_from(["auto", "keep"])), "cut_list": str(CUT)}),
        StageSettings("deflicker", {"window": 0.3}, draw(strengths), draw(mattes)),
        StageSettings(
            "upscale",
            {
                "model": "none",
                "width": 40,
                "height": 40,
                "fit": fit,
            },
            draw(strengths),
            draw(mattes),
        ),
        StageSettings("interpolate", {"rate": "60", "model": "blend"}, draw(strengths), draw(mattes)),
    ]
    chosen = [stage for stage in stages if draw(st.booleans())]
    return Recipe(tuple(draw(st.permutations(chosen))), Delivery("ffv1", tail_frames=draw(st.integers(0, 3))))


@settings(max_examples=20)
@given(data=st.data())
def test_chunked_equals_whole(data: st.DataObject, media: MediaInfo, matte: str, tmp_path_factory: object) -> None:
    assert isinstance(tmp_path_factory, pytest.TempPathFactory)
    first, frames = data.draw(st.integers(0, 5), "first"), data.draw(st.integers(1, 8), "frames")
    speed = data.draw(st.sampled_from([Fraction(1), Fraction(-1), Fraction(2, 3), Fraction(0)]), "speed")
    start = (first + frames - 1 if speed < 0 else first) / RATE
    duration = frames / RATE / (abs(speed) or 1)
    shot = whole(media, start=start, duration=duration, speed=speed, handles=data.draw(st.booleans(), "handles"))
    plan = planned(shot, media, data.draw(recipes(matte), "recipe"))
    folder = tmp_path_factory.mktemp("solve")
    state, result = solved(plan, folder / "whole")
    in_parts, again = solved(plan, folder / "parts", data.draw(st.integers(1, 6), "analysis chunk"))
    assert (again.digest, again.chunks) == (result.digest, result.chunks)
    together, _ = frames_of(plan, state, list(plan.outputs), CHAINS)
    assert together.isfinite().all()
    for outputs in plan.outputs.split(data.draw(st.integers(1, 9), "chunk")):
        part, _ = frames_of(plan, in_parts, list(outputs), CHAINS)
        assert torch.equal(part, together[outputs.start : outputs.stop])


NETWORKS = Recipe(
    (
        StageSettings("cadence", {"repeats": "keep", "cut_list": str(CUT)}),
        StageSettings("deflicker"),
        StageSettings("upscale", {"model": "span-x2", "scale": 2.0}),
        StageSettings("interpolate", {"rate": "30", "model": "rife-4.6"}),
    ),
    Delivery("ffv1"),
)


@pytest.fixture(scope="module")
def with_networks(media: MediaInfo) -> ShotPlan:
    network("span-x2")
    network("rife-4.6")
    return planned(whole(media), media, NETWORKS)


def test_chunked_equals_whole_with_networks(with_networks: ShotPlan, tmp_path: Path) -> None:
    state, _ = solved(with_networks, tmp_path)
    together, _ = frames_of(with_networks, state, list(with_networks.outputs), CHAINS)
    for outputs in with_networks.outputs.split(7):
        part, _ = frames_of(with_networks, state, list(outputs), CHAINS)
        assert torch.equal(part, together[outputs.start : outputs.stop])


def rendered(plan: ShotPlan, folder: Path, chunk_frames: int) -> tuple[str, list[str]]:
    """A joined result rendered in chunks of so many frames, and the digests of its segments."""
    plan = replace(plan, chunk_frames=chunk_frames)
    state, result = solved(plan, folder)
    segments, digests = [], []
    for chunk in result.chunks:
        segments.append(str(folder / f"{chunk.index}.segment"))
        done = do(RenderTask(plan, str(state), chunk, segments[-1]))
        assert isinstance(done, RenderResult)
        assert done.frames == len(chunk.outputs)
        digests.append(done.digest)
    suffix = ".mkv" if plan.delivery.profile == "ffv1" else ".mov"
    output = str(folder / f"result{suffix}")
    do(JoinTask(plan, tuple(segments), output, "restored", "{}"))
    return output, digests


@pytest.mark.parametrize("name", ["ffv1", "prores-422hq"])
def test_decoded_result_is_the_same_in_chunks(media: MediaInfo, tmp_path: Path, name: str) -> None:
    stages = (
        StageSettings("upscale", {"model": "none", "width": 64, "height": 48}),
        StageSettings("interpolate", {"rate": "60", "model": "blend"}),
    )
    plan = planned(whole(media), media, Recipe(stages, Delivery(name)))
    files = [rendered(plan, tmp_path / str(size), size)[0] for size in (1000, 13)]
    decoded = []
    for file in files:
        info = probe(file)
        assert (info.frame_count, info.rate) == (plan.total_frames, 60)
        with Reader(info) as reader:
            pictures = reader.read(Span(0, info.frame_count))
            decoded.append(torch.stack([to_rgb(p, torch.device("cpu"), torch.float32) for p in pictures]))
    assert torch.equal(decoded[0], decoded[1])


def test_frames_whose_times_meet_are_handed_on_untouched(media: MediaInfo, tmp_path: Path, pictures: Pictures) -> None:
    recipe = Recipe(
        (
            StageSettings("cadence", {"repeats": "keep", "cut_list": str(CUT)}),
            StageSettings("interpolate", {"rate": "48", "model": "blend"}),
        ),
        Delivery("ffv1"),
    )
    plan = planned(whole(media), media, recipe)
    state, _ = solved(plan, tmp_path)
    frames, _ = frames_of(plan, state, list(plan.outputs), CHAINS)
    with Reader(media) as reader:
        filmed = [to_rgb(p, torch.device("cpu"), torch.float32) for p in reader.read(Span(0, COUNT))]
    for k, frame in enumerate(filmed):
        assert torch.equal(frames[3 * k], frame)
    held = filmed[CUT - 1]
    assert torch.equal(frames[3 * CUT - 1], held)
    assert torch.equal(frames[3 * CUT - 2], held)
    assert torch.equal(frames[-1], filmed[-1])
    assert not torch.equal(frames[1], filmed[0])
