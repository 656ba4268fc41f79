"""What every stage of the catalogue must keep to, whatever it does."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch

from resilver_client.errors import Cancelled, InvalidRecipe
from resilver_server.domain.recipes import Delivery, Recipe, Scalar, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.engine.chain import Chains
from resilver_server.engine.render import rendering
from resilver_server.engine.tasks import run
from resilver_server.media.colour import to_rgb
from resilver_server.media.reader import Reader
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import RenderTask
from resilver_server.stages.catalogue import STAGES, names, stage_spec
from resilver_server.stages.plan import plan_shot
from resilver_server.stages.spec import StageSpec
from support.models import network
from support.tiny import CPU, LIBRARIES, Pictures, frames_of, moving, planned, solved, whole, write_clip

RATE = Fraction(16)
CASES: list[tuple[str, dict[str, Scalar]]] = [
    ("cadence", {}),
    ("cadence", {"repeats": "keep", "cuts": "none"}),
    ("stabilise", {}),
    ("stabilise", {"motion": "similarity", "edges": "crop", "window": 0.5}),
    ("stabilise", {"motion": "similarity", "edges": "black"}),
    ("deflicker", {}),
    ("deflicker", {"local": False, "window": 0.5}),
    ("repair", {}),
    ("repair", {"dirt": False}),
    ("repair", {"bursts": False, "sensitivity": 0.8, "largest": 0.5}),
    ("degrain", {}),
    ("degrain", {"amount": 1.0, "neighbours": 1}),
    ("colour", {}),
    ("upscale", {"model": "none", "width": 34, "height": 20, "fit": "crop"}),
    ("upscale", {"model": "span-x2"}),
    ("upscale", {"model": "realesr-animevideov3", "scale": 3.0}),
    ("interpolate", {"model": "blend", "rate": "59.94"}),
    ("interpolate", {"model": "rife-4.6", "rate": "24"}),
    ("interpolate", {"model": "rife-4.25", "rate": "24"}),
    ("regrain", {}),
    ("regrain", {"size": 1.5, "seed": 3}),
]
IDS = [f"{name}-{'-'.join(str(value) for value in values.values())}" for name, values in CASES]
every_case = pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)


def recipe(name: str, parameters: dict[str, Scalar], **changes: object) -> Recipe:
    for model in stage_spec(name).models(stage_spec(name).parse(parameters)):
        network(model)
    return Recipe((StageSettings(name, parameters, **changes),), Delivery("png"))  # type: ignore[arg-type]


def rendered(pictures: Pictures, wanted: Recipe, folder: Path) -> torch.Tensor:
    """Every output frame of the pictures put through a recipe."""
    media = write_clip(folder / "pictures", pictures, RATE, "png")
    plan = planned(whole(media), media, wanted)
    state, _ = solved(plan, folder / "solve")
    frames, _ = frames_of(plan, state, list(plan.outputs), Chains())
    output = plan.output_format
    assert frames.shape == (plan.total_frames, 3, output.height, output.width), "not the declared format"
    assert frames.dtype == torch.float32
    return frames


def test_every_stage_has_a_case() -> None:
    assert {name for name, _ in CASES} == set(names())


@every_case
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_black_and_white_stay_finite(name: str, parameters: dict[str, Scalar], level: float, tmp_path: Path) -> None:
    frames = rendered(np.full((3, 18, 26, 3), level, np.float32), recipe(name, parameters), tmp_path)
    assert frames.isfinite().all()
    assert (frames.mean() - level).abs() < 0.06


@every_case
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (35, 17)])
def test_odd_and_tiny_sizes(name: str, parameters: dict[str, Scalar], size: tuple[int, int], tmp_path: Path) -> None:
    frames = rendered(moving(3, *size), recipe(name, parameters), tmp_path)
    assert frames.isfinite().all()


@every_case
def test_same_work_same_bits(name: str, parameters: dict[str, Scalar], tmp_path: Path) -> None:
    pictures, wanted = moving(3, 26, 18), recipe(name, parameters)
    first, second = (rendered(pictures, wanted, tmp_path / again) for again in ("once", "twice"))
    assert torch.equal(first, second)


@every_case
def test_strength_zero_leaves_the_film_alone(name: str, parameters: dict[str, Scalar], tmp_path: Path) -> None:
    """Nothing is loaded, nothing is computed; only a change of geometry remains, by the exact resample."""
    pictures = moving(4, 26, 18)
    media = write_clip(tmp_path / "pictures", pictures, RATE, "png")
    plan = planned(whole(media), media, recipe(name, parameters, strength=0.0))
    assert not any(stage.models for stage in plan.stages)
    state, _ = solved(plan, tmp_path / "solve")
    frames, _ = frames_of(plan, state, list(plan.outputs), Chains())
    if plan.output_format == media.format:
        with Reader(media) as reader:
            filmed = [to_rgb(found, torch.device("cpu"), torch.float32) for found in reader.read(Span(0, 4))]
        assert all(any(torch.equal(frame, other) for other in filmed) for frame in frames)


@every_case
def test_cancel_within_one_window(name: str, parameters: dict[str, Scalar], tmp_path: Path) -> None:
    media = write_clip(tmp_path / "pictures", moving(6, 26, 18), RATE, "png")
    plan = planned(whole(media), media, recipe(name, parameters))
    state, result = solved(plan, tmp_path / "solve")
    done: list[int] = []
    segment = tmp_path / "segment"
    task = RenderTask(plan, str(state), result.chunks[0], str(segment))
    with pytest.raises(Cancelled):
        run(task, lambda progress: done.append(progress.done), lambda: len(done) >= 1)
    assert done == [1]
    assert not segment.exists()


@pytest.mark.parametrize("model", ["span-x2", "realesr-animevideov3"])
def test_tiled_is_the_whole(model: str, tmp_path: Path) -> None:
    """Networks whose halo covers what they see give the same picture however they are cut."""
    media = write_clip(tmp_path / "pictures", moving(1, 150, 90), RATE, "png")
    plan = planned(whole(media), media, recipe("upscale", {"model": model}))
    state, _ = solved(plan, tmp_path / "solve")
    plans = [_with_tile(plan, tile) for tile in (0, 64)]
    frames = [frames_of(each, state, [0], Chains())[0] for each in plans]
    assert (frames[0] - frames[1]).abs().max() < 2e-5


def _with_tile(plan: ShotPlan, tile: int) -> ShotPlan:
    return replace(plan, numerics=replace(plan.numerics, tile=tile))


@pytest.mark.parametrize("spec", STAGES, ids=names())
def test_schemas_are_schemas_and_take_the_defaults(spec: StageSpec) -> None:
    schema = spec.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    defaults = {name: entry["default"] for name, entry in schema["properties"].items()}
    jsonschema.validate(defaults, schema)
    assert spec.parse(defaults) == spec.parse({})


def test_stages_run_in_catalogue_order(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "pictures", moving(3, 8, 8), RATE, "png")
    wanted = Recipe((StageSettings("interpolate", {"model": "blend"}), StageSettings("deflicker")), Delivery("png"))
    plan = plan_shot(whole(media), media, wanted, CPU, LIBRARIES)
    assert [stage.settings.stage for stage in plan.stages] == ["cadence", "deflicker", "interpolate"]
    twice = Recipe((StageSettings("deflicker"), StageSettings("deflicker")))
    with pytest.raises(InvalidRecipe, match="named twice"):
        plan_shot(whole(media), media, twice, CPU, LIBRARIES)


def test_checks_are_made_between_tiles(tmp_path: Path) -> None:
    media = write_clip(tmp_path / "pictures", moving(1, 90, 60), RATE, "png")
    plan = _with_tile(planned(whole(media), media, recipe("upscale", {"model": "span-x2"})), 32)
    state, _ = solved(plan, tmp_path / "solve")
    checks: list[int] = []
    with rendering(plan, str(state), [0], Chains(), lambda: checks.append(1)) as work:
        work.pipeline.frame(0)
    assert len(checks) == 6


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("upscale", {"model": "realesr-animevideov3"}), ("interpolate", {"model": "rife-4.6", "rate": "24"})],
)
def test_half_precision_stays_inside_networks(name: str, parameters: dict[str, Scalar], tmp_path: Path) -> None:
    """Frames stay float32, filmed ones untouched; what networks compute is close to full precision."""
    media = write_clip(tmp_path / "pictures", moving(3, 26, 18), RATE, "png")
    plan = planned(whole(media), media, recipe(name, parameters))
    state, _ = solved(plan, tmp_path / "solve")
    half = replace(plan, numerics=replace(plan.numerics, dtype="float16"))
    full, rounded = (frames_of(each, state, list(plan.outputs), Chains())[0] for each in (plan, half))
    assert rounded.dtype == torch.float32
    assert 0 < (full - rounded).abs().max() < 0.03
    if name == "interpolate":
        assert torch.equal(full[0], rounded[0])
