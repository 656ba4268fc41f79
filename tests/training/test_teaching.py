"""Teaching colours: what is learned, how it goes on after a break, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from resilver_client.errors import InvalidReference, InvalidRequest
from resilver_client.home import home
from resilver_server.domain.spans import Span
from resilver_server.lab.clips import frames
from resilver_server.media.colour import to_rgb8
from resilver_server.media.probe import probe
from resilver_server.models.architectures import TaughtParameters
from resilver_server.models.cards import card
from resilver_server.models.colourise import chroma
from resilver_server.models.loader import load
from resilver_server.models.nets.taught import Taught
from resilver_server.models.store import require
from resilver_server.training.course import Course, teach
from resilver_server.training.crops import Crops
from resilver_server.training.judging import held_back, judge
from resilver_server.training.references import read_references
from resilver_server.training.training import Lesson, train
from support.models import installed_models, network
from support.shared import footage

CPU = torch.device("cpu")


def nothing(done: int, total: int) -> None:
    return


def untaught() -> Taught:
    """With the encoder's published weights."""
    torch.manual_seed(1)
    made = Taught(TaughtParameters())
    made.encoder.load_state_dict(network("efficientnet-lite0").module.state_dict())
    return made


def put(folder: Path, count: int, first: int = 0) -> Path:
    """Pictures of a yellow disc on blue, each elsewhere."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(first)
    for number in range(first, first + count):
        picture = np.full((96, 128, 3), (150, 90, 40), np.uint8)
        cv2.circle(picture, (int(rng.integers(20, 108)), int(rng.integers(20, 76))), 18, (40, 180, 220), -1)
        assert cv2.imwrite(str(folder / f"{number:03d}.png"), picture)
    return folder


def moving_passages(folder: Path, clip: str, numbers: list[int]) -> Path:
    folder.mkdir(parents=True)
    info = probe(str(footage("colour", clip)))
    for number in numbers:
        (frame,) = frames(info, Span(number, number + 1))
        picture = to_rgb8(frame)
        size = 320, 320 * picture.shape[0] // picture.shape[1]
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        assert cv2.imwrite(str(folder / f"{number:04d}.png"), small[..., ::-1])
    return folder


class TestLearning:
    @pytest.mark.parametrize("clip", ["bigbuckbunny.mp4", "flower.mp4"])
    def test_frames_more_than_a_second_away_look_right(self, clip: str, tmp_path: Path) -> None:
        """A short lesson: 120 steps of small pieces. The whole one is in the benchmarks."""
        learned = read_references(moving_passages(tmp_path / "learn", clip, list(range(0, 60, 3))))
        back = read_references(moving_passages(tmp_path / "back", clip, [92, 106, 120]))
        taught = untaught()
        lesson = Lesson(Crops(learned, seed=1, side=96), 120, "lesson")
        train(taught, lesson, tmp_path / "checkpoint", CPU, nothing)
        found = judge(taught.eval(), learned, back)
        print(clip, found)
        assert found.taught > max(found.tint, found.nearest) + 0.5

    def test_broken_off_and_taken_up_it_teaches_the_same(self, tmp_path: Path) -> None:
        crops = Crops(read_references(put(tmp_path / "p", 3)), seed=4, size=2, side=64)
        lesson = Lesson(crops, 30, "lesson")
        whole = train(untaught(), lesson, tmp_path / "whole", CPU, nothing)

        def breaking(done: int, total: int) -> None:
            if done == 27:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(untaught(), lesson, tmp_path / "broken", CPU, breaking)
        heard: list[int] = []
        again = train(untaught(), lesson, tmp_path / "broken", CPU, lambda done, total: heard.append(done))
        assert heard == [26, 27, 28, 29, 30]
        assert all(torch.equal(whole[name], again[name]) for name in whole)

    def test_a_checkpoint_of_another_lesson_or_none_at_all_is_not_taken_up(self, tmp_path: Path) -> None:
        crops = Crops(read_references(put(tmp_path / "p", 3)), seed=4, size=1, side=32)
        train(untaught(), Lesson(crops, 25, "one"), tmp_path / "kept", CPU, nothing)
        for identity, spoil in (("two", False), ("one", True)):
            if spoil:
                data = (tmp_path / "kept").read_bytes()
                (tmp_path / "kept").write_bytes(data[: len(data) // 2])
            heard: list[int] = []
            train(
                untaught(), Lesson(crops, 25, identity), tmp_path / "kept", CPU, lambda done, _, h=heard: h.append(done)
            )
            assert heard[0] == 1

    def test_batches_depend_on_their_number_alone(self, tmp_path: Path) -> None:
        crops = Crops(read_references(put(tmp_path / "p", 2)), seed=4, side=32)
        one, other, next_one = crops.batch(7), crops.batch(7), crops.batch(8)
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        assert not torch.equal(one[0], next_one[0])
        assert one[0].shape == (4, 1, 32, 32)
        assert one[1].shape == (4, 2, 16, 16)


class TestCourse:
    @pytest.fixture
    def course(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Course:
        """In a home of its own, whose models must not be the user's: only the encoder is copied."""
        network("efficientnet-lite0")
        source = home()
        own = tmp_path / "home"
        installed_models(tmp_path / "linked", "efficientnet-lite0")
        (own / "models" / "installed").mkdir(parents=True)
        kept = require("efficientnet-lite0")
        (own / "models" / kept.path.name).symlink_to(kept.path)
        record = source / "models" / "installed" / "efficientnet-lite0.json"
        (own / "models" / "installed" / record.name).write_bytes(record.read_bytes())
        monkeypatch.setenv("RESILVER_HOME", str(own))
        return Course("my-film", put(tmp_path / "p", 5), steps=10)

    def test_the_model_is_kept_with_its_provenance(self, course: Course) -> None:
        outcome = teach(course, CPU, nothing)
        kept = card("my-film")
        assert outcome.learned == 4
        assert "seed 1, on 4 pictures" in kept.notes
        assert "Held-out pictures" in kept.notes
        colours = chroma(load(require("my-film"), "cpu"), torch.rand(70, 90))
        assert colours.shape == (2, 70, 90)
        assert float(colours.abs().max()) <= 0.5

    def test_the_sheet_shows_what_was_held_back(self, course: Course) -> None:
        sheet = teach(course, CPU, nothing).sheet
        assert sheet is not None
        assert cv2.imread(str(sheet)).shape == (96, 3 * 128, 3)

    def test_the_same_lesson_gives_the_same_bytes(self, course: Course) -> None:
        assert teach(course, CPU, nothing).model.digest == teach(course, CPU, nothing).model.digest

    def test_a_name_of_a_published_model_is_taken(self, course: Course) -> None:
        with pytest.raises(InvalidRequest, match=r"rife-4\.25 already"):
            teach(dataclasses.replace(course, name="rife-4.25"), CPU, nothing)

    @pytest.mark.parametrize("name", ["", "Zoë", "../out", "a b"])
    def test_odd_names_are_refused(self, course: Course, name: str) -> None:
        with pytest.raises(InvalidRequest, match="no name for a model"):
            teach(dataclasses.replace(course, name=name), CPU, nothing)


