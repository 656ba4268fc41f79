"""``resilver age`` and ``resilver measure``: what quality measurements stand on."""

from __future__ import annotations

import dataclasses
import json
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from resilver_client.errors import InvalidRequest
from resilver_server.domain.serial import from_json, to_json
from resilver_server.domain.spans import Span

from .arguments import parse_frames, parse_target, rate_argument
from .paths import real_path
from .reporting import console

if TYPE_CHECKING:
    from resilver_server.lab.age import AgeSettings
    from resilver_server.lab.measure import Comparison


_MOST_DAMAGE = 1000
"""A thousand blotches a frame leave no film; more would be drawn for hours."""


class At(StrEnum):
    """Which frames are compared."""

    EVERY_FRAME = "every-frame"
    COMMON_TIMES = "common-times"


def age(
    source: Annotated[Path, typer.Argument(help="A clean clip.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A new folder for the aged clip and its truths.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same damage.")] = 0,
    span: Annotated[str | None, typer.Option("--range", help="Frames, half-open: 24:72.")] = None,
    size: Annotated[str | None, typer.Option(help="Size of the aged clip: 320x180.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, e.g. dirt=0, cadence=3/2.")] = None,
) -> None:
    """Damage a clean clip as a hundred years do, with every ground truth beside it."""
    from resilver_server.lab.files import CLIPS, age_file
    from resilver_server.media.probe import ensure_usable, probe

    wanted = _settings(settings or [])
    info = probe(str(real_path(source)))
    ensure_usable(info)
    taken = Span(*parse_frames(span)) if span else None
    if taken and taken.stop > info.frame_count:
        raise typer.BadParameter(f"the clip has {info.frame_count} frames", param_hint="--range")
    count = age_file(info, real_path(output), wanted, seed, taken, parse_target(size).size if size else None)
    console.print(f"{count} frames: {', '.join(f'{name}.mkv' for name in CLIPS)}, truth.json in {output}")


def _settings(items: list[str]) -> AgeSettings:
    """``NAME=VALUE`` laid over the defaults."""
    from resilver_server.lab.age import AgeSettings

    values: dict[str, Any] = dict(_object(to_json(AgeSettings())))
    for item in items:
        name, equals, text = item.partition("=")
        if not equals or name not in values:
            raise typer.BadParameter(f"{item!r}: known are {', '.join(values)}", param_hint="--set")
        values[name] = text if isinstance(values[name], str) else _value(text)
    try:
        settings: AgeSettings = from_json(AgeSettings, values, "--set")
    except InvalidRequest as error:
        raise typer.BadParameter(str(error), param_hint="--set") from error
    for name, value in vars(settings).items():
        if isinstance(value, (int, float, Fraction)) and not 0 <= value <= _MOST_DAMAGE:
            raise typer.BadParameter(f"{name}={value} lies outside 0 to {_MOST_DAMAGE}", param_hint="--set")
    return settings


def _object(value: object) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def measure(
    a: Annotated[Path, typer.Argument(help="A clip: what it should be.")],
    b: Annotated[Path, typer.Argument(help="Another of the same geometry.")],
    luma: Annotated[bool, typer.Option("--luma", help="Compare luma only.")] = False,
    at: Annotated[At, typer.Option(help="Every frame, or only where the times of both clips meet.")] = At.EVERY_FRAME,
    rate_a: Annotated[str | None, typer.Option(help="Rate at which A is played.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """PSNR, SSIM, temporal difference and brightness of two clips. Refuses unequal geometry or count; never resizes."""
    from resilver_server.lab.files import measure_files
    from resilver_server.media.probe import probe

    first = probe(str(real_path(a)), rate_argument(rate_a, "--rate-a") if rate_a else None)
    result = measure_files(first, probe(str(real_path(b))), luma=luma, at_common_times=at is At.COMMON_TIMES)
    if as_json:
        print(json.dumps([dataclasses.asdict(score) for score in result.frames], indent=1))
    else:
        console.print(_summary(result))


def _summary(result: Comparison) -> Table:
    change_a, change_b = result.temporal_difference
    light_a, light_b = (_spread(trace) for trace in result.brightness)
    table = Table(show_header=False, box=None)
    table.add_row("frames", str(len(result.frames)))
    table.add_row("PSNR", f"{result.psnr:.2f} dB")
    table.add_row("SSIM", f"{result.ssim:.4f}")
    table.add_row("change from frame to frame", f"A {255 * change_a:.2f}, B {255 * change_b:.2f} code values")
    table.add_row("brightness, mean and s.d.", f"A {light_a}, B {light_b} code values")
    return table


def _spread(trace: tuple[float, ...]) -> str:
    mean = sum(trace) / len(trace)
    deviation = (sum((value - mean) ** 2 for value in trace) / len(trace)) ** 0.5
    return f"{255 * mean:.1f} ± {255 * deviation:.2f}"
