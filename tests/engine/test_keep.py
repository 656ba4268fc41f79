"""What an artist takes back from a stage: kept places and frames are the film, bit for bit, and only the chunks that
see them have other names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from resilver_client.errors import InvalidMatte, InvalidRecipe
from resilver_server.domain.clocks import Clock
from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span, parse_frames
from resilver_server.engine import analysis, chain
from resilver_server.engine.chain import Chains
from resilver_server.engine.keeping import covering
from resilver_server.scheduling.identity import measurement_key
from resilver_server.scheduling.stamps import Stamps
from resilver_server.stages import catalogue
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.contract import AnalysisFrame, StageContext, Window
from resilver_server.stages.spec import StageInput, StageSpec, parameter
from support.models import network
from support.tiny import Pictures, frames_of, moving, planned, solved, whole, write_clip

RATE = Fraction(16)
WIDTH, HEIGHT, COUNT = 26, 18, 8
KEEPING = [spec.name for spec in STAGES if StageInput.KEEP_MATTE in spec.inputs]


def rendered(media: MediaInfo, folder: Path, *stages: StageSettings) -> torch.Tensor:
    for stage in stages:
        spec = catalogue.stage_spec(stage.stage)
        for model in spec.models(spec.parse(stage.parameters)):
            network(model)
    plan = planned(whole(media), media, Recipe(stages, Delivery("ffv1")))
    state, _ = solved(plan, folder)
    return frames_of(plan, state, list(plan.outputs), Chains())[0]


def keys(media: MediaInfo, folder: Path, *stages: StageSettings) -> list[str]:
    plan = planned(whole(media), media, Recipe(stages, Delivery("ffv1")))
    return [chunk.key for chunk in solved(plan, folder)[1].chunks]


def painted(path: Path, pictures: Pictures, name: str = "png") -> str:
    """The path of pictures as a matte."""
    return write_clip(path, pictures, RATE, name).path


@pytest.fixture
def media(tmp_path: Path) -> MediaInfo:
    return write_clip(tmp_path / "film.mkv", moving(COUNT, WIDTH, HEIGHT), RATE)


def test_all_that_keep_their_size_keep_by_matte() -> None:
    other = {spec.name for spec in STAGES if not spec.renders or spec.name == "upscale"}
    assert set(KEEPING) == {spec.name for spec in STAGES} - other


@pytest.mark.parametrize("name", KEEPING)
def test_what_is_kept_is_the_film_bit_for_bit(name: str, media: MediaInfo, tmp_path: Path) -> None:
    """A little grey in a matte of another size is enough; beside it the stage works as without."""
    picture = np.zeros((1, 9, 13, 3), np.float32)
    picture[:, :, 6:] = 0.01
    painted(tmp_path / "keep", picture)
    keep = str(tmp_path / "keep" / "00000000.png")
    kept, full, none = (
        rendered(media, tmp_path / f"solve{index}", settings)
        for index, settings in enumerate(
            (StageSettings(name, keep_matte=keep), StageSettings(name), StageSettings(name, strength=0.0))
        )
    )
    assert torch.equal(kept[..., 12:], none[..., 12:])
    assert torch.equal(kept[..., :12], full[..., :12])


@pytest.mark.parametrize("name", [spec.name for spec in STAGES if spec.renders])
def test_frames_that_are_listed_are_kept_whole(name: str, media: MediaInfo, tmp_path: Path) -> None:
    """Media frames 2 and 3, wherever in the result they are shown."""
    some = StageSettings(name, keep_frames=(Span(2, 4),))
    kept, full, none = (
        rendered(media, tmp_path / f"solve{index}", settings)
        for index, settings in enumerate((some, StageSettings(name), StageSettings(name, strength=0.0)))
    )
    share = len(full) / COUNT
    shown = [int(index / share) in (2, 3) for index in range(len(full))]
    for index, keeps in enumerate(shown):
        assert torch.equal(kept[index], (none if keeps else full)[index]), index


def test_kept_pixels_are_all_that_white_touches() -> None:
    flags = torch.zeros((4, 6), dtype=torch.bool)
    flags[1, 2] = True
    assert covering(flags, 4, 6) is flags
    smaller = covering(flags, 2, 4)
    assert smaller.nonzero().tolist() == [[0, 1]]
    larger = covering(flags, 8, 9)
    assert larger.nonzero().tolist() == [[row, column] for row in (2, 3) for column in (3, 4)]
    assert covering(torch.ones((1, 1), dtype=torch.bool), 5, 7).all()


def test_keep_and_matte_together(media: MediaInfo, tmp_path: Path) -> None:
    columns = np.arange(WIDTH)[None, None, :, None]
    left = np.broadcast_to((columns < 16), (1, HEIGHT, WIDTH, 3)).astype(np.float32)
    right = np.broadcast_to((columns >= 8), (1, HEIGHT, WIDTH, 3)).astype(np.float32)
    for name, picture in (("matte", left), ("keep", right)):
        painted(tmp_path / name, picture)
    matte, keep = (str(tmp_path / name / "00000000.png") for name in ("matte", "keep"))
    both, full, none = (
        rendered(media, tmp_path / f"solve{index}", settings)
        for index, settings in enumerate(
            (
                StageSettings("deflicker", matte=matte, keep_matte=keep),
                StageSettings("deflicker"),
                StageSettings("deflicker", strength=0.0),
            )
        )
    )
    assert torch.equal(both[..., 8:], none[..., 8:])
    assert torch.equal(both[..., :8], full[..., :8])
    assert not torch.equal(full[..., :8], none[..., :8])


def test_a_keep_matte_that_is_none_is_refused(media: MediaInfo, tmp_path: Path) -> None:
    (tmp_path / "keep.png").write_text("no picture")
    with pytest.raises(InvalidMatte, match=r"keep\.png"):
        rendered(media, tmp_path / "solve", StageSettings("deflicker", keep_matte=str(tmp_path / "keep.png")))
    with pytest.raises(InvalidRecipe, match="takes no keep matte, stage upscale"):
        rendered(media, tmp_path, StageSettings("upscale", {"model": "none"}, keep_matte=str(tmp_path / "keep.png")))
    with pytest.raises(InvalidRecipe, match="takes no defect map, stage deflicker"):
        rendered(media, tmp_path, StageSettings("deflicker", defect_map=str(tmp_path / "keep.png")))
    with pytest.raises(InvalidRecipe, match="changes no frames, stage cadence"):
        rendered(media, tmp_path, StageSettings("cadence", keep_frames=(Span(0, 1),)))


@pytest.mark.parametrize("form", ["png", "ffv1"])
def test_only_chunks_in_which_something_is_kept_get_other_keys(form: str, tmp_path: Path) -> None:
    """Chunks of 32 frames; a keep matte over all 96 that is white in frame 40 alone, and frames listed."""
    media = write_clip(tmp_path / "film.mkv", moving(96, 8, 8), RATE)
    pictures = np.zeros((96, 8, 8, 3), np.float32)
    pictures[40, :, 3] = 1
    path = painted(tmp_path / ("keep.mkv" if form == "ffv1" else "keep"), pictures, form)
    plain = keys(media, tmp_path / "a", StageSettings("deflicker"))
    changed = {
        "matte": keys(media, tmp_path / "b", StageSettings("deflicker", keep_matte=path)),
        "frames": keys(media, tmp_path / "c", StageSettings("deflicker", keep_frames=parse_frames("33-35"))),
        "others": keys(media, tmp_path / "d", StageSettings("deflicker", keep_frames=parse_frames("33-36"))),
        "nowhere": keys(media, tmp_path / "e", StageSettings("deflicker", keep_frames=parse_frames("96-200"))),
    }
    same = {name: [a == b for a, b in zip(plain, found, strict=True)] for name, found in changed.items()}
    one = [True, False, True]
    assert same == {"matte": one, "frames": one, "others": one, "nowhere": [True, True, True]}
    assert len({found[1] for found in changed.values()}) == 4


@dataclass(frozen=True)
class Listed:
    level: float = parameter(0.5, "what bad frames become")
    bad: str = parameter("", "frames", solved=True)


class Analyser:
    def __init__(self, parameters: Listed) -> None:
        assert parameters.bad == "", "measuring sees no solved parameter"

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[np.generic]]:
        return {"frame": np.array([frame.index])}


class Session:
    """Bad frames become grey, with the scanner's map laid over where there is one."""

    def __init__(self, parameters: Listed, context: StageContext) -> None:
        assert parameters.bad == "", "rendering sees no solved parameter"
        self.level = parameters.level

    def process(self, window: Window) -> torch.Tensor:
        frame = window.frames[window.centre]
        if window.state["bad"][window.centre, 0]:
            frame = torch.full_like(frame, self.level)
        return frame if window.defects is None else torch.maximum(frame, window.defects.amax(dim=0))


