"""What networks take is measured where it decides, remembered, and held to a limit that somebody set."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from resilver_client.errors import OutOfMemory
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.engine import calibration
from resilver_server.engine.calibration import Calibration, measured, per_pixel
from resilver_server.models.architectures import Architecture
from resilver_server.models.cards import ModelCard, card
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import Device
from resilver_server.stages import memory
from resilver_server.stages.plan import plan_shot
from support.models import network
from support.tiny import CPU, LIBRARIES, moving, whole, write_clip

LIMITED = replace(CPU, limit=1 << 30)


def test_a_network_is_measured_once(tmp_path: Path) -> None:
    network("span-x2")  # or a skip where it cannot be had
    asked: list[str] = []

    def measure(model: ModelCard, device: Device) -> int:
        asked.append(model.id)
        return 4711

    for _ in range(2):
        assert Calibration(LIMITED, tmp_path / "calibration.json", measure)(card("span-x2")) == 4711
    assert asked == ["span-x2"]
    other = replace(LIMITED, name="another card")
    Calibration(other, tmp_path / "calibration.json", measure)(card("span-x2"))
    assert asked == ["span-x2"] * 2, "another card is measured by itself"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": "b"}'])
def test_a_damaged_file_costs_a_measurement(text: str, tmp_path: Path) -> None:
    network("span-x2")
    file = tmp_path / "calibration.json"
    file.write_text(text)
    assert Calibration(LIMITED, file, lambda model, device: 64)(card("span-x2")) == 64
    assert list(json.loads(file.read_text()).values()) == [64]


def test_the_table_answers_where_nothing_is_counted(tmp_path: Path) -> None:
    network("span-x2")
    file = tmp_path / "calibration.json"
    assert Calibration(LIMITED, file, lambda model, device: None)(card("span-x2")) == memory.bytes_per_pixel(
        card("span-x2")
    )
    assert not file.exists()


def test_a_cpu_that_nobody_limited_keeps_to_the_table() -> None:
    assert per_pixel(CPU) is memory.bytes_per_pixel
    assert isinstance(per_pixel(LIMITED), Calibration)
    assert isinstance(per_pixel(replace(CPU, id="cuda:0")), Calibration)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak as Linux counts it")
@pytest.mark.parametrize("model", ["span-x2", "realesr-animevideov3", "rife-4.6"])
def test_what_is_measured_is_near_the_table(model: str) -> None:
    """In a process of its own: what this one holds from other tests would be used again, and not be seen."""
    network(model)
    code = (
        "from resilver_server.engine.calibration import measured; from resilver_server.models.cards import card; "
        "from resilver_server.planning.tasks import Device; "
        f"print(measured(card({model!r}), Device('cpu', 'cpu', 0, 0, False)))"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    found = int(done.stdout)
    assert memory.bytes_per_pixel(card(model)) / 4 < found < 2 * memory.bytes_per_pixel(card(model)), found


def test_memory_that_does_not_suffice_for_measuring_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    network("span-x2")

    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(calibration, "_run", exhausted)
    assert measured(card("span-x2"), LIMITED) is None


def _on_a_card(size: tuple[int, int], model: str, gigabytes: int, folder: Path) -> ShotPlan:
    """The plan of one network's work on a GPU with half precision, of which so much may be used."""
    network(model)
    media = write_clip(folder / "film.mkv", moving(2, 16, 16), Fraction(24))
    big = replace(media, format=replace(media.format, width=size[0], height=size[1]))
    stage = "interpolate" if card(model).architecture is Architecture.IFNET else "upscale"
    recipe = Recipe((StageSettings(stage, {"model": model}),), Delivery("ffv1"))
    device = Device("cuda:0", "a card", 24 << 30, 24 << 30, half_precision=True, limit=gigabytes << 30)
    return plan_shot(whole(big), big, recipe, device, LIBRARIES)


@pytest.mark.parametrize(
    ("size", "model", "tiles"),
    [
        ((960, 540), "realesrgan-x4plus", {2: 192, 4: 512, 6: 0, 8: 0}),
        ((1920, 1080), "realesrgan-x4plus", {2: 128, 4: 384, 6: 512, 8: 512}),
        ((3840, 2160), "span-x2", {4: 128, 6: 768, 8: 1024}),
        ((1920, 1080), "rife-4.25", {2: 0, 4: 0}),
        ((3840, 2160), "rife-4.25", {4: 0, 6: 0, 8: 0}),
    ],
)
@pytest.mark.parametrize("gigabytes", [2, 4, 6, 8])
def test_plans_keep_to_a_limit(
    gigabytes: int, size: tuple[int, int], model: str, tiles: dict[int, int], tmp_path: Path
) -> None:
    if gigabytes == 2 and gigabytes not in tiles:
        with pytest.raises(OutOfMemory, match="2048 MiB may be used"):
            _on_a_card(size, model, gigabytes, tmp_path)
    elif gigabytes in tiles:
        plan = _on_a_card(size, model, gigabytes, tmp_path)
        assert plan.memory <= gigabytes << 30
        assert plan.numerics.tile == tiles[gigabytes]
