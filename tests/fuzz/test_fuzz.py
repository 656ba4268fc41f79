"""Five hundred spoilt inputs, the same every time: each is refused with a reason, or taken; none hangs or crashes.

``python -m fuzz.run`` in ``tests/`` tries ten thousand, half of them guided by coverage.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.run import Tally, by_chance
from fuzz.seeds import every
from fuzz.targets import TARGETS

INPUTS = 500
EACH = -(-INPUTS // len(TARGETS))
SEED = 2026
LARGEST = 1 << 20
"""KiB of memory that any child may come to hold; torch alone takes a quarter of it."""


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    return every(tmp_path_factory.mktemp("seeds"))


def test_there_are_seeds_for_every_target(seeds: dict[str, list[bytes]]) -> None:
    assert seeds.keys() == TARGETS.keys()


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_hangs_or_crashes(target: str, seeds: dict[str, list[bytes]], tmp_path: Path) -> None:
    tally = Tally()
    by_chance(target, seeds[target], EACH, SEED, tally)
    for number, (_, data) in enumerate(tally.findings):
        (tmp_path / f"finding{number}").write_bytes(data)
    assert not tally.findings, f"{[what for what, _ in tally.findings]}, kept in {tmp_path}"
    assert tally.inputs == EACH
    assert tally.accepted + sum(tally.rejected.values()) == EACH
    assert tally.peak < LARGEST
