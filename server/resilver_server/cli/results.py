"""What a finished job handed over, written down and told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from resilver.v1 import jobs_pb2
from resilver_client.errors import ClipUnsupported, OutputUnwritable
from resilver_otio.for_resolve import for_resolve, is_from_resolve
from resilver_otio.read import write_timeline
from resilver_otio.types import Placed


def save_result(
    result: jobs_pb2.JobResult, timeline: Path | None, console: Console, changes: Sequence[str] = ()
) -> None:
    """Write the result timeline (None: the source was no timeline) and print the paths. Raises OutputExists."""
    report = list(result.report)
    if timeline and result.timeline:
        shaped = _for_importing(result.timeline, timeline)
        report.extend(shaped.report)
        _write(shaped.timeline, timeline)
        console.print(f"timeline: {timeline}", markup=False, soft_wrap=True)
    for path in (*result.outputs, *changes, *result.pictures):
        console.print(f"  {path}", markup=False, soft_wrap=True)
    for line in report:
        console.print(f"[yellow]note[/yellow] {escape(line)}", soft_wrap=True)


def _for_importing(text: str, path: Path) -> Placed:
    """An edit of DaVinci Resolve that stays OTIO goes back there: in the shape that Resolve takes, where it can have
    that."""
    if path.suffix.lower() != ".otio" or not is_from_resolve(text):
        return Placed(text, ())
    try:
        return for_resolve(text)
    except ClipUnsupported as error:
        return Placed(text, (f"DaVinci Resolve will not import the timeline: {error}",))


def _write(text: str, path: Path) -> None:
    """Some adapters refuse timelines that they can read. The work is not lost then: it is kept as ``.otio``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_timeline(text, str(path))
    except OutputUnwritable as error:
        kept = path.with_suffix(".otio")
        if kept == path or kept.exists():
            raise
        write_timeline(text, str(kept))
        raise OutputUnwritable(error.what, where=error.where, remedy=f"the timeline is kept as {kept}") from error
