"""How long things take: the bare network, the stage, and the whole pipeline around them, measured in one run.

Each figure is the median over rounds; in every round all three are timed one after the other on the same frames, so
that a machine that slows down slows all of them. Ratios are medians of the rounds' own ratios.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from resilver_server.domain.formats import MediaInfo
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.shots import Shot
from resilver_server.engine.chain import Chains
from resilver_server.engine.device import libraries, opened
from resilver_server.engine.render import render
from resilver_server.engine.tasks import run
from resilver_server.media.probe import probe
from resilver_server.models.loader import load
from resilver_server.models.store import require
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import AnalyseTask, Device, Progress, RenderTask, SolveResult, SolveTask
from resilver_server.stages.contract import Window
from resilver_server.stages.plan import plan_shot

from .clips import write_clip

RATE = Fraction(24)
_MEGA = 1e6


@dataclass(frozen=True)
class Timing:
    """One stage with one network. Seconds are of one network call: a frame enlarged, or one computed between two."""

    stage: str
    model: str
    device: str
    dtype: str
    width: int
    """Of the frames that go in."""
    height: int
    calls: int
    """Network calls a round."""
    bare: float
    staged: float
    pipeline: float
    """Decoding, conversions, the stage and encoding included."""
    stage_ratio: float
    pipeline_ratio: float
    peak_memory: int
    """Bytes: of the device's allocator on CUDA, of the process elsewhere."""

    @property
    def seconds_per_megapixel(self) -> float:
        """Of the bare network, by the pixels that go in."""
        return self.bare / (self.width * self.height / _MEGA)


def bench_upscale(model: str, size: tuple[int, int], frames: int, rounds: int, device: Device) -> Timing:
    """Enlarge ``frames`` frames of ``size`` (width, height) by the network's own factor. Raises ModelNotInstalled."""
    scale = load(require(model), "cpu").scale
    settings = StageSettings("upscale", {"model": model, "width": size[0] * scale, "height": size[1] * scale})
    return _bench(settings, model, size, frames, rounds, device)


def bench_interpolate(model: str, size: tuple[int, int], frames: int, rounds: int, device: Device) -> Timing:
    """Bring ``frames`` frames of ``size`` (width, height) from 24 to 60 a second. Raises ModelNotInstalled."""
    settings = StageSettings("interpolate", {"model": model, "rate": "60"})
    return _bench(settings, model, size, frames, rounds, device)


def _bench(
    settings: StageSettings, model: str, size: tuple[int, int], frames: int, rounds: int, device: Device
) -> Timing:
    with tempfile.TemporaryDirectory() as scratch:
        media = _clip(Path(scratch), size, frames)
        plan = _plan(media, settings, device)
        bench = _Bench(plan, model, Path(scratch))
        bench.pipeline(warm=True)
        bench.bare(1)
        rows = [(bench.bare(bench.calls), bench.staged(), bench.pipeline()) for _ in range(rounds)]
        calls = bench.calls
        peak = bench.peak_memory
    return Timing(
        settings.stage, model, plan.numerics.device, plan.numerics.dtype, *size, calls,
        bare=statistics.median(row[0] for row in rows) / calls,
        staged=statistics.median(row[1] for row in rows) / calls,
        pipeline=statistics.median(row[2] for row in rows) / calls,
        stage_ratio=statistics.median(row[1] / row[0] for row in rows),
        pipeline_ratio=statistics.median(row[2] / row[0] for row in rows),
        peak_memory=peak,
    )  # fmt: skip


