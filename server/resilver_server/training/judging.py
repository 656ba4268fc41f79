"""What was learned, seen on pictures that were held back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from resilver_server.lab.measure import psnr
from resilver_server.models.colourise import joined, taught_chroma
from resilver_server.models.nets.taught import Taught
from resilver_server.models.store import write_atomically

from .references import LONGEST, Reference

_EVERY = 5
"""One picture in so many is held back, where nobody says which."""
_SHOWN = 6
_PEAK = 60.0
"""Decibels of pictures that are equal."""


@dataclass(frozen=True)
class Judgement:
    """Means over the pictures held back, PSNR of RGB in dB."""

    taught: float
    tint: float
    """Every pixel in the mean colour of the pictures learned from."""
    nearest: float
    """Every pixel in the mean colour of the one picture learned from whose tones are the most alike."""


def held_back(references: Sequence[Reference]) -> tuple[list[Reference], list[Reference]]:
    """Those to learn from, and every fifth to judge by; of fewer than five all are learned from."""
    back = [reference for number, reference in enumerate(references, start=1) if number % _EVERY == 0]
    return [reference for reference in references if reference not in back], back


def judge(network: Taught, learned: Sequence[Reference], back: Sequence[Reference]) -> Judgement:
    """``back`` must not be empty."""
    means = [_mean(reference) for reference in learned]
    tint = torch.stack(means).mean(dim=0)
    found = []
    for reference in back:
        nearest = means[int(np.argmin([_apart(reference, other) for other in learned]))]
        guesses = (taught_chroma(network, reference.luma[0], LONGEST), tint, nearest)
        found.append([_psnr(reference, guess.expand_as(reference.chroma)) for guess in guesses])
    return Judgement(*(float(value) for value in np.mean(found, axis=0)))


def write_sheet(path: Path, network: Taught, back: Sequence[Reference]) -> None:
    """A PNG of pictures held back, a row each: grey, as taught, as it was. Raises DiskFull or OutputUnwritable."""
    rows = []
    width = max(reference.luma.shape[-1] for reference in back[:_SHOWN])
    for reference in back[:_SHOWN]:
        taught = taught_chroma(network, reference.luma[0], LONGEST)
        three = [joined(reference.luma[0], chroma) for chroma in (taught * 0, taught, reference.chroma)]
        row = torch.cat([torch.nn.functional.pad(each, (0, width - each.shape[-1])) for each in three], dim=-1)
        rows.append(row)
    sheet = torch.cat(rows, dim=-2).clamp(0, 1).permute(1, 2, 0).numpy()
    done, data = cv2.imencode(".png", np.rint(sheet[..., ::-1] * 255).astype(np.uint8))
    assert done
    write_atomically(path, data.tobytes())


def _mean(reference: Reference) -> torch.Tensor:
    return reference.chroma.mean(dim=(1, 2))[:, None, None]


def _apart(one: Reference, other: Reference) -> float:
    """Difference of the shares of tones."""
    histograms = [torch.histc(each.luma, 32, 0, 1) / each.luma.numel() for each in (one, other)]
    return float((histograms[0] - histograms[1]).abs().sum())


def _psnr(reference: Reference, chroma: torch.Tensor) -> float:
    return min(_PEAK, psnr(*(joined(reference.luma[0], planes).clamp(0, 1) for planes in (chroma, reference.chroma))))
