"""The wire contract: generated code is what the pinned compiler writes, and every field says what it means."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from support.shared import ROOT

CHECKED_IN = ROOT / "protos" / "python" / "resilver" / "v1"
SOURCES = sorted((ROOT / "protos" / "resilver" / "v1").glob("*.proto"))


def _compiler_present() -> bool:
    return (ROOT / ".venv" / "proto-tools" / "bin" / "protoc-gen-mypy").exists()


def test_generated_code_is_what_the_compiler_writes(tmp_path: Path) -> None:
    if not _compiler_present() and sys.version_info >= (3, 13):
        pytest.skip("the pinned compiler has no wheel for Python 3.13 or later")
    environment = os.environ | {"PYTHON": sys.executable, "OUT": str(tmp_path)}
    script = ROOT / "protos" / "generate.sh"
    run = subprocess.run([script], env=environment, capture_output=True, text=True, timeout=300)
    if run.returncode and not _compiler_present():
        pytest.skip(f"the pinned compiler cannot be installed here: {run.stderr[-300:]}")
    assert run.returncode == 0, run.stderr
    written = {path.name: path.read_text() for path in (tmp_path / "resilver" / "v1").iterdir()}
    kept = {path.name: path.read_text() for path in CHECKED_IN.iterdir() if "_pb2" in path.name}
    assert sorted(written) == sorted(kept)
    stale = [name for name in written if written[name] != kept[name]]
    assert not stale, f"run `make proto`: {stale}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_everything_in_the_contract_is_explained(source: Path) -> None:
    declaration = re.compile(
        r"^(service|message|enum|oneof|rpc|[A-Z_]+ = |(repeated |optional )?[\w.<>, ]+ \w+ = \d+;)"
    )
    lines = [line.strip() for line in source.read_text().splitlines()]
    bare = [line for before, line in pairwise(lines) if declaration.match(line) and not before.startswith("//")]
    assert len([line for line in lines if declaration.match(line)]) > 10
    assert not bare


def test_sequence_numbers_of_fields_have_no_holes() -> None:
    """A hole would be a field that was taken out: its number must then be reserved by name."""
    for source in SOURCES:
        for body in re.findall(r"^message \w+ \{(.*?)^\}", source.read_text(), re.S | re.M):
            numbers = sorted(int(number) for number in re.findall(r"= (\d+);", body))
            assert numbers == list(range(1, len(numbers) + 1)), (source.name, body)
