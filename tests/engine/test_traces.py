"""Clips of change maps: black is untouched bit for bit, grey is by how much, a colour is from where."""

from __future__ import annotations

from dataclasses import make_dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
import torch

from resilver_server.domain.formats import FrameFormat, MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, Scalar, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.engine import chain
from resilver_server.engine.chain import Chains
from resilver_server.engine.render import rendering
from resilver_server.engine.traces import Trace, picture, placed, traced
from resilver_server.planning.tasks import JoinResult, JoinTask, RenderResult, RenderTask
from resilver_server.stages import catalogue
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.contract import Made, Origin, StageContext, Window
from resilver_server.stages.spec import StageSpec, parameter
from resilver_server.stages.upscale.geometry import place
from support.tiny import do, moving, planned, solved, whole, write_clip

RATE, WIDTH, HEIGHT, COUNT = Fraction(16), 24, 16, 8
CODES = {Origin.PREVIOUS: (0, 114, 178), Origin.NEXT: (230, 159, 0), Origin.BOTH: (0, 158, 115)}


class Patching:
    """Takes a column of every even frame from the frame before, and another from the frame after where there is one."""

    def __init__(self, parameters: object, context: StageContext) -> None:
        self.context = context

    def process(self, window: Window) -> Made:
        frame = window.frames[window.centre].clone()
        origin = torch.zeros(frame.shape[1:], dtype=torch.uint8)
        if window.number % 2 == 0:
            for column, offset, code in ((4, -1, Origin.PREVIOUS), (9, 1, Origin.NEXT)):
                if 0 <= window.centre + offset < len(window.frames):
                    frame[..., column] = window.frames[window.centre + offset][..., column]
                    origin[:, column] = code
        return Made(frame, origin)


class Run:
    open_session = Patching


