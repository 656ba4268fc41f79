"""What solving leaves behind: one safetensors file with the clock and every stage's rows, read piece by piece."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from resilver_server.domain.clocks import Clock
from resilver_server.domain.digests import digest_of
from resilver_server.domain.spans import Span

_CLOCK = "clock/"


def every_frame(source: Span, rate: Fraction) -> Clock:
    """The clock of media in which nothing was looked for: each frame at its own time, no walls."""
    return Clock(tuple(source), tuple(frame / rate for frame in source))


def save_state(path: str | Path, clock: Clock, states: Mapping[str, Mapping[str, npt.NDArray[np.generic]]]) -> None:
    """Write the clock and, by stage name, rows whose first axis is the clock's entries."""
    arrays: dict[str, npt.NDArray[Any]] = {
        f"{_CLOCK}frames": np.array(clock.frames, np.int64),
        f"{_CLOCK}numerators": np.array([time.numerator for time in clock.times], np.int64),
        f"{_CLOCK}denominators": np.array([time.denominator for time in clock.times], np.int64),
        f"{_CLOCK}walls": np.array(clock.walls, np.int64),
    }
    for stage, rows in states.items():
        for name, values in rows.items():
            if len(values) != len(clock):
                raise ValueError(f"{stage}/{name} has {len(values)} rows for {len(clock)} entries")
            arrays[f"{stage}/{name}"] = np.ascontiguousarray(values)
    save_file(arrays, str(path))


class StateFile:
    """An open state. Rows are read as they are asked for, so that memory does not grow with the film."""

    def __init__(self, path: str | Path) -> None:
        self._stack = ExitStack()
        self._file: Any = self._stack.enter_context(safe_open(str(path), framework="numpy"))
        self._names = tuple(self._file.keys())
        self.clock = self._clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def stages(self) -> tuple[str, ...]:
        """Stages that left rows."""
        found = (name.rpartition("/")[0] for name in self._names if not name.startswith(_CLOCK))
        return tuple(sorted(set(found)))

    def rows(self, stage: str, span: Span) -> dict[str, npt.NDArray[Any]]:
        """A stage's rows for a span of entries; empty for a stage that left none."""
        prefix = f"{stage}/"
        wanted = (name for name in self._names if name.startswith(prefix) and stage != "clock")
        return {name[len(prefix) :]: self._file.get_slice(name)[span.start : span.stop] for name in wanted}

    def digest(self, stage: str, entries: Sequence[int]) -> str:
        """sha256 over a stage's rows of some entries."""
        parts: list[object] = []
        for entry in entries:
            for name, row in sorted(self.rows(stage, Span(entry, entry + 1)).items()):
                parts.append((name, str(row.dtype), list(row.shape), row.tobytes().hex()))
        return digest_of(parts)

    def _clock(self) -> Clock:
        read = {name: self._file.get_tensor(_CLOCK + name) for name in _PARTS}
        ratios = zip(read["numerators"].tolist(), read["denominators"].tolist(), strict=True)
        times = tuple(Fraction(numerator, denominator) for numerator, denominator in ratios)
        return Clock(tuple(read["frames"].tolist()), times, tuple(read["walls"].tolist()))


_PARTS = ("frames", "numerators", "denominators", "walls")
