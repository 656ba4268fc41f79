"""``resilver inspect``: what a file is, as Resilver sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from resilver_server.domain.formats import FieldFilter, MediaInfo
from resilver_server.domain.rates import format_rate
from resilver_server.domain.serial import dumps

from . import arguments
from .reporting import console


def inspect(
    source: Annotated[Path, typer.Argument(help="A movie, a picture or a folder of frames.")],
    rate: Annotated[str | None, typer.Option(help="Rate at which the frames are to be played.")] = None,
    fields: Annotated[FieldFilter, typer.Option(help="Filter for interlaced material.")] = FieldFilter.NONE,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Probe media: rate, real frame count, fields, colour, timecode, sound."""
    from resilver_server.media.probe import probe  # PyAV is imported only when it is needed

    info = probe(str(source.absolute()), arguments.rate_argument(rate, "--rate") if rate else None, fields)
    if as_json:
        print(dumps(info))
    else:
        console.print(_table(info))


def _table(info: MediaInfo) -> Table:
    table = Table(show_header=False, box=None)
    aspect = "" if info.format.pixel_aspect == 1 else f", pixel aspect {info.format.pixel_aspect}"
    colour = info.colour
    table.add_row(str(info.kind), info.path)
    table.add_row(
        "picture",
        f"{info.format.width}x{info.format.height}{aspect}, {info.codec}, {info.pixel_format}, {info.bit_depth} bit",
    )
    table.add_row(
        "rate", f"{format_rate(info.rate)} fps{', variable' if info.variable_rate else ''}, {info.field_order}"
    )
    table.add_row("frames", f"{info.frame_count} ({float(info.duration):.3f} s)")
    table.add_row(
        "colour",
        f"{colour.primaries} / {colour.transfer} / {colour.matrix}, {'full' if colour.full_range else 'limited'}",
    )
    table.add_row("timecode", info.start_timecode or "none")
    for audio in info.audio:
        table.add_row(
            "sound", f"{audio.codec}, {audio.sample_rate} Hz, {audio.channels} channels, {float(audio.duration):.3f} s"
        )
    return table
