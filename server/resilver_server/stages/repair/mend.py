"""The places found, filled from the neighbours that saw them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from . import dirt, fill
from .view import View


def mended(view: View, found: dirt.Pieces, tried: list[dirt.Span], grain: bool) -> torch.Tensor:
    """The frame with the places found filled; not a bit changed elsewhere."""
    frames, centre = view.window.frames, view.window.centre
    height, width = frames.shape[-2:]
    dirty = torch.from_numpy(found.labels > 0).to(frames.device)[None, None].to(frames.dtype)
    rows, columns = _full(found.labels > 0, view.factor, height, width)
    offsets = np.array([_sources(span) for span in tried])
    sources = offsets[found.span[found.labels[rows // view.factor, columns // view.factor]]].T
    known = {
        offset: fill.guidance(view.current, view.plain[offset], view.flow[offset], dirty)
        for offset in sorted({int(offset) for offset in np.unique(sources)} - {0})
    }
    places = torch.from_numpy(rows).to(frames.device), torch.from_numpy(columns).to(frames.device)
    wanted = torch.from_numpy(np.ascontiguousarray(sources)).to(frames.device)
    neighbours = {offset: frames[centre + offset] for offset in known}
    result = frames[centre].clone()
    result[:, places[0], places[1]] = fill.filled(frames[centre], neighbours, places, wanted, known, view.factor, grain)
    return result


def _sources(span: dirt.Span) -> tuple[int, ...]:
    """Four offsets that a place is filled from, 0 for none."""
    return (span.first, span.second, *span.further, 0, 0)[:4]


def _full(
    mask: npt.NDArray[np.bool_], factor: int, height: int, width: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    large = mask.repeat(factor, axis=0).repeat(factor, axis=1)[:height, :width]
    rows, columns = np.nonzero(large)
    return rows, columns
