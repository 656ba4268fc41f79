"""Timelines into files: complete or not at all, and never over another."""

from __future__ import annotations

import os
from pathlib import Path

import opentimelineio as otio

from resilver_client.errors import OutputExists, OutputUnwritable, ResilverError

from .parse import first_line, parse_timeline


def ensure_writable(path: str | Path) -> None:
    """Raises OutputUnwritable where no installed adapter writes files of this suffix: before any work is done."""
    suffix = Path(path).suffix.lower().lstrip(".")
    known = sorted(otio.adapters.suffixes_with_defined_adapters(write=True))
    if suffix not in known:
        what = f"no installed adapter writes .{suffix}"
        raise OutputUnwritable(what, where=str(path), remedy=f"writable are: {', '.join(known)}; .otio keeps most")


def write_timeline(timeline: str, path: str | Path) -> None:
    """Write OTIO JSON to a file in the format its suffix names: ``.otio`` as it is, others through the adapters.

    Raises OutputExists for a file that is there, OutputUnwritable where the file or the format cannot be written,
    TimelineUnreadable for JSON that is no timeline.
    """
    target = Path(path)
    if target.exists():
        raise OutputExists("the timeline exists", where=str(target), remedy="choose another name")
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        edit = parse_timeline(timeline, str(target))
        if target.suffix.lower() == ".otio":
            part.write_text(timeline, "utf-8")
        else:
            otio.adapters.write_to_file(edit, str(part))
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.link(part, target)  # unlike a rename this fails where the name has been taken meanwhile
    except FileExistsError as error:
        raise OutputExists("the timeline exists", where=str(target), remedy="choose another name") from error
    except ResilverError:
        raise
    except Exception as error:  # adapters raise whatever their writers raise
        raise OutputUnwritable(first_line(error), where=str(target), remedy="write it as .otio") from error
    finally:
        part.unlink(missing_ok=True)
