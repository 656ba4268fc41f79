"""Pieces of the references as training sees them: turned grey, and aged a little, as the film is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from .references import Reference

_SHARE = 0.45, 1.0
"""Of a picture's shorter side that a piece measures."""
_GAMMA, _CONTRAST, _BLACK = (0.7, 1.4), (0.8, 1.1), (-0.05, 0.1)
"""By how much tones are changed: films are printed lighter, darker, harder and softer."""
_GRAIN = 0.04
"""Standard deviation of grain at most."""


@dataclass(frozen=True)
class Crops:
    """Batches by number: the same number gives the same batch, so training goes on where it stopped."""

    references: Sequence[Reference]
    seed: int
    size: int = 4
    """Pieces of a batch."""
    side: int = 192
    """Pixels of a piece's height and width."""

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 1, side, side) luma and (n, 2, side / 2, side / 2) Cb and Cr."""
        rng = np.random.default_rng((self.seed, step))
        chosen = [self.references[int(rng.integers(len(self.references)))] for _ in range(self.size)]
        pieces = [_piece(reference, self.side, rng) for reference in chosen]
        luma, chroma = (torch.stack(planes) for planes in zip(*pieces, strict=True))
        return luma, F.avg_pool2d(chroma, 2)


def _piece(reference: Reference, side: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    planes = torch.cat([reference.luma, reference.chroma])
    height, width = planes.shape[-2:]
    edge = max(1, round(min(height, width) * rng.uniform(*_SHARE)))
    top, left = int(rng.integers(height - edge + 1)), int(rng.integers(width - edge + 1))
    cut = planes[None, :, top : top + edge, left : left + edge]
    piece = F.interpolate(cut, (side, side), mode="bilinear", align_corners=False, antialias=True)[0]
    if rng.random() < 0.5:
        piece = piece.flip(-1)
    return _aged(piece[:1], rng), piece[1:]


def _aged(luma: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    toned = luma.clamp(0, 1) ** rng.uniform(*_GAMMA) * rng.uniform(*_CONTRAST) + rng.uniform(*_BLACK)
    grain = rng.normal(0, rng.uniform(0, _GRAIN), tuple(luma.shape)).astype(np.float32)
    return toned.clamp(0, 1) + torch.from_numpy(grain)
