"""Fuzzing all targets: ``python -m fuzz.run --inputs 10000`` in ``tests/``; prints a table, and keeps what it finds.

Half of the inputs are spoilt by ``mutate``, half are made by atheris where it is installed (``.ci/setup-fuzz``): guided
by coverage, they reach what chance does not.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import selectors
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.mutate import mutated
from fuzz.seeds import every

MEMORY = 6 << 30
"""Bytes of addresses that a child may use; torch alone takes more than one of them."""
PATIENCE = 20.0
"""Seconds that an input may take on a busy machine."""
LEFT: dict[str, object] = {"outcome": "crash", "reason": "the process left by itself"}
_STARTING = 60.0
"""Seconds that a child may take for its first input, which imports what it needs."""


@dataclass
class Tally:
    """What became of the inputs of a target."""

    inputs: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    hangs: int = 0
    crashes: int = 0
    peak: int = 0
    """KiB of the hungriest child."""
    slowest: float = 0.0
    findings: list[tuple[str, bytes]] = field(default_factory=list)

    def count(self, found: dict[str, object], data: bytes) -> None:
        self.inputs += 1
        self.peak = max(self.peak, int(str(found.get("peak", 0))))
        self.slowest = max(self.slowest, float(str(found.get("seconds", 0))))
        match found["outcome"]:
            case "accepted":
                self.accepted += 1
            case "rejected":
                self.rejected[str(found["reason"])] += 1
            case "hang":
                self.hangs += 1
            case _:
                self.crashes += 1
        if found["outcome"] not in ("accepted", "rejected"):
            self.findings.append((f"{found['outcome']}: {found['reason']}", data))


class Child:
    """A process that tries inputs; a new one after each that ended it."""

    def __init__(self, target: str, *mode: str) -> None:
        self._command = [sys.executable, "-m", "fuzz.child", target, str(MEMORY), *mode]
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the child)
        self._waited = False

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._errors.close()

    def try_one(self, data: bytes) -> dict[str, object]:
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(struct.pack("<I", len(data)) + data)
            process.stdin.flush()
        except BrokenPipeError:
            return self.ended() or LEFT
        return self.next() or self.ended() or LEFT

    def next(self) -> dict[str, object] | None:
        """What the child tells of its next input; None where it has ended."""
        process = self._started()
        assert process.stdout is not None
        patience = PATIENCE if self._waited else _STARTING
        self._waited = True
        with selectors.DefaultSelector() as waiting:  # select itself cannot wait for files beyond the thousandth
            waiting.register(process.stdout, selectors.EVENT_READ)
            told = waiting.select(patience)
        if not told:
            self._end()
            return {"outcome": "hang", "reason": f"more than {patience:g} s", "seconds": patience}
        line = process.stdout.readline()
        return dict(json.loads(line)) if line.endswith(b"\n") else None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0,
                env=environment, cwd=Path(__file__).parent.parent,
            )  # fmt: skip
            self._waited = False
        return self._process

    def ended(self) -> dict[str, object] | None:
        """What ended the child; None where it had done all that it was to do."""
        assert self._process is not None
        status = self._process.wait(PATIENCE)
        self._end()
        if status == 0:
            return None
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 300))
        said = self._errors.read().decode(errors="replace").strip().replace("\n", " | ")
        return {"outcome": "crash", "reason": f"the process ended with {status}: {said}"}

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def spoilt(target: str, seeds: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """``count`` inputs of a target, the sound ones first; the same for the same ``seed``."""
    choose = random.Random(f"{seed} {target}")
    yield from seeds[:count]
    for _ in range(max(0, count - len(seeds))):
        yield mutated(choose.choice(seeds), choose)


def by_chance(target: str, seeds: list[bytes], count: int, seed: int, tally: Tally) -> None:
    with Child(target) as child:
        for data in spoilt(target, seeds, count, seed):
            tally.count(child.try_one(data), data)


def by_coverage(target: str, seeds: list[bytes], count: int, tally: Tally) -> None:
    """The same by atheris. A child that an input ended is followed by another one, from what was found so far."""
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name)
        (corpus / "found").mkdir()
        for number, data in enumerate(seeds):
            (corpus / f"seed{number}").write_bytes(data)
        wanted = tally.inputs + count
        while tally.inputs < wanted:
            before = tally.inputs
            with Child(target, "guided", str(wanted - before), name) as child:
                while tally.inputs < wanted and _told(child, corpus / "running", tally):
                    pass
            if tally.inputs == before:
                raise RuntimeError(f"atheris tries nothing for {target}")


def _told(child: Child, running: Path, tally: Tally) -> bool:
    """Count what a guided child tells next; False where it has come to its end."""
    found = child.next()
    if found is None:
        found = child.ended()
        if found is None:
            return False
        tally.count(found, running.read_bytes() if running.exists() else b"")
        return False
    over = found["outcome"] == "hang"
    tally.count(found, running.read_bytes() if over else bytes.fromhex(str(found.get("data", ""))))
    return not over


def row(name: str, tally: Tally) -> str:
    reasons = ", ".join(f"{reason} {count}" for reason, count in tally.rejected.most_common())
    cells = (name, tally.inputs, tally.accepted, sum(tally.rejected.values()), reasons, tally.hangs, tally.crashes,
             f"{tally.slowest:.1f}", tally.peak >> 10)  # fmt: skip
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default="", help="Targets whose names begin so.")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="Folder for what was found.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        seeds = {key: value for key, value in every(Path(name)).items() if key.startswith(asked.only)}
    guided = subprocess.run([sys.executable, "-c", "import atheris"], capture_output=True).returncode == 0
    print(f"{asked.inputs} inputs, seed {asked.seed}, " + ("half guided by coverage" if guided else "no atheris"))
    print(
        "| target | inputs | accepted | rejected | reasons | hangs | crashes | slowest s | peak MiB |\n|" + "---|" * 9
    )
    failed = 0
    each = -(-asked.inputs // len(seeds))
    for key, value in seeds.items():
        tally, began = Tally(), time.monotonic()
        by_chance(key, value, each - each // 2 if guided else each, asked.seed, tally)
        if guided:
            by_coverage(key, value, each // 2, tally)
        print(row(key, tally), flush=True)
        print(f"{key}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        for what, data in tally.findings:
            failed += 1
            folder = asked.keep / key.replace(" ", "-")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
            print(f"  {key}: {what[:300]}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
