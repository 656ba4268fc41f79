"""Key frames as a stage's solve and its windows see them: their numbers, their contents, their pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from resilver_client.errors import InvalidKeyFrame, ResilverError
from resilver_server.domain.digests import digest_of
from resilver_server.domain.formats import FrameFormat
from resilver_server.domain.spans import Span
from resilver_server.media import colour
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from resilver_server.planning.chunks import source_names
from resilver_server.planning.plans import ShotPlan, StagePlan
from resilver_server.stages.contract import KeyFrame
from resilver_server.stages.keys import NO_KEY, REFERENCE, key_digest, key_files

from .mattes import laid

_REMEMBERED = 4
"""Pictures: two either side, of this chunk's frames and of those that come."""


class Keys:
    """The key frames of one stage of a shot."""

    def __init__(self, plan: ShotPlan, stage: StagePlan) -> None:
        """Raises InvalidKeyFrame."""
        path = stage.settings.key_frames
        first = plan.media.first_number
        files = key_files(path) if path is not None else {}
        self._files = {number if number == REFERENCE else number - first: file for number, file in files.items()}
        self._plan, self._size = plan, stage.input
        self._remembered: OrderedDict[int, KeyFrame] = OrderedDict()

    def numbers(self) -> npt.NDArray[np.int64]:
        """(k,) media frames of the shot of which there are pictures, or REFERENCE. Raises InvalidKeyFrame where there
        are pictures, but none for the shot."""
        source = self._plan.source
        found = [number for number in self._files if number == REFERENCE or number in source]
        if self._files and not found:
            first = self._plan.media.first_number
            what = f"no picture belongs to the frames {source.start + first} to {source.stop - 1 + first}"
            remedy = "number the pictures after the media's frames"
            raise InvalidKeyFrame(what, where=str(next(iter(self._files.values())).parent), remedy=remedy)
        return np.array(found, np.int64)

    def contents(self, wanted: npt.NDArray[np.int64], sources: Sequence[str]) -> npt.NDArray[np.uint8]:
        """(entries, n, 32): sha256 of each of (entries, n) key frames, 0 for NO_KEY. ``sources``: as in chunk_key."""
        names = {number: self._name(number, sources) for number in np.unique(wanted).tolist()}
        rows = [[list(names[number]) for number in row] for row in wanted.tolist()]
        return np.array(rows, np.uint8).reshape(*wanted.shape, 32)

    def _name(self, number: int, sources: Sequence[str]) -> bytes:
        if number == NO_KEY:
            return bytes(32)
        if number in self._files:
            return bytes.fromhex(key_digest(self._files[number]))
        return bytes.fromhex(digest_of(source_names(self._plan, [number], sources)))

    def at(self, numbers: Iterable[int], device: torch.device, dtype: torch.dtype) -> Mapping[int, KeyFrame]:
        """The pictures by number, each read when it is looked at; NO_KEY is left out. Looking raises InvalidKeyFrame,
        and what Reader raises."""
        wanted = sorted({number for number in numbers if number != NO_KEY})
        return _Pictures(wanted, lambda number: self._found(number, device, dtype))

    def _found(self, number: int, device: torch.device, dtype: torch.dtype) -> KeyFrame:
        if number not in self._remembered:
            self._remembered[number] = self._read(number, device, dtype)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return self._remembered[number]

    def _read(self, number: int, device: torch.device, dtype: torch.dtype) -> KeyFrame:
        if number in self._files:
            return KeyFrame(self._given(number, device).to(dtype), given=True)
        with Reader(self._plan.media, self._plan.shot.fields) as reader:
            (picture,) = reader.read(Span(number, number + 1))
        return KeyFrame(fitted(colour.to_rgb(picture, device, dtype), self._size, device), given=False)

    def _given(self, number: int, device: torch.device) -> torch.Tensor:
        file = self._files[number]
        try:
            with Reader(probe(str(file))) as reader:
                (picture,) = reader.read(Span(0, 1))
        except ResilverError as error:
            raise InvalidKeyFrame(error.what, where=str(file), remedy=error.remedy) from error
        rgb = colour.to_rgb(picture, device, torch.float32)
        if number == REFERENCE:
            return rgb
        height, width = rgb.shape[-2:]
        # a pixel of rounding either way is no other shape
        if abs(width * self._size.height - height * self._size.width) > max(self._size.height, self._size.width):
            what = f"a key frame of {width}x{height} is of another shape than the film's {_written(self._size)}"
            raise InvalidKeyFrame(what, where=str(file), remedy="paint on the frame itself, uncropped")
        return fitted(rgb, self._size, device)


class _Pictures(Mapping[int, KeyFrame]):
    """A stage remembers what it made of most of its key frames, and need not have them read again."""

    def __init__(self, numbers: Sequence[int], read: Callable[[int], KeyFrame]) -> None:
        self._numbers, self._read = numbers, read

    def __getitem__(self, number: int) -> KeyFrame:
        if number not in self._numbers:
            raise KeyError(number)
        return self._read(number)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def fitted(rgb: torch.Tensor, size: FrameFormat, device: torch.device) -> torch.Tensor:
    """A (3, rows, columns) picture at a stage's size."""
    return torch.cat([laid(plane[None], size, device) for plane in rgb])


def _written(size: FrameFormat) -> str:
    return f"{size.width}x{size.height}"
