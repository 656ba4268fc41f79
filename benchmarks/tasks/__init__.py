"""The one list of tasks, in the order of the page."""

from __future__ import annotations

from ..task import Task
from . import bursts, colour, deflicker, degrain, dirt, interpolate, lines, stabilise, upscale

TASKS: tuple[Task, ...] = (
    dirt.TASK,
    lines.TASK,
    bursts.TASK,
    deflicker.TASK,
    stabilise.TASK,
    degrain.TASK,
    colour.TASK,
    interpolate.TASK,
    upscale.TASK,
)
