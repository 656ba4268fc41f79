"""Figures of results. Planes are (n, height, width) uint8; PSNR in dB over a peak of 255."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from resilver_server.lab.measure import ssim as ssim_of

from .clips import Planes

Flags = npt.NDArray[np.bool_]
BORDER = np.s_[..., 2:-2, 2:-2]
"""Without the outermost two pixels."""
_CEILING = 99.0
"""dB for equal pictures: JSON has no infinity."""


def psnr(made: Planes, truth: Planes, where: Flags | None = None) -> float:
    """Over all frames together; NaN where ``where`` is nowhere."""
    squares = (made.astype(np.float64) - truth) ** 2
    chosen = squares if where is None else squares[where]
    if not chosen.size:
        return float("nan")
    error = float(chosen.mean())
    return min(_CEILING, 20 * float(np.log10(255)) - 10 * float(np.log10(max(error, 1e-12))))


def ssim(made: Planes, truth: Planes) -> float:
    pairs = zip(made.astype(np.float32) / 255, truth.astype(np.float32) / 255, strict=True)
    return float(np.mean([ssim_of(one, other) for one, other in pairs]))


def share(flags: Flags) -> float:
    """Percent; NaN of nothing."""
    return 100 * float(flags.mean()) if flags.size else float("nan")


def changed(made: Planes, given: Planes) -> Flags:
    return np.not_equal(made, given)
