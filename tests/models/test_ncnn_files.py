"""ncnn files are read to their last byte, and damage is named. The files are written here, weight by weight."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from resilver_client.errors import ModelUnreadable
from resilver_server.models.architectures import Architecture, SrvggParameters
from resilver_server.models.cards import CardFile, ModelCard
from resilver_server.models.converters.convert import convert
from resilver_server.models.converters.ncnn import read_ncnn
from resilver_server.models.sources import LocalFile

_HALF = struct.pack("<I", 0x01306B47)
_PARAM = """7767517
4 4
Input input 0 1 data
Convolution first 1 1 data a 0=1 1=3 4=1 5=1 6=27
PReLU act 1 1 a b 0=1
Convolution last 1 1 b output 0=3 1=1 5=1 6=3 9=2 -23310=1,2.000000e-01
"""
_FIRST = (np.arange(27) / 8).astype("<f2")
_BIN = (
    _HALF
    + _FIRST.tobytes()
    + b"\0\0"  # 27 halves are padded to a multiple of four bytes
    + struct.pack("<f", 0.5)
    + struct.pack("<f", 0.25)
    + bytes(4)
    + struct.pack("<6f", 1, 2, 3, 4, 5, 6)
)


def _files(tmp_path: Path, data: bytes = _BIN, param: str = _PARAM) -> tuple[Path, Path]:
    (tmp_path / "net.bin").write_bytes(data)
    (tmp_path / "net.param").write_text(param)
    return tmp_path / "net.bin", tmp_path / "net.param"


def test_halves_and_floats(tmp_path: Path) -> None:
    _, first, act, last = read_ncnn(*_files(tmp_path))
    assert torch.equal(first.tensors[0], torch.from_numpy(_FIRST.astype(np.float32)).reshape(1, 3, 3, 3))
    assert first.tensors[1].tolist() == [0.5]
    assert act.tensors[0].tolist() == [0.25]
    assert last.tensors[0].flatten().tolist() == [1, 2, 3]
    assert last.tensors[1].tolist() == [4, 5, 6]


@pytest.mark.parametrize("cut", [1, 4, 24, 40, len(_BIN)])
def test_truncated(tmp_path: Path, cut: int) -> None:
    with pytest.raises(ModelUnreadable, match="ends too early"):
        read_ncnn(*_files(tmp_path, _BIN[:-cut]))


def test_bytes_left_over(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="4 bytes are left over"):
        read_ncnn(*_files(tmp_path, _BIN + bytes(4)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("7767517", "7767518"),
        ("4 4", "5 4"),
        ("PReLU act", "Mystery act"),
        ("6=27", "6=28"),
        ("0=1 1=3", "0=x 1=3"),
        ("Convolution first 1 1", "Convolution first one 1"),
        (_PARAM, ""),
    ],
)
def test_nonsense_in_the_text(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(ModelUnreadable):
        read_ncnn(*_files(tmp_path, param=_PARAM.replace(old, new)))


def test_unknown_storage(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="unknown way"):
        read_ncnn(*_files(tmp_path, b"\1\2\3\4" + _BIN[4:]))


def test_files_of_another_network(tmp_path: Path) -> None:
    file = CardFile((LocalFile("x"),), 1, "0" * 64)
    parameters = SrvggParameters(features=64, convolutions=16, factor=4)
    model = ModelCard("x", "x", Architecture.SRVGG, parameters, 4, 18, 1, (file, file), "MIT", "MIT", True)
    with pytest.raises(ModelUnreadable, match="2 convolutions where the card has 18"):
        convert(model, _files(tmp_path))
