"""A few frames as before/after pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from resilver_client.errors import InvalidRequest, OutputUnwritable
from resilver_server.domain.formats import FrameFormat
from resilver_server.media.colour import to_rgb8
from resilver_server.planning.plans import ShotPlan
from resilver_server.planning.tasks import ChangeMap, PreviewResult, PreviewTask, Progress
from resilver_server.stages.upscale.geometry import place
from resilver_server.stages.upscale.resample import Resampler

from .chain import Chains
from .render import IsCancelled, Report, checking, rendering

_GAP = 8
"""Black columns between the two pictures."""


def preview(task: PreviewTask, chains: Chains, progress: Report, cancelled: IsCancelled) -> PreviewResult:
    """Write each frame named beside the filmed frame it comes from (left, enlarged by the exact resample alone)."""
    plan, check = task.plan, checking(cancelled)
    outputs = sorted(set(task.frames))
    if not outputs or outputs[0] not in plan.outputs or outputs[-1] not in plan.outputs:
        raise InvalidRequest(
            f"preview frames {outputs} are not all among the {plan.total_frames} of the result", where=plan.shot.name
        )
    pictures: list[str] = []
    changes: list[ChangeMap] = []
    with rendering(plan, task.state, outputs, chains, check) as work:
        work.pipeline.changes.listening = True
        for done, output in enumerate(outputs, start=1):
            check()
            after = work.pipeline.frame(output)
            before = _laid_out(work.pipeline.original(output), plan)
            pictures.append(_write(Path(task.folder), plan, output, before, after))
            for stage, change in work.pipeline.changes.taken().items():
                picture = to_rgb8(change.expand(3, -1, -1))
                path = _save(Path(task.folder), f"{_stem(plan.shot.name)}.{output:06d}.{stage}.png", picture)
                changes.append(ChangeMap(path, stage, output))
            progress(Progress(done, len(outputs), "preview"))
    return PreviewResult(tuple(pictures), tuple(changes))


def _laid_out(frame: torch.Tensor, plan: ShotPlan) -> torch.Tensor:
    """The source frame inside the result's frame, letterboxed, so that both pictures have one size."""
    output = plan.output_format
    height, width = frame.shape[-2:]
    placement = place(FrameFormat(width, height, plan.media.format.pixel_aspect), output, "letterbox")
    content = Resampler(height, width, placement, frame.device, torch.float32)(frame.float())
    canvas = torch.zeros((3, output.height, output.width), device=frame.device)
    canvas[:, placement.y : placement.y + placement.rows, placement.x : placement.x + placement.columns] = content
    return canvas


def _write(folder: Path, plan: ShotPlan, output: int, before: torch.Tensor, after: torch.Tensor) -> str:
    left, right = to_rgb8(before), to_rgb8(after)
    gap = np.zeros((left.shape[0], _GAP, 3), np.uint8)
    both: npt.NDArray[np.uint8] = np.concatenate([left, gap, right], axis=1)
    return _save(folder, f"{_stem(plan.shot.name)}.{output:06d}.png", both)


def _save(folder: Path, name: str, picture: npt.NDArray[np.uint8]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    if not cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)):
        raise OutputUnwritable("the picture cannot be written", where=str(path), remedy="check the folder")
    return str(path)


def _stem(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_. " else "_" for letter in name).strip(". ") or "shot"