class Run:
    """What would be the stage's ``run`` module."""

    Analyser, open_session = Analyser, Session

    @staticmethod
    def solve(measured: dict[str, npt.NDArray[np.generic]], clock: Clock, rate: Fraction, parameters: Listed) -> object:
        bad = {frame for span in parse_frames(parameters.bad) for frame in span}
        return {"bad": np.array([[frame in bad] for frame in clock.frames])}


@pytest.fixture
def listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage with a list of frames and a defect map, which looks at one neighbour on either side."""
    inputs = (StageInput.MATTE, StageInput.KEEP_MATTE, StageInput.DEFECT_MAP)
    spec = StageSpec("listing", 1, "", Listed, analysed=True, inputs=inputs, radius=lambda parameters: 1)
    monkeypatch.setattr(catalogue, "STAGES", (STAGES[0], spec))
    genuine = chain.run_module
    for module in (chain, analysis):
        monkeypatch.setattr(module, "run_module", lambda name: Run if name == "listing" else genuine(name))


@pytest.mark.usefixtures("listing")
def test_a_list_of_frames_changes_only_the_chunks_that_see_them(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "film.mkv", moving(96, 8, 8), RATE)
    plain, more, other = (
        keys(media, tmp_path / f"solve{index}", StageSettings("listing", parameters))
        for index, parameters in enumerate(({}, {"bad": "40, 42"}, {"level": 0.25}))
    )
    assert [a == b for a, b in zip(plain, more, strict=True)] == [True, False, True]
    assert not set(plain) & set(other)
    plans = [
        planned(whole(media), media, Recipe((StageSettings("listing", parameters),), Delivery("ffv1")))
        for parameters in ({}, {"bad": "40, 42"})
    ]
    stamps = Stamps(Span(0, 96), ("film",))
    assert len({measurement_key(plan, stamps, Span(0, 96)) for plan in plans}) == 1, "nothing is measured again"


@pytest.mark.usefixtures("listing")
def test_listed_frames_reach_the_stage_through_its_state(media: MediaInfo, tmp_path: Path) -> None:
    frames = rendered(media, tmp_path / "solve", StageSettings("listing", {"bad": "2-3"}))
    assert [bool((frame == 0.5).all()) for frame in frames] == [index in (2, 3) for index in range(COUNT)]


@pytest.mark.usefixtures("listing")
def test_a_defect_map_comes_in_the_window(media: MediaInfo, tmp_path: Path) -> None:
    """Of every frame in the window: what is white in frame 4 shows in its neighbours too."""
    pictures = np.zeros((COUNT, HEIGHT, WIDTH, 3), np.float32)
    pictures[4, 5:9, 6:10] = 1
    path = painted(tmp_path / "map", pictures)
    with_map = StageSettings("listing", defect_map=path)
    found = rendered(media, tmp_path / "a", with_map)
    plain = rendered(media, tmp_path / "b", StageSettings("listing"))
    whites = [bool((frame[:, 5:9, 6:10] == 1).all()) for frame in found]
    assert whites == [index in (3, 4, 5) for index in range(COUNT)]
    assert torch.equal(found[..., 10:], plain[..., 10:])


@pytest.mark.usefixtures("listing")
def test_a_defect_map_counts_where_the_stage_looks(tmp_path: Path) -> None:
    """White in frame 32, the first of the second chunk, which the last frame of the first one looks at."""
    media = write_clip(tmp_path / "film.mkv", moving(96, 8, 8), RATE)

    def found(white: Sequence[int], name: str) -> list[str]:
        pictures = np.zeros((96, 8, 8, 3), np.float32)
        pictures[list(white)] = 1
        return keys(
            media, tmp_path / f"s{name}", StageSettings("listing", defect_map=painted(tmp_path / name, pictures))
        )

    plain, one = found((), "none"), found((32,), "one")
    assert [a == b for a, b in zip(plain, one, strict=True)] == [False, False, True]