class TestReferences:
    def test_one_in_five_is_held_back(self, tmp_path: Path) -> None:
        learned, back = held_back(read_references(put(tmp_path / "p", 11)))
        assert [reference.path.stem for reference in back] == ["004", "009"]
        assert len(learned) == 9

    def test_large_pictures_are_made_small(self, tmp_path: Path) -> None:
        (tmp_path / "p").mkdir()
        rng = np.random.default_rng(1)
        assert cv2.imwrite(str(tmp_path / "p" / "a.jpg"), rng.integers(0, 255, (600, 1024, 3), np.uint8))
        (reference,) = read_references(tmp_path / "p")
        assert reference.luma.shape == (1, 300, 512)

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            ("grey", "no colours, .*000.png"),
            ("truncated", "000.png"),
            ("empty", "000.png"),
            ("text", "000.png"),
            ("none", "holds no pictures"),
            ("gone", "no such folder"),
            ("one", "one picture teaches nothing"),
        ],
    )
    def test_what_teaches_nothing_is_named(self, spoil: str, said: str, tmp_path: Path) -> None:
        folder = put(tmp_path / "p", 1 if spoil == "one" else 2)
        first = folder / "000.png"
        if spoil == "grey":
            assert cv2.imwrite(str(first), np.full((40, 40, 3), 90, np.uint8))
        elif spoil == "truncated":
            first.write_bytes(first.read_bytes()[:200])
        elif spoil in ("empty", "text"):
            first.write_bytes(b"" if spoil == "empty" else b"no picture")
        elif spoil in ("none", "gone"):
            for file in itertools.chain(folder.iterdir()):
                file.unlink()
        if spoil == "gone":
            folder.rmdir()
        network("efficientnet-lite0")
        with pytest.raises(InvalidReference, match=said):
            teach(Course("my-film", folder, steps=10), CPU, nothing)
