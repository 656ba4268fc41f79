"""Grain laid over fills: a field with the spectrum and the colours of what they miss, its bands as strong as they lack.

A Gaussian field of a given autocorrelation: Galerne, Gousseau, Morel, "Random Phase Textures: Theory and Synthesis",
IEEE TIP 20(1), 2011.
"""

from __future__ import annotations

import numpy as np
import torch

from .bands import partition, reach, split
from .lack import LEAST, POWERS, SAMPLE, Lack, lacking
from .made import spectrum
from .model import TONES, Array, Grain, boxed, luma

_NEAR = 15
"""Edge of the square around a pixel in which the power of a fill is taken, about as large as a held-out one."""
_TILE = 256
"""Edge of the field, which is repeated over the frame: larger than fills are, but for a few."""
_ROUNDS = 12
"""Of the search for the strength of the bands; the power is within a hundredth after as many."""


def grain_like(
    frame: torch.Tensor, filled: torch.Tensor, mask: torch.Tensor, corners: torch.Tensor, seed: int
) -> torch.Tensor:
    """``frame`` with the fill where ``mask`` is above 0, and over it the grain that this lacks of the film around.

    ``frame`` (3, height, width) RGB, 0..1, as it came. ``filled``: the same with the damage and all held-out squares
    filled, in one way. ``mask`` (height, width) 0..1: the damage alone; soft edges mix. ``corners``: as ``samples`` of
    the damage gave them; without any the fill is laid in as it is. ``seed``: of this frame alone, 0 or more. Device and
    dtype stay; where ``mask`` is 0 the frame is kept bit for bit.
    """
    cover = mask.to(frame)
    rows, columns = (cover > 0).nonzero(as_tuple=True)
    if not len(rows):
        return frame
    values = filled[:, rows, columns]
    if len(corners):
        values = values + _missing(filled, (rows, columns), lacking(frame, filled, corners), seed)
    result = frame.clone()
    result[:, rows, columns] = torch.lerp(frame[:, rows, columns], values, cover[rows, columns])
    return result


def _missing(filled: torch.Tensor, places: tuple[torch.Tensor, torch.Tensor], lack: Lack, seed: int) -> torch.Tensor:
    """(3, p) what is to be added at p places: the bands of the fill as far as they were weakened, and grain."""
    tone = luma(filled)
    inside = torch.zeros_like(tone)
    inside[places] = 1
    near = boxed(inside, _NEAR)[places].clamp(min=1e-6)
    details = torch.stack(split(tone[None])[0])[:, 0]
    shown = torch.stack([boxed(detail.square() * inside, _NEAR)[places] / near for detail in details])
    gain, wanted = (_at(table.to(tone), tone[places], shown) for table in (lack.gain, lack.power))
    bands, mixed = _fields(lack.kind, seed)
    strength = _strength(wanted, torch.from_numpy(_passed(lack.kind)).to(wanted))
    rows, columns = (place % _TILE for place in places)
    added = ((gain - 1) * details[:, places[0], places[1]]).sum(dim=0).expand(3, -1)
    for field, weights in zip(bands, mixed, strict=True):
        made = (strength * field.to(filled)[:, rows, columns]).sum(dim=0)
        added = added + weights.to(filled)[:, None] * made
    return added


def _at(table: torch.Tensor, tone: torch.Tensor, shown: torch.Tensor) -> torch.Tensor:
    """(BANDS, p) of a table at (p,) tones and (BANDS, p) powers, straight in between."""
    down = (tone * TONES - 0.5).clamp(0, TONES - 1)
    across = ((shown + LEAST).log() - float(POWERS[0])) / float(POWERS[1] - POWERS[0])
    across = across.clamp(0, len(POWERS) - 1)
    top, left = down.floor().clamp(max=TONES - 2), across.floor().clamp(max=len(POWERS) - 2)
    band = torch.arange(len(table), device=tone.device)[:, None]
    row, column = top.long().expand_as(across), left.long()
    upper = torch.lerp(table[band, row, column], table[band, row, column + 1], across - left)
    lower = torch.lerp(table[band, row + 1, column], table[band, row + 1, column + 1], across - left)
    return torch.lerp(upper, lower, down - top)


def _fields(kind: Grain, seed: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Of luma and of each pattern that the colours have beside it: (BANDS, _TILE, _TILE) bands of a field of deviation
    1, and the (3,) weights of the channels. Made on the CPU, so that it is the same on every device."""
    generator = np.random.default_rng(seed)
    mixed = [kind.follows(), *kind.rest().T]
    found = []
    for number in range(len(mixed)):
        noise = np.fft.rfft2(generator.standard_normal((_TILE, _TILE)))
        passed = np.sqrt(spectrum(kind.lags[min(number, 1)], _TILE)) * partition(_TILE)
        found.append(np.fft.irfft2(noise * passed[:, :, : _TILE // 2 + 1], (_TILE, _TILE)))
    return [torch.from_numpy(field).float() for field in found], [torch.from_numpy(part.copy()) for part in mixed]


def _passed(kind: Grain) -> Array:
    """(BANDS, BANDS, BANDS): what the product of two bands of the luma field adds to the power of a third, as this is
    measured in a square."""
    size = 4 * SAMPLE
    bands, middle = partition(size), size // 2
    cross = np.fft.ifft2(spectrum(kind.lags[0], size) * bands[:, None] * bands[None, :]).real
    near = np.fft.fftshift(cross, axes=(2, 3))[..., middle - SAMPLE + 1 : middle + SAMPLE, :]
    return np.asarray(np.einsum("irc,jkrc->ijk", reach(SAMPLE), near[..., middle - SAMPLE + 1 : middle + SAMPLE]))


def _strength(wanted: torch.Tensor, passed: torch.Tensor) -> torch.Tensor:
    """(BANDS, p) deviations by which the bands of the field must be multiplied for powers ``wanted`` (BANDS, p)."""
    found = (wanted / torch.einsum("iii->i", passed).clamp(min=1e-9)[:, None]).sqrt()
    for _ in range(_ROUNDS):
        given = torch.einsum("ijk,jp,kp->ip", passed, found, found).clamp(min=1e-12)
        found = found * (wanted / given).clamp(max=4.0).sqrt()
    return found
