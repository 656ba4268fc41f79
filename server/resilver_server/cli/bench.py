"""``resilver bench``: bare network, stage and whole pipeline, in one run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .arguments import device_argument, parse_target
from .reporting import console

if TYPE_CHECKING:
    from resilver_server.lab.bench import Timing

_MEGABYTE = 1 << 20


def bench(
    upscale: Annotated[list[str] | None, typer.Option(help="Networks to enlarge with.")] = None,
    interpolate: Annotated[list[str] | None, typer.Option(help="Networks to interpolate with.")] = None,
    size: Annotated[str, typer.Option(help="Size of the frames that go in.")] = "320x180",
    frames: Annotated[int, typer.Option(min=2, help="Frames of the clip.")] = 12,
    rounds: Annotated[int, typer.Option(min=1, help="Medians are over so many rounds.")] = 3,
    device: Annotated[str | None, typer.Option(help="cpu, cuda:0, mps; the best there is if not given.")] = None,
    memory: Annotated[
        bool, typer.Option("--memory", help="Peak memory of a clip and of one ten times as long.")
    ] = False,
    as_json: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Time networks alone, in their stage, and in the whole pipeline. Quote the ratios: machines differ."""
    from resilver_server.lab import bench as lab

    measure = parse_target(size).size
    if measure is None:
        raise typer.BadParameter(f"{size!r} is no size; write 320x180", param_hint="--size")
    if memory:
        _print_memory(measure)
        return
    chosen = device_argument(device)
    none_given = not (upscale or interpolate)
    timings = [
        *(
            lab.bench_upscale(m, measure, frames, rounds, chosen)
            for m in upscale or ["realesr-animevideov3"] * none_given
        ),
        *(lab.bench_interpolate(m, measure, frames, rounds, chosen) for m in interpolate or ["rife-4.25"] * none_given),
    ]
    peers = _ncnn(timings, measure, rounds)
    console.print(_table(timings, peers))
    if as_json:
        rows = [asdict(timing) | {"ncnn": peers.get(timing.model)} for timing in timings]
        as_json.write_text(json.dumps(rows, indent=1) + "\n")


def _print_memory(size: tuple[int, int]) -> None:
    from resilver_server.lab.bench_memory import LONGER, peaks

    short, long = peaks(size)
    console.print(
        f"peak resident size: {short / _MEGABYTE:.0f} MiB; of a clip {LONGER} times as long: "
        f"{long / _MEGABYTE:.0f} MiB, ratio {long / short:.3f}"
    )


def _ncnn(timings: list[Timing], size: tuple[int, int], rounds: int) -> dict[str, float]:
    """Seconds a frame in ncnn, of the enlarging networks on a CPU, where ncnn is installed."""
    from resilver_server.lab import bench_ncnn

    wanted = [t.model for t in timings if t.stage == "upscale" and t.device == "cpu"]
    return {m: bench_ncnn.seconds_per_frame(m, size, rounds) for m in wanted} if bench_ncnn.available() else {}


def _table(timings: list[Timing], peers: dict[str, float]) -> Table:
    """A column for each network, a row for each figure: fits a narrow terminal."""
    table = Table("", *(t.stage for t in timings), box=None)
    rows = [_figures(timing, peers.get(timing.model)) for timing in timings]
    for name in rows[0]:
        table.add_row(name, *(row[name] for row in rows))
    return table


def _figures(timing: Timing, peer: float | None) -> dict[str, str]:
    pixels = timing.width * timing.height / 1e6
    return {
        "network": timing.model,
        "on": f"{timing.device} {timing.dtype}",
        "frames in": f"{timing.width}x{timing.height}",
        "network calls a round": str(timing.calls),
        "bare network, s a call": f"{timing.bare:.3f}",
        "stage": f"{timing.staged:.3f}",
        "whole pipeline": f"{timing.pipeline:.3f}",
        "stage / bare": f"{timing.stage_ratio:.3f}",
        "pipeline / bare": f"{timing.pipeline_ratio:.3f}",
        "bare, s a megapixel": f"{timing.seconds_per_megapixel:.2f}",
        "ncnn, s a megapixel": f"{peer / pixels:.2f}" if peer else "-",
        "peak memory, MiB": str(timing.peak_memory // _MEGABYTE),
    }