def textured(size: tuple[int, int], frames: int) -> Iterator[torch.Tensor]:
    """A textured ground that pans: (3, height, width), 0..1. Not zeros: those can run faster than pictures do."""
    width, height = size
    random = np.random.default_rng(24)
    ground = torch.from_numpy(random.random((1, 3, height // 4 + 8, (width + 4 * frames) // 4 + 8), np.float32))
    large = torch.nn.functional.interpolate(ground, scale_factor=4, mode="bicubic", align_corners=False)[0].clamp(0, 1)
    for index in range(frames):
        left = 3 * index
        yield large[:, :height, left : left + width].contiguous()


def _clip(folder: Path, size: tuple[int, int], frames: int) -> MediaInfo:
    path = folder / "bench.mkv"
    write_clip(path, textured(size, frames), RATE)
    return probe(str(path))


def _plan(media: MediaInfo, settings: StageSettings, device: Device) -> ShotPlan:
    shot = Shot("bench", media.path, media.rate, Fraction(0), media.duration)
    cuts = StageSettings("cadence", {"repeats": "keep", "cuts": "none"})
    recipe = Recipe((cuts, settings), Delivery("dnxhr-hq", keep_audio=False))
    return plan_shot(shot, media, recipe, device, libraries())


class _Bench:
    """The three timed loops over one clip."""

    def __init__(self, plan: ShotPlan, model: str, folder: Path) -> None:
        self.peak_memory = 0
        self.calls = 0
        self._plan = plan
        self._folder = folder
        self._chains = Chains()
        self._device, self._dtype = opened(plan.numerics)
        self._network = load(require(model), self._device, self._dtype)
        self._stage = next(s for s in self._chains.open(plan, _idle).stages if s.plan.models)
        self._frames = [f.to(self._device, self._dtype) for f in textured(_size(plan), plan.media.frame_count)]
        self._state = str(folder / "state")
        solved = run(SolveTask(plan, _analysed(plan, folder), (), self._state), _silent, _never)
        assert isinstance(solved, SolveResult)
        self._chunks = solved.chunks

    def bare(self, calls: int) -> float:
        """The network alone, on whole frames that lie on the device."""
        with torch.inference_mode():
            return self._timed(lambda: [self._forward(index) for index in range(calls)])

    def _forward(self, index: int) -> torch.Tensor:
        first, second = (self._frames[(index + step) % len(self._frames)][None] for step in (0, 1))
        if self._stage.spec.retimes:
            multiple = self._network.card.multiple
            return self._network.module(_padded(first, multiple), _padded(second, multiple), 0.5)  # type: ignore[no-any-return]
        return self._network.module(first)  # type: ignore[no-any-return]

    def staged(self) -> float:
        """The stage's session on frames that lie on the device: padding, tiles, resampling."""
        session, frames = self._stage.session, self._frames

        def loop() -> None:
            for index in range(self.calls):
                first, second = frames[index % len(frames)], frames[(index + 1) % len(frames)]
                if self._stage.spec.retimes:
                    session.between(first, second, Fraction(1, 2))
                else:
                    session.process(Window(first[None], 0, {}))

        with torch.inference_mode():
            return self._timed(loop)

    def pipeline(self, warm: bool = False) -> float:
        """Every chunk from file to file."""
        begun = time.perf_counter()
        computed = written = 0
        for chunk in self._chunks[: 1 if warm else None]:
            output = self._folder / f"segment-{time.monotonic_ns()}"
            result = render(RenderTask(self._plan, self._state, chunk, str(output)), self._chains, _silent, _never)
            computed += len(result.computed)
            written += result.frames
            self.peak_memory = max(self.peak_memory, result.peak_memory)
        self.calls = computed if self._stage.spec.retimes else written
        return time.perf_counter() - begun

    def _timed(self, loop: Callable[[], object]) -> float:
        self._wait()
        begun = time.perf_counter()
        loop()
        self._wait()
        return time.perf_counter() - begun

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _analysed(plan: ShotPlan, folder: Path) -> tuple[str, ...]:
    """Measurements, where the plan needs any."""
    if not plan.analysed:
        return ()
    path = str(folder / "measurements")
    run(AnalyseTask(plan, plan.source, path), _silent, _never)
    return (path,)


def _padded(frame: torch.Tensor, multiple: int) -> torch.Tensor:
    height, width = frame.shape[-2:]
    grow = (0, -width % multiple, 0, -height % multiple)
    return torch.nn.functional.pad(frame, grow, mode="replicate")


def _size(plan: ShotPlan) -> tuple[int, int]:
    return plan.media.format.width, plan.media.format.height


def _idle() -> None:
    return


def _never() -> bool:
    return False


def _silent(progress: Progress) -> None:
    return
