"""Random SIGKILLs over a set of jobs: ``PYTHONPATH=tests python -m faults.kill --kills 200 --seed 7``.

Every round submits the set to a fresh home and strikes until all of it is done; then results, store and rows are
compared with those of an unbroken run. At the end a table tells what was killed when. With ``--replayed`` workers
answer from memory what the engine did once (``replaying_engine``), so that they are back in a moment.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from faults.attack import Struck, choose, strike
from faults.checks import calm, check
from faults.stage import Stage
from faults.work import Media, jobs, make_media, write_requests
from support.models import installed_models

_LONGEST = 300.0
"""Seconds that a set may take once nobody disturbs it."""


@dataclass
class Tally:
    struck: list[Struck] = field(default_factory=list)
    rounds: int = 0
    starts: int = 0
    client_starts: int = 0

    @property
    def kills(self) -> int:
        return len(self.struck)


@dataclass(frozen=True)
class Setting:
    """What is attacked."""

    folder: Path
    names: Sequence[str] = ()
    """Of the jobs; all where none is given."""
    network: str = "none"
    """Card of an installed model that enlarges one film."""
    replayed: bool = False
    """Whether workers answer from memory what the engine did once."""

    def stage(self, media: Media, name: str, workers: int) -> tuple[Stage, Path]:
        """A home whose jobs are to be submitted, and the folder of their results."""
        folder = self.folder / name
        os.environ["FAULTS_RECORD"] = str(self.folder / "record")
        wanted = [job for job in jobs(media, folder / "out", self.network) if not self.names or job.title in self.names]
        installed_models(folder / "home", self.network)
        engine = "replaying_engine" if self.replayed else "dying_engine"
        return Stage(folder / "home", write_requests(folder / "requests", wanted), workers, engine), folder / "out"


def finish(stage: Stage) -> None:
    deadline = time.monotonic() + _LONGEST
    while not stage.over:
        assert time.monotonic() < deadline, f"the jobs do not end: {stage.said.read_text()}"
        stage.raise_up()
        time.sleep(0.05)
    stage.stop()


def attacked(setting: Setting, kills: int, seed: int) -> Tally:
    """Strike ``kills`` times, over as many rounds as it takes. Raises AssertionError where anything differs."""
    chance, tally, media = Random(seed), Tally(), make_media(setting.folder / "media")
    stage, out = setting.stage(media, "calm", workers=1)
    finish(stage)
    wanted = calm(stage.home, out, media)
    while tally.kills < kills:
        tally.rounds += 1
        stage, out = setting.stage(media, f"round{tally.rounds}", 1 + tally.rounds % 2)
        try:
            _round(stage, tally, kills, chance)
            finish(stage)
        finally:
            stage.kill("server", "client", "worker")
        check(stage.home, out, media, wanted)
        tally.starts, tally.client_starts = tally.starts + stage.starts, tally.client_starts + stage.client_starts
        print(f"round {tally.rounds}: {tally.kills} kills, all jobs done, all digests equal", flush=True)
    return tally


def _round(stage: Stage, tally: Tally, kills: int, chance: Random) -> None:
    stage.raise_up()
    while tally.kills < kills:
        struck = strike(stage, choose(chance))
        if struck is None:
            return
        tally.struck.append(struck)


def table(tally: Tally) -> str:
    """Kills by who was killed and by where the jobs stood."""
    states = ("starting", "submitting", "queued", "analysing", "rendering", "joining", "failed")
    counted = Counter((" + ".join(each.blow.target), each.state) for each in tally.struck)
    targets = sorted({target for target, _ in counted})
    lines = ["| killed | " + " | ".join(states) + " | all |", "|---" * (len(states) + 2) + "|"]
    for target in targets:
        row = [counted[target, state] for state in states]
        lines.append(f"| {target} | " + " | ".join(map(str, row)) + f" | {sum(row)} |")
    moments = Counter(each.blow.moment for each in tally.struck)
    lines.append(f"{tally.kills} kills in {tally.rounds} rounds; {tally.starts} starts of a server, ")
    lines.append(f"{tally.client_starts} of a client; moments: {dict(moments)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--network", default="none", help="card of an installed model that enlarges one film")
    parser.add_argument("--jobs", nargs="*", default=(), help="names out of the set; all where none is given")
    parser.add_argument("--replayed", action="store_true")
    chosen = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="resilver-kill-") as folder:
        setting = Setting(Path(folder), chosen.jobs, chosen.network, chosen.replayed)
        tally = attacked(setting, chosen.kills, chosen.seed)
    print(table(tally))
    print(f"{time.monotonic() - began:.0f} seconds")


if __name__ == "__main__":
    main()
