"""FFmpeg's filters. Frames go in and out as yuv420p whose luma is the plane: no filter then converts its values."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.uint8]
_RATE = 24


def filtered(planes: Planes, chain: str, size: tuple[int, int] | None = None) -> Planes:
    """What a chain of filters makes of the clip, at ``size`` (width, height) where the chain changes it. Sides must be
    even. Raises CalledProcessError."""
    count, height, width = planes.shape
    luma = planes.reshape(count, -1)
    grey = np.full((count, height * width // 2), 128, np.uint8)
    given = np.concatenate([luma, grey], axis=1).tobytes()
    form = ["-f", "rawvideo", "-pix_fmt", "yuv420p"]
    shape = ["-s", f"{width}x{height}", "-r", str(_RATE)]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *form, *shape, "-i", "pipe:0"]
    command += ["-vf", f"{chain},format=yuv420p", "-fps_mode", "passthrough", *form, "pipe:1"]
    made = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True).stdout
    columns, rows = size or (width, height)
    frames = np.frombuffer(made, np.uint8).reshape(-1, columns * rows * 3 // 2)
    return frames[:, : columns * rows].reshape(-1, rows, columns)


def one_filter(planes: Planes, **settings: object) -> Planes:
    """``filter`` with its options."""
    name = settings.pop("filter")
    options = ":".join(f"{option}={value}" for option, value in settings.items())
    return filtered(planes, f"{name}={options}" if options else str(name))


def median(planes: Planes, radius: int) -> Planes:
    """``tmedian``, which leaves out ``radius`` frames at both ends: they are repeated for it."""
    return filtered(_held(planes, radius), f"tmedian=radius={radius}")


def _held(planes: Planes, count: int) -> Planes:
    return np.concatenate([planes[:1]] * count + [planes] + [planes[-1:]] * count)


def removed_grain(planes: Planes, mode: int) -> Planes:
    return filtered(planes, f"removegrain=m0={mode}:m1=0:m2=0")


def interpolated(planes: Planes, times: int, **settings: object) -> Planes:
    """``minterpolate`` to ``times`` as many frames: each given one is followed by times - 1 computed ones, but the
    last. It leaves out frames at the end of the clip: the ends are repeated for it."""
    options = "".join(f":{name}={value}" for name, value in settings.items())
    made = filtered(_held(planes, 3), f"minterpolate=fps={_RATE * times}:mi_mode=mci:scd=none{options}")
    return made[3 * times :][: times * (len(planes) - 1) + 1]


def deshaken(planes: Planes, radius: int) -> Planes:
    return filtered(planes, f"deshake=rx={radius}:ry={radius}:edge=mirror")


def steadied(planes: Planes, smoothing: int, shakiness: int) -> Planes:
    """vid.stab in its two passes, without its zoom."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "transforms"
        filtered(planes, f"vidstabdetect=shakiness={shakiness}:accuracy=15:stepsize=4:result={found}")
        moves = f"vidstabtransform=input={found}:optalgo=gauss:smoothing={smoothing}:optzoom=0:interpol=bicubic"
        return filtered(planes, moves)


def scaled(planes: Planes, times: int, flags: str) -> Planes:
    height, width = planes.shape[1] * times, planes.shape[2] * times
    return filtered(planes, f"scale={width}:{height}:flags={flags}+accurate_rnd+full_chroma_int", (width, height))


def version() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_version())
