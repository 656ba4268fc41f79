"""A plan's stages opened on its device: networks loaded once, and kept for the next chunk of the same shot."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from resilver_server.domain.serial import canonical
from resilver_server.media.tagging import WEIGHTS
from resilver_server.models import loader, store
from resilver_server.models.architectures import UPSCALERS, Architecture
from resilver_server.models.loader import Network
from resilver_server.planning.plans import Numerics, ShotPlan, StagePlan
from resilver_server.stages.catalogue import stage_spec
from resilver_server.stages.contract import StageContext
from resilver_server.stages.spec import StageSpec

from . import device as devices
from .tiling import Tiled

FRAMES = torch.float32
_RAMP = 8
"""Input pixels on either side of a joint. Tiles are 64 pixels and more, so two ramps never meet."""


@dataclass(frozen=True)
class OpenStage:
    """A stage that renders, ready to."""

    position: int
    """In ``plan.stages``."""
    plan: StagePlan
    spec: StageSpec
    session: Any
    """Session or Interpolator; opened even for an idle stage, whose ``plain`` may be needed."""

    @property
    def idle(self) -> bool:
        return self.plan.settings.strength == 0

    def plain(self, frame: torch.Tensor) -> torch.Tensor:
        """The frame as it would be without the stage, at the stage's output geometry."""
        if self.plan.input == self.plan.output:
            return frame
        return self.session.plain(frame)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Chain:
    """Stages ahead of the retiming, the retiming if there is one, and the stages behind it."""

    before: tuple[OpenStage, ...]
    retime: OpenStage | None
    after: tuple[OpenStage, ...]
    device: torch.device
    dtype: torch.dtype
    """Of the frames. Always float32: half has eleven bits, too few to hand a film's own frames through; networks
    alone calculate in it."""

    @property
    def stages(self) -> tuple[OpenStage, ...]:
        return (*self.before, *((self.retime,) if self.retime else ()), *self.after)


class Interrupt:
    """A check that networks make between tiles. A chain outlives a task, so what is checked can be exchanged."""

    def __init__(self) -> None:
        self.check: Callable[[], None] = _nothing

    def __call__(self) -> None:
        self.check()


class Chains:
    """The last chain that was opened. One worker renders one shot at a time, chunk after chunk."""

    def __init__(self) -> None:
        self._key = ""
        self._chain: Chain | None = None
        self._interrupt = Interrupt()

    def open(self, plan: ShotPlan, check: Callable[[], None]) -> Chain:
        """The plan's chain. ``check`` is called between tiles and may raise.

        Raises ModelNotInstalled, ModelDigestMismatch, DeviceFailed, OutOfMemory.
        """
        self._interrupt.check = check
        key = canonical((plan.stages, plan.numerics, _luma(plan)))
        if self._chain is None or self._key != key:
            self._chain = None  # frees the old networks before new ones are loaded
            self._chain = _open(plan, self._interrupt)
            self._key = key
        return self._chain


def _nothing() -> None:
    return


def _open(plan: ShotPlan, interrupt: Interrupt) -> Chain:
    device, dtype = devices.opened(plan.numerics)
    stages = [
        _open_stage(position, stage, plan, device, dtype, interrupt)
        for position, stage in enumerate(plan.stages)
        if stage_spec(stage.settings.stage).renders
    ]
    at = next((index for index, stage in enumerate(stages) if stage.spec.retimes), None)
    if at is None:
        return Chain(tuple(stages), None, (), device, FRAMES)
    return Chain(tuple(stages[:at]), stages[at], tuple(stages[at + 1 :]), device, FRAMES)


def _luma(plan: ShotPlan) -> tuple[float, float, float]:
    red, blue = WEIGHTS.get(plan.output_colour.matrix, WEIGHTS["bt709"])
    return red, 1 - red - blue, blue


def _open_stage(
    position: int, plan: StagePlan, shot: ShotPlan, device: torch.device, dtype: torch.dtype, interrupt: Interrupt
) -> OpenStage:
    spec = stage_spec(plan.settings.stage)
    with devices.typed_errors(f"stage {spec.name}"):
        networks = _networks(plan, shot.numerics, device, dtype, interrupt)
        context = StageContext(plan.input, plan.output, device, FRAMES, networks, _luma(shot))
        parameters = spec.unsolved(plan.settings.parameters)
        if plan.settings.strength == 0 and spec.retimes:
            return OpenStage(position, plan, spec, None)
        return OpenStage(position, plan, spec, run_module(spec.name).open_session(parameters, context))


def run_module(name: str) -> Any:
    """The mathematics of a stage. Imported here alone, by name."""
    return importlib.import_module(f"resilver_server.stages.{name}.run")


def _networks(
    plan: StagePlan, numerics: Numerics, device: torch.device, dtype: torch.dtype, interrupt: Interrupt
) -> Mapping[str, Network]:
    """The stage's networks, those that may be cut wrapped in tiles."""
    found = {}
    for use in plan.models:
        installed = store.require(use.id)
        store.check_digest(use.id, installed.digest, use.digest)
        network = loader.load(installed, device, dtype)
        if network.card.architecture in UPSCALERS:
            network = dataclasses.replace(network, module=tiled(network, numerics.tile, interrupt))
        found[use.id] = network
    return found


def tiled(network: Network, tile: int, interrupt: Interrupt) -> Tiled:
    """RRDB sees further than any halo that pays, so its tiles are mixed at the joints; other halos are exact."""
    card = network.card
    return Tiled(
        network.module,
        scale=card.scale,
        halo=card.halo,
        multiple=card.multiple,
        tile=tile,
        ramp=_RAMP if card.architecture is Architecture.RRDB else 0,
        check=interrupt,
    )
