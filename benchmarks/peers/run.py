"""Runs one peer on one clip: ``python -m benchmarks.peers.run NAME SETTINGS.json IN.npy OUT.npy``.

Prints, as JSON, the seconds that it took; ``versions`` in the place of a name prints what it runs on.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from importlib.metadata import distributions
from typing import Any

import numpy as np

from . import dirt, ffmpeg, grain, lines, motion, size

PEERS: dict[str, Callable[..., Any]] = {
    "ffmpeg": ffmpeg.one_filter,
    "ffmpeg-median": ffmpeg.median,
    "ffmpeg-removegrain": ffmpeg.removed_grain,
    "ffmpeg-minterpolate": ffmpeg.interpolated,
    "ffmpeg-deshake": ffmpeg.deshaken,
    "ffmpeg-vidstab": ffmpeg.steadied,
    "ffmpeg-scale": ffmpeg.scaled,
    "temporal-median": dirt.temporal_median,
    "flux-smooth": dirt.flux_smooth,
    "remove-dirt": dirt.remove_dirt,
    "remove-dirt-mc": dirt.remove_dirt_along_motion,
    "spotless": dirt.spotless,
    "descratch": lines.descratch,
    "vertical-cleaner": lines.vertical_cleaner,
    "degrain": grain.motion_degrain,
    "temporal-smooth": grain.temporal_smooth,
    "flow-fps": motion.flow_between,
    "block-fps": motion.blocks_between,
    "depan": motion.depan,
    "spline": size.spline,
    "nnedi3": size.neural_edges,
}


def main(name: str, settings: str = "{}", given: str = "", made: str = "") -> None:
    if name == "versions":
        print(json.dumps(versions()))
        return
    planes = np.load(given)
    begun = time.perf_counter()
    result = PEERS[name](planes, **json.loads(settings))
    seconds = time.perf_counter() - begun
    np.save(made, result)
    print(json.dumps({"seconds": seconds}))


def versions() -> dict[str, str]:
    """FFmpeg and the packages of this environment, by name."""
    packages = {found.name: found.version for found in distributions() if found.name not in ("pip", "setuptools")}
    number = re.match(r"[0-9.]+", ffmpeg.version().lstrip("n"))
    return {"FFmpeg": number.group() if number else ffmpeg.version(), **dict(sorted(packages.items()))}


if __name__ == "__main__":
    main(*sys.argv[1:])
