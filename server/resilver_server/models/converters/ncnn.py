"""Read ncnn's ``.param`` (layers as text) and ``.bin`` (weights in layer order, no names).

Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure. Layers that carry weights are read in
file order and the file must end exactly there: a layer that we misjudge cannot pass unnoticed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from resilver_client.errors import ModelUnreadable

_MAGIC = "7767517"
_HALF = 0x01306B47
_RAW = 0
_WEIGHTLESS = frozenset(
    ("BinaryOp", "Concat", "Eltwise", "Input", "Interp", "PixelShuffle", "Sigmoid", "Split", "Swish")
)


@dataclass(frozen=True)
class Layer:
    kind: str
    name: str
    values: dict[int, float]
    """Scalar parameters by number."""
    tensors: tuple[Tensor, ...]
    """float32. Convolution: weight (out, in, k, k), bias (out,). PReLU: slopes (n,). MemoryData: (w,) or (c, h, w)."""


def read_ncnn(weights: Path, param: Path) -> tuple[Layer, ...]:
    """All layers with their weights. Raises ModelUnreadable naming the layer at which the files part."""
    rows = _rows(param)
    data = _Reader(weights.read_bytes(), str(weights))
    try:
        layers = tuple(_layer(kind, name, values, data) for kind, name, values in rows)
    except (ValueError, OverflowError, RuntimeError) as error:  # sizes that are no numbers, or too large for any
        raise ModelUnreadable(f"a layer of impossible size: {error}", where=str(param)) from error
    data.finish()
    return layers


def _rows(param: Path) -> list[tuple[str, str, dict[int, float]]]:
    try:
        lines = param.read_text(encoding="ascii").splitlines()
        if lines[0].strip() != _MAGIC:
            raise ValueError("no ncnn file")
        count = int(lines[1].split()[0])
        rows = [_row(line.split()) for line in lines[2:] if line.strip()]
        if len(rows) != count:
            raise ValueError(f"{len(rows)} layers where {count} are announced")
    except (ValueError, IndexError, OSError) as error:
        raise ModelUnreadable(f"not a readable .param file: {error}", where=str(param)) from error
    return rows


def _row(words: list[str]) -> tuple[str, str, dict[int, float]]:
    """Kind, name, numbers of inputs and outputs, their names, then ``number=value``; arrays are below -23300."""
    kind, name = words[0], words[1]
    first = 4 + int(words[2]) + int(words[3])
    pairs = (word.split("=", 1) for word in words[first:])
    return kind, name, {int(number): float(value) for number, value in pairs if int(number) > -23300}


def _layer(kind: str, name: str, values: dict[int, float], data: _Reader) -> Layer:
    match kind:
        case "Convolution":
            return Layer(kind, name, values, _convolution(name, values, data))
        case "PReLU":
            return Layer(kind, name, values, (data.floats(int(values.get(0, 0)), name),))
        case "MemoryData":
            shape = [int(values.get(axis, 0)) for axis in (2, 1, 0)]
            sizes = [size for size in shape if size] or [1]
            return Layer(kind, name, values, (data.floats(math.prod(sizes), name).reshape(sizes),))
        case _ if kind in _WEIGHTLESS:
            return Layer(kind, name, values, ())
    raise ModelUnreadable(f"layer kind {kind} is not supported", where=name)


def _convolution(name: str, values: dict[int, float], data: _Reader) -> tuple[Tensor, Tensor]:
    outputs, kernel, total = int(values.get(0, 0)), int(values.get(1, 0)), int(values.get(6, 0))
    if outputs < 1 or kernel < 1 or total % (outputs * kernel * kernel) or int(values.get(11, kernel)) != kernel:
        raise ModelUnreadable("a convolution of impossible size", where=name)
    weight = data.tagged(total, name).reshape(outputs, -1, kernel, kernel)
    bias = data.floats(outputs, name) if int(values.get(5, 0)) else torch.zeros(outputs)
    return weight, bias


class _Reader:
    """The bytes of a ``.bin``, taken from front to back."""

    def __init__(self, data: bytes, where: str) -> None:
        self._data, self._where, self._at = data, where, 0

    def tagged(self, count: int, name: str) -> Tensor:
        """Weights with a flag before them: raw float32, or float16 padded to four bytes."""
        flag = int(np.frombuffer(self._take(4, name), "<u4")[0])
        if flag == _RAW:
            return self.floats(count, name)
        if flag != _HALF:
            raise ModelUnreadable(f"weights are stored in an unknown way ({flag:#x})", where=f"{self._where}, {name}")
        halves = np.frombuffer(self._take(2 * count + 2 * (count % 2), name), "<f2")[:count]
        return torch.from_numpy(halves.astype(np.float32))

    def floats(self, count: int, name: str) -> Tensor:
        return torch.from_numpy(np.frombuffer(self._take(4 * count, name), "<f4").astype(np.float32))

    def finish(self) -> None:
        left = len(self._data) - self._at
        if left:
            raise ModelUnreadable(f"{left} bytes are left over after the last layer", where=self._where)

    def _take(self, size: int, name: str) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise ModelUnreadable("the file ends too early", where=f"{self._where}, layer {name}")
        self._at += size
        return part
