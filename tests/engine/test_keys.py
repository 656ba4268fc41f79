"""Key frames: which pictures belong to which frames, how they reach a stage, and what they rename."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from resilver_client.errors import InvalidKeyFrame, InvalidRecipe
from resilver_server.domain.clocks import Clock
from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.engine import analysis, chain
from resilver_server.engine.chain import Chains
from resilver_server.media.probe import probe
from resilver_server.stages import catalogue
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.contract import AnalysisFrame, StageContext, Window
from resilver_server.stages.keys import KEYS, NO_KEY, REFERENCE, key_files, keys_digest
from resilver_server.stages.spec import StageInput, StageSpec, parameter
from support.tiny import frames_of, moving, planned, solved, whole, write_clip

RATE = Fraction(16)
WIDTH, HEIGHT, COUNT = 12, 8, 96


@dataclass(frozen=True)
class Showing:
    own: int = parameter(-1, "A media frame to show where no key frame was given")


class Analyser:
    def __init__(self, parameters: Showing) -> None:
        pass

    def measure(self, frame: AnalysisFrame, previous: AnalysisFrame | None) -> dict[str, npt.NDArray[np.generic]]:
        return {"mean": np.array([frame.luma.mean()], np.float32)}


class Session:
    def __init__(self, parameters: Showing, context: StageContext) -> None:
        pass

    def process(self, window: Window) -> torch.Tensor:
        shown = list(window.keys.values())
        frame = window.frames[window.centre]
        if not shown:
            return frame
        return shown[0].picture if shown[0].picture.shape == frame.shape else torch.full_like(frame, 0.5)


class Run:
    """A stage that shows the last key frame not after each frame."""

    Analyser, open_session = Analyser, Session

    @staticmethod
    def solve(measured: dict[str, npt.NDArray[np.int64]], clock: Clock, rate: Fraction, parameters: Showing) -> object:
        given = measured[KEYS].tolist()

        def wanted(frame: int) -> int:
            if given == [REFERENCE]:
                return REFERENCE
            return max((number for number in given if number <= frame), default=parameters.own)

        return {KEYS: np.array([[wanted(frame), NO_KEY] for frame in clock.frames], np.int64)}


@pytest.fixture(autouse=True)
def showing(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = (StageInput.MATTE, StageInput.KEEP_MATTE, StageInput.KEY_FRAMES)
    spec = StageSpec("showing", 1, "", Showing, analysed=True, inputs=inputs)
    monkeypatch.setattr(catalogue, "STAGES", (STAGES[0], spec))
    genuine = chain.run_module
    for module in (chain, analysis):
        monkeypatch.setattr(module, "run_module", lambda name: Run if name == "showing" else genuine(name))


@pytest.fixture
def media(tmp_path: Path) -> MediaInfo:
    return write_clip(tmp_path / "film.mkv", moving(COUNT, WIDTH, HEIGHT), RATE)


def put(path: Path, level: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((size[1], size[0], 3), level, np.uint8))


def settings(path: Path | None, **parameters: int) -> StageSettings:
    return StageSettings("showing", parameters, key_frames=str(path) if path else None)


def names(media: MediaInfo, folder: Path, stage: StageSettings) -> list[str]:
    plan = planned(whole(media), media, Recipe((stage,), Delivery("ffv1")))
    return [chunk.key for chunk in solved(plan, folder)[1].chunks]


def levels(media: MediaInfo, folder: Path, stage: StageSettings) -> list[int]:
    """Of each frame the mean red, in 8 bits."""
    plan = planned(whole(media), media, Recipe((stage,), Delivery("ffv1")))
    state, _ = solved(plan, folder)
    frames, _ = frames_of(plan, state, list(plan.outputs), Chains())
    return [round(float(frame[0].mean()) * 255) for frame in frames]


class TestFiles:
    def test_numbers_come_from_names(self, tmp_path: Path) -> None:
        for name in ("shot2.0060.png", "shot2.0007.tif"):
            (tmp_path / name).touch()
        for name in (".hidden1.png", "notes.txt"):
            (tmp_path / name).touch()
        found = key_files(str(tmp_path))
        assert {number: file.name for number, file in found.items()} == {7: "shot2.0007.tif", 60: "shot2.0060.png"}

    def test_a_pattern_names_its_own_files_alone(self, tmp_path: Path) -> None:
        for name in ("a.0003.png", "b.0004.png"):
            (tmp_path / name).touch()
        assert list(key_files(f"{tmp_path}/a.%04d.png")) == [3]

    def test_one_picture_is_a_reference_whatever_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "paris_1906.png").touch()
        assert list(key_files(f"{tmp_path}/paris_1906.png")) == [REFERENCE]

    @pytest.mark.parametrize(
        ("files", "said"),
        [
            ((), "no key frames are there"),
            (("a.png",), "no number, .*a.png"),
            (("a1.png", "b01.png"), "a1.png.*b01.png|b01.png.*a1.png"),
        ],
    )
    def test_what_cannot_be_told_is_refused(self, files: tuple[str, ...], said: str, tmp_path: Path) -> None:
        for name in files:
            (tmp_path / name).touch()
        with pytest.raises(InvalidKeyFrame, match=said):
            key_files(str(tmp_path))

    def test_another_number_is_another_digest(self, tmp_path: Path) -> None:
        for folder, number in (("a", 3), ("b", 4)):
            put(tmp_path / folder / f"{number}.png", 9)
        assert keys_digest(str(tmp_path / "a")) != keys_digest(str(tmp_path / "b"))


class TestStage:
    def test_each_frame_sees_the_key_frames_it_wants(self, media: MediaInfo, tmp_path: Path) -> None:
        put(tmp_path / "k" / "10.png", 50)
        put(tmp_path / "k" / "70.png", 200)
        found = levels(media, tmp_path / "s", settings(tmp_path / "k"))
        plain = levels(media, tmp_path / "p", settings(None))
        assert found == plain[:10] + [50] * 60 + [200] * 26

    def test_a_repainted_key_frame_renames_the_chunks_that_see_it(self, media: MediaInfo, tmp_path: Path) -> None:
        for folder, level in (("a", 200), ("b", 210)):
            put(tmp_path / folder / "10.png", 50)
            put(tmp_path / folder / "64.png", level)
        one, other = (names(media, tmp_path / f"s{x}", settings(tmp_path / x)) for x in "ab")
        assert [a == b for a, b in zip(one, other, strict=True)] == [True, True, False]

    def test_a_frame_of_the_film_may_be_wanted(self, media: MediaInfo, tmp_path: Path) -> None:
        plain = levels(media, tmp_path / "p", settings(None))
        assert levels(media, tmp_path / "s", settings(None, own=20)) == [plain[20]] * COUNT

    def test_numbers_are_those_of_a_sequence(self, tmp_path: Path) -> None:
        """A sequence's files may begin with any number: key frames are copies of them with their names."""
        film = write_clip(tmp_path / "film", moving(4, WIDTH, HEIGHT), RATE, "png").path
        folder = Path(film).parent
        for index in reversed(range(4)):
            (folder / f"{index:08d}.png").rename(folder / f"{index + 86:08d}.png")
        put(tmp_path / "k" / "00000088.png", 50)
        found = levels(probe(str(folder), RATE), tmp_path / "s", settings(tmp_path / "k"))
        assert found[2:] == [50, 50]
        assert 50 not in found[:2]

    def test_a_reference_keeps_its_own_size(self, media: MediaInfo, tmp_path: Path) -> None:
        put(tmp_path / "photo.png", 77, (30, 40))
        assert set(levels(media, tmp_path / "s", settings(tmp_path / "photo.png"))) == {128}

    def test_a_smaller_key_frame_is_enlarged(self, media: MediaInfo, tmp_path: Path) -> None:
        put(tmp_path / "k" / "0.png", 60, (WIDTH // 2, HEIGHT // 2))
        assert set(levels(media, tmp_path / "s", settings(tmp_path / "k"))) == {60}

    def test_one_of_another_shape_is_refused(self, media: MediaInfo, tmp_path: Path) -> None:
        put(tmp_path / "k" / "0.png", 60, (WIDTH, WIDTH))
        with pytest.raises(InvalidKeyFrame, match=r"12x12 is of another shape than the film's 12x8, .*0\.png"):
            levels(media, tmp_path / "s", settings(tmp_path / "k"))

    def test_pictures_that_belong_to_no_frame_are_refused(self, media: MediaInfo, tmp_path: Path) -> None:
        put(tmp_path / "k" / "1906.png", 60)
        with pytest.raises(InvalidKeyFrame, match="frames 0 to 95"):
            names(media, tmp_path / "s", settings(tmp_path / "k"))

    def test_a_stage_without_key_frames_takes_none(self, media: MediaInfo, tmp_path: Path) -> None:
        put(tmp_path / "k" / "1.png", 60)
        with pytest.raises(InvalidRecipe, match="takes no key frames"):
            names(media, tmp_path / "s", StageSettings("cadence", key_frames=str(tmp_path / "k")))
