"""What carried colour must reach, on colour clips turned grey. Numbers are printed (-s).

Smaller and fewer frames than the figures in docs/decisions/1210, which ``support.colour_figures`` measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.colour import chroma, still, unrest
from resilver_server.lab.pictures import Image
from support.colour_figures import figures
from support.colours import Shot
from support.flicker import movie
from support.shared import footage

WIDTH, COUNT = 320, 49
PEOPLE = "one-by-one-person-detection.mp4"


@pytest.mark.parametrize(("name", "start"), [("bigbuckbunny.mp4", 0), ("bigbuckbunny.mp4", 60)])
def test_one_key_frame_beats_copies_and_chained_flow(name: str, start: int) -> None:
    clip = movie(footage("colour", name), COUNT, WIDTH, start)
    found = figures(clip, {0: clip[0]}, [16, 32, 48])
    for way, each in found.items():
        print(name, start, way, each)
    ours = found["ours"]
    assert ours.last >= max(found["chained"].last, found["copied"].last) + 2
    assert ours.seen > ours.unseen + 6


def test_two_key_frames_beat_one() -> None:
    clip = movie(footage("colour", "flower.mp4"), COUNT, WIDTH, 90)
    one, two = (figures(clip, keys, [12, 24, 36])["ours"] for keys in ({0: clip[0]}, {0: clip[0], 48: clip[48]}))
    print("one", one, "two", two)
    assert two.mean > one.mean + 1


def test_still_places_keep_their_chroma_under_flicker_and_grain() -> None:
    settings = replace(AgeSettings(), lost=0, repeated=0, dirt=0, scratches=0, weave=0)
    clip = movie(footage("colour", PEOPLE), 13, WIDTH, 600)
    aged = [found.frame for found in age(clip, settings, 11)]
    steady = still(clip)
    key = _painted(aged[0], clip[0])
    shot = Shot(aged, {0: key})
    found = [frame for frame, _ in shot.coloured(range(1, 13))]
    free = steady & _free(shot.grey, key)
    parts = {name: round(unrest(found, where), 3) for name, where in (("still", steady), ("free", free))}
    print("r.m.s. of chroma, codes:", parts, "free are", round(float(free.mean()), 3), "of the frame")
    assert free.mean() > 0.3
    assert parts["still"] < 0.5
    assert parts["free"] < 0.4


def _free(grey: Sequence[Image], key: Image) -> np.ndarray:
    """(height, width): where the key frame's chroma fits every frame's luma. Elsewhere it has to give way, or luma
    would."""
    return np.all([((frame + chroma(key) >= 0) & (frame + chroma(key) <= 1)).all(axis=0) for frame in grey], axis=0)


def _painted(aged: Image, clean: Image) -> Image:
    """An aged frame with the colours of the clean one."""
    return np.asarray((aged + chroma(clean)).clip(0, 1), np.float32)
