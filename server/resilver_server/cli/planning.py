"""A plan, printed: what would be done to which frames, and what to know beforehand."""

from __future__ import annotations

from fractions import Fraction

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from resilver.v1 import jobs_pb2, types_pb2
from resilver_server.domain.rates import format_rate

_MEGABYTE = 1 << 20


def print_plan(plan: jobs_pb2.Plan, console: Console) -> None:
    """For people; ``--json`` prints the message itself."""
    for shot in plan.shots:
        _print_shot(shot, console)
    for refusal in plan.refusals:
        console.print(f"[red]left out[/red] {escape(f'{refusal.clip}: {refusal.reason}: {refusal.message}')}")
    for warning in plan.warnings:
        console.print(f"[yellow]warning[/yellow] {escape(warning)}")
    console.print(f"memory at most about {plan.memory // _MEGABYTE} MiB")


def _print_shot(shot: jobs_pb2.ShotPlan, console: Console) -> None:
    console.print(f"[bold]{escape(shot.name)}[/bold]  {escape(shot.media.path)}", soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_row("source", f"{_size(shot.media.format)}, {_rate(shot.play_rate)} fps, {shot.media.frame_count} frames")
    table.add_row(
        "range", f"frames {shot.source.start} to {shot.source.stop} (handles included), speed {_number(shot.speed)}"
    )
    for stage in shot.stages:
        models = ", ".join(f"{model.id} ({model.licence})" for model in stage.models)
        table.add_row(stage.settings.stage, f"{_size(stage.input)} -> {_size(stage.output)}  {models}")
    stored = sum(chunk.stored for chunk in shot.chunks)
    table.add_row("result", f"{_size(shot.output_format)}, {_rate(shot.output_rate)} fps, {shot.output_frames} frames")
    known = f", {stored} already in the store" if shot.keys_known else ", the analysis will tell which are in the store"
    table.add_row("chunks", f"{len(shot.chunks)} of {shot.chunk_frames} frames{known}")
    if shot.analysed:
        seen = shot.source.stop - shot.source.start
        table.add_row("analysis", f"{shot.frames_to_measure} of {seen} frames to measure")
    table.add_row("file", f"{escape(shot.output)} ({shot.profile}, on {shot.device}, {shot.dtype})")
    console.print(table)
    for warning in shot.warnings:
        console.print(f"  [yellow]warning[/yellow] {escape(warning)}")


def _fraction(value: types_pb2.Rational) -> Fraction:
    return Fraction(value.numerator, value.denominator or 1)


def _rate(value: types_pb2.Rational) -> str:
    return format_rate(_fraction(value))


def _number(value: types_pb2.Rational) -> str:
    return f"{float(_fraction(value)):g}"


def _size(value: types_pb2.FrameFormat) -> str:
    return f"{value.width}x{value.height}"