@pytest.fixture(autouse=True)
def patching(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = make_dataclass("Nothing", [("on", bool, parameter(True, "nothing"))], frozen=True)
    spec = StageSpec("patching", 1, "", nothing, radius=lambda parameters: 1)
    stages = [stage for stage in STAGES if stage.name in ("cadence", "deflicker", "upscale", "interpolate")]
    monkeypatch.setattr(catalogue, "STAGES", (*stages[:2], spec, *stages[2:]))
    genuine = chain.run_module
    monkeypatch.setattr(chain, "run_module", lambda name: Run if name == "patching" else genuine(name))


@pytest.fixture
def media(tmp_path: Path) -> MediaInfo:
    return write_clip(tmp_path / "film.mkv", moving(COUNT, WIDTH, HEIGHT), RATE)


def stage(name: str, strength: float = 1.0, **parameters: Scalar) -> StageSettings:
    return StageSettings(name, parameters, strength)


def maps(media: MediaInfo, folder: Path, *stages: StageSettings) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The maps as 8-bit codes, (3, height, width) each, and the frames."""
    plan = planned(whole(media), media, Recipe(stages, Delivery("ffv1")))
    state, _ = solved(plan, folder)
    outputs = list(plan.outputs)
    found, frames = [], []
    with rendering(plan, str(state), outputs, Chains(), lambda: None, tracing=True) as work:
        for output in outputs:
            frames.append(work.pipeline.frame(output).clone())
            found.append((work.pipeline.changed(output) * 255).round().int())
    return found, torch.stack(frames)


def coloured(change: torch.Tensor, code: tuple[int, int, int]) -> set[int]:
    """Columns that have the colour everywhere."""
    same = (change == torch.tensor(code).view(3, 1, 1)).all(dim=0).all(dim=0)
    return set(same.nonzero().flatten().tolist())


def test_black_is_untouched_bit_for_bit(media: MediaInfo, tmp_path: Path) -> None:
    found, frames = maps(media, tmp_path / "on", stage("deflicker", window=0.3), stage("patching"))
    _, film = maps(media, tmp_path / "off", stage("deflicker", 0.0), stage("patching", 0.0))
    for change, frame, plain in zip(found, frames, film, strict=True):
        untouched = (change == 0).all(dim=0)
        assert torch.equal(frame[:, untouched], plain[:, untouched])
    assert any((change > 0).any() for change in found)


def test_colours_say_from_where(media: MediaInfo, tmp_path: Path) -> None:
    found, _ = maps(media, tmp_path / "solve", stage("patching"))
    for index, change in enumerate(found):
        before, after = coloured(change, CODES[Origin.PREVIOUS]), coloured(change, CODES[Origin.NEXT])
        even = index % 2 == 0
        assert (before, after) == ({4} if even and index else set(), {9} if even else set())
        assert int((change > 0).any(dim=0).any(dim=0).sum()) == len(before | after)


def test_strength_zero_and_kept_frames_are_black(media: MediaInfo, tmp_path: Path) -> None:
    found, _ = maps(media, tmp_path / "a", stage("patching", 0.0))
    assert not any(change.any() for change in found)
    found, _ = maps(media, tmp_path / "b", StageSettings("patching", keep_frames=(Span(0, 5),)))
    assert [bool(change.any()) for change in found] == [False] * 5 + [False, True, False]


def test_maps_go_through_enlarging_and_the_retiming(media: MediaInfo, tmp_path: Path) -> None:
    """At twice the rate every odd frame shows what was changed on both sides; the map lies where the picture does."""
    upscale = stage("upscale", model="none", width=48, height=40, fit="letterbox")
    found, _ = maps(media, tmp_path / "a", stage("patching"), upscale, stage("interpolate", model="blend", rate="32"))
    assert found[4].shape == (3, 40, 48)
    assert not found[4][:, :4].any(), "the bars are nobody's change"
    inside = found[4][:, 4:-4]
    assert coloured(inside, CODES[Origin.PREVIOUS]) == {8, 9}
    assert coloured(inside, CODES[Origin.NEXT]) == {18, 19}
    assert torch.equal(found[3], found[4]), "between two of which one was changed"
    assert torch.equal(found[5], found[4])


def test_a_reduced_map_loses_nothing() -> None:
    amount = torch.zeros((20, 30))
    amount[7, 11] = 0.5
    trace = Trace(amount, (amount > 0).to(torch.uint8) * Origin.SPATIAL)
    output = FrameFormat(10, 7)
    found = placed(trace, place(FrameFormat(30, 20), output, "stretch"), output)
    assert found.amount.max() == 0.5
    assert found.origin.max() == Origin.SPATIAL
    assert found.amount.shape == (7, 10)


def test_the_smallest_change_shows() -> None:
    plain = torch.full((3, 2, 2), 0.5)
    result = plain.clone()
    result[1, 0, 0] = torch.nextafter(plain[1, 0, 0], torch.tensor(1.0))
    codes = (picture(traced(plain, result, None), FrameFormat(2, 2), plain.device) * 255).round()
    assert codes.amax(dim=0).tolist() == [[1, 0], [0, 0]]
    later = Trace(torch.zeros((2, 2)), torch.zeros((2, 2), dtype=torch.uint8))
    assert later.after(traced(plain, result, None)).amount[0, 0] > 0


def codes_of(path: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "bgr0"
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_segments_of_maps_are_joined_beside_the_result(tmp_path: Path) -> None:
    """The film's segments are the same with and without them; either can be rendered alone."""
    media = write_clip(tmp_path / "film.mkv", moving(40, WIDTH, HEIGHT), RATE)
    plan = planned(whole(media), media, Recipe((stage("patching"),), Delivery("ffv1", change_maps=True)))
    state, solution = solved(plan, tmp_path / "solve")
    parts = []
    for chunk in solution.chunks:
        film, changes, alone = (str(tmp_path / f"{name}{chunk.index}.mkv") for name in ("film", "changes", "alone"))
        both = do(RenderTask(plan, str(state), chunk, film, changes))
        assert isinstance(both, RenderResult)
        one = do(RenderTask(plan, str(state), chunk, "", alone))
        other = do(RenderTask(plan, str(state), chunk, f"{film}.alone.mkv"))
        assert isinstance(one, RenderResult)
        assert isinstance(other, RenderResult)
        assert (one.digest, one.changes_digest, one.frames) == ("", both.changes_digest, len(chunk.outputs))
        assert (other.digest, other.changes_digest) == (both.digest, "")
        parts.append((film, changes))
    films, changes = zip(*parts, strict=True)
    path = str(tmp_path / "out.changes.mkv")
    joined = do(JoinTask(plan, films, str(tmp_path / "out.mkv"), "restored", "{}", changes, path))
    assert isinstance(joined, JoinResult)
    assert joined.changes == path
    expected, _ = maps(media, tmp_path / "again", stage("patching"))
    codes = codes_of(Path(path))
    assert len(codes) == 40
    for code, change in zip(codes, expected, strict=True):
        assert np.array_equal(code, change.permute(1, 2, 0).numpy())
    assert sorted(file.name for file in tmp_path.glob("out*")) == ["out.changes.mkv", "out.mkv", "out.resilver.json"]
