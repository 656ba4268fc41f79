"""How far networks in tiles are from the same networks over the whole frame, at every size of tile.

    PYTHONPATH=tests python -m support.tiles --size 448x336 --pictures FOLDER MODEL...

prints a table in steps of 8 bits, and writes where tiles and whole differ, 64 times as bright, for eyes that look for
seams.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from resilver_server.engine.chain import Interrupt, tiled
from resilver_server.stages.memory import TILES
from support.models import network
from support.shared import footage

ALLOWED = {"film": 1.0, "noise": 2.0}
"""8-bit steps by which a pixel may differ."""
_BRIGHTER = 64


def picture(kind: str, width: int, height: int) -> torch.Tensor:
    """(1, 3, height, width) in 0..1: the middle of a frame of The Great Train Robbery, or grey noise.

    The noise has a deviation of a tenth: over white noise the attention of SPAN runs away, to values in the hundreds.
    """
    if kind == "noise":
        grain = 0.1 * torch.randn((1, 1, height, width), generator=torch.Generator().manual_seed(6))
        return (0.5 + grain).clamp(0, 1).expand(1, 3, -1, -1).contiguous()
    frame = cv2.imread(str(footage("film", "great_train_robbery_1903", "00010.png")))[..., ::-1]
    top, left = ((have - want) // 2 for have, want in zip(frame.shape, (height, width), strict=False))
    middle = frame[top : top + height, left : left + width].astype(np.float32) / 255
    return torch.from_numpy(middle.copy()).permute(2, 0, 1)[None]


def differences(model: str, kind: str, width: int, height: int, tiles: tuple[int, ...]) -> dict[int, torch.Tensor]:
    """By tile: (height, width) of the result, how many 8-bit steps its worst channel is off the whole's."""
    net, frame = network(model), picture(kind, width, height)
    with torch.inference_mode():
        whole = net.module(frame).clamp(0, 1)
        cut = {tile: tiled(net, tile, Interrupt())(frame).clamp(0, 1) for tile in tiles}
    return {tile: (255 * (found - whole)).abs().amax(1)[0] for tile, found in cut.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--size", default="448x336")
    parser.add_argument("--pictures", type=Path)
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    tiles = tuple(tile for tile in TILES if 0 < tile < max(width, height))
    print("model, picture: worst step and r.m.s. by tile", *tiles)
    for model in asked.models:
        for kind in ALLOWED:
            found = differences(model, kind, width, height, tiles)
            told = (f"{off.max():.3f} ({off.square().mean().sqrt():.4f})" for off in found.values())
            print(f"{model}, {kind}:", *told, flush=True)
            if asked.pictures:
                for tile, off in found.items():
                    bright = (off * _BRIGHTER).clamp(0, 255).byte().numpy()
                    cv2.imwrite(str(asked.pictures / f"{model}-{kind}-{tile}.png"), bright)


if __name__ == "__main__":
    main()
