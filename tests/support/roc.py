"""How much dirt repair finds at how many false alarms.

``python tests/support/roc.py`` prints it for aged clips, and for real film, whose truth nobody knows, the share of
pixels changed. Takes some minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import cv2
import numpy as np

from resilver_server.lab.dirt_roc import FALSE_ALARMS, Rates, changed, detection_at, rates, to_find
from resilver_server.lab.pictures import Image
from resilver_server.stages.repair.spec import RepairParameters
from support.dirt import Dirty, dirty, repaired
from support.flicker import deflickered, distinct, movie, pictures
from support.shared import footage

SENSITIVITIES = (0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
CLIPS = {
    "people": ("one-by-one-person-detection.mp4", 700),
    "flower": ("flower.mp4", 90),
    "bunny": ("bigbuckbunny.mp4", 80),
}
FILMS = ("great_train_robbery_1903", "san_francisco_fire_1906")

Cleaner = Callable[[Sequence[Image], float, Sequence[int]], list[Image]]
"""Frames, sensitivity and the numbers of those wanted: repair, or a peer."""


def sintel(width: int) -> list[Image]:
    """Ten frames of fast motion, drawn."""
    found = []
    for path in sorted(footage("colour", "sintel_demo_frames").glob("*.png")):
        picture = np.asarray(cv2.imread(str(path)))[..., ::-1]
        size = (width, round(picture.shape[0] * width / picture.shape[1]))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        found.append(np.ascontiguousarray(small.transpose(2, 0, 1)).astype(np.float32) / 255)
    return found


def ours(frames: Sequence[Image], sensitivity: float, only: Sequence[int]) -> list[Image]:
    return repaired(frames, RepairParameters(sensitivity=sensitivity, lines=False, bursts=False), only=only)


def swept(
    clip: Dirty, only: Sequence[int], sensitivities: Sequence[float] = SENSITIVITIES, cleaner: Cleaner = ours
) -> list[Rates]:
    """One point of the curve for each sensitivity, over the frames with these numbers."""
    truth = {k: to_find(clip.frames[k], clip.without[k], clip.dirt[k]) for k in only}
    points = []
    for sensitivity in sensitivities:
        results = cleaner(clip.frames, sensitivity, only)
        flags = ((changed(r, clip.frames[k]), truth[k], clip.dirt[k]) for r, k in zip(results, only, strict=True))
        points.append(rates(flags))
    return points


def main() -> None:
    print("detection at false alarms of", *(f"{100 * rate:g} %" for rate in FALSE_ALARMS))
    clips = {name: movie(footage("colour", file), 12, 448, start) for name, (file, start) in CLIPS.items()}
    for name, frames in {**clips, "sintel": sintel(448)}.items():
        points = swept(dirty(frames, seed=11), range(3, len(frames) - 3, 2))
        print(name, *(f"{found:.3f}" for found in detection_at(points)), "as swept", *points, flush=True)
    for name in FILMS:
        frames = pictures(footage("film", name))
        frames = deflickered([frames[k] for k in distinct(frames)], Fraction(16))
        only = range(4, len(frames) - 4, 12)
        for sensitivity in SENSITIVITIES[1::2]:
            results = ours(frames, sensitivity, only)
            shares = [float(changed(r, frames[k]).mean()) for r, k in zip(results, only, strict=True)]
            print(name, "sensitivity", sensitivity, *(f"{100 * share:.3f} %" for share in shares), flush=True)


if __name__ == "__main__":
    main()
