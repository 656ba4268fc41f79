"""The figures of colour propagation, whole clips at their own size: PYTHONPATH=tests python -m support.colour_figures

On an idle core it takes about an hour; ``--every 8`` measures each eighth frame, ``--width 480`` smaller pictures.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from resilver_server.lab.colour import chained, copied, distribution_change
from resilver_server.lab.measure import psnr
from resilver_server.lab.pictures import Image

from .colours import Shot
from .flicker import movie
from .shared import footage

CLIPS = (
    ("bigbuckbunny.mp4", 0),
    ("bigbuckbunny.mp4", 60),
    ("flower.mp4", 0),
    ("flower.mp4", 90),
    ("one-by-one-person-detection.mp4", 200),
    ("one-by-one-person-detection.mp4", 600),
)
SURE = 0.5


@dataclass(frozen=True)
class Figures:
    """Of one way of carrying colour. dB over RGB."""

    mean: float
    last: float
    seen: float
    """Mean over the places that the stage was sure of."""
    unseen: float
    cdc: float


def figures(clip: Sequence[Image], keys: Mapping[int, Image], entries: Sequence[int]) -> dict[str, Figures]:
    """The stage ("ours") with all key frames, and the baselines with the first, which has to be frame 0."""
    shot = Shot(clip, keys)
    found = shot.coloured(entries)
    sure = [where > SURE for _, where in found]
    grey = [shot.grey[entry] for entry in entries]
    warped = list(chained(shot.grey[1:], clip[0]))
    ways = {
        "ours": [frame for frame, _ in found],
        "chained": [warped[entry - 1] for entry in entries],
        "copied": list(copied(grey, clip[0])),
    }
    truth = [clip[entry] for entry in entries]
    return {name: _figures([frame.clip(0, 1) for frame in frames], truth, sure) for name, frames in ways.items()}


def _figures(frames: Sequence[Image], truth: Sequence[Image], sure: Sequence[np.ndarray]) -> Figures:
    each = [psnr(frame, true) for frame, true in zip(frames, truth, strict=True)]
    errors = [((frame - true) ** 2).mean(axis=0) for frame, true in zip(frames, truth, strict=True)]
    seen = np.concatenate([error[where] for error, where in zip(errors, sure, strict=True)])
    unseen = np.concatenate([error[~where] for error, where in zip(errors, sure, strict=True)])
    parts = [float(-10 * np.log10(part.mean())) if len(part) else float("nan") for part in (seen, unseen)]
    return Figures(float(np.mean(each)), each[-1], parts[0], parts[1], distribution_change(frames))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--width", type=int, default=0)
    parser.add_argument("--clip", type=int, nargs="*", default=list(range(len(CLIPS))))
    parser.add_argument("--two", action="store_true", help="a second key frame, the last")
    given = parser.parse_args()
    for name, start in (CLIPS[index] for index in given.clip):
        path = footage("colour", name)
        clip = movie(path, 49, given.width or own_width(str(path)), start)
        keys = {0: clip[0], 48: clip[48]} if given.two else {0: clip[0]}
        entries = list(range(given.every, 49, given.every))
        for way, found in figures(clip, keys, entries).items():
            print(name, start, way, found, flush=True)


def own_width(path: str) -> int:
    from resilver_server.media.probe import probe

    return probe(path).format.width


if __name__ == "__main__":
    main()
