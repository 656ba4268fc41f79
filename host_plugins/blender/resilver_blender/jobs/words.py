"""Sentences about jobs, for the panel, the status bar and reports. Knows no Blender."""

from __future__ import annotations

from resilver_client.errors import ResilverError

from .jobs import Job, Phase

REPAIRS = {
    "leave-out": ("Leave It Out", "Go on without this strip"),
    "install-model": ("Install the Model", "Have the server fetch the model, and go on"),
    "accept-licence": ("Accept the Licence...", "Read the licence, have the server fetch the model, and go on"),
    "make-room": ("Make Room", "Move what lies above up by one channel, and go on"),
    "use-track-above": ("Use the Next Free Channel", "Put the restored strip over what lies above, and go on"),
    "deinterlace": ("Deinterlace", "Filter the strip's fields into frames, and go on"),
}
"""By ``Repair``: what its button reads, and what it says when pointed at."""


def sized(size: int) -> str:
    """Bytes for people: "67 MB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def shots(count: int) -> str:
    """ "1 Shot", "3 Shots"."""
    return f"{count} Shot" if count == 1 else f"{count} Shots"


def time_left(seconds: float | None) -> str:
    """ "about 3 min left"; empty where nothing is known."""
    if seconds is None or seconds < 0:
        return ""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min left"
    return f"about {minutes // 60} h {minutes % 60:02d} min left"


def doing(job: Job) -> str:
    """What a running job does now."""
    if job.asked_to_cancel:
        return "Cancelling"
    if job.progress and job.main.waiting():
        return "Waiting for a calm moment to put the strips in place"
    return _capital(job.progress.message) if job.progress else "Preparing"


def measured(job: Job) -> str:
    """How far a running job is: "29 %, about 6 s left"; empty until something is known."""
    if job.progress is None:
        return ""
    parts = (f"{job.progress.fraction * 100:.0f} %", time_left(job.progress.seconds_left))
    return ", ".join(part for part in parts if part)


def standing(job: Job) -> str:
    """Both in a line."""
    return ", ".join(part for part in (doing(job), measured(job)) if part)


def problem(error: ResilverError) -> str:
    """An error over some lines, for the panel: what, where, what to do."""
    where = "" if error.where in error.what else error.where
    return "\n".join(part for part in (_capital(error.what), where, _capital(error.remedy)) if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def fraction(job: Job) -> float:
    """0..1."""
    return min(1.0, max(0.0, job.progress.fraction)) if job.progress else 0.0


def ending(job: Job) -> str:
    """How a job ended, in a line; empty while it runs."""
    outcome = job.outcome
    if outcome is None or job.running:
        return ""
    if job.phase is Phase.FAILED:
        return str(outcome.problems[0].error)
    if job.phase is Phase.CANCELLED:
        return "Cancelled; nothing was placed"
    if outcome.placements:
        said = [placement.where.split("; ") for placement in outcome.placements]  # the place, then remarks
        places, remarks = list(dict.fromkeys(each[0] for each in said)), [text for each in said for text in each[1:]]
        restored = f"{shots(len(said)).lower()} restored, on {' and '.join(places[:3])}"
        return "; ".join([restored, *remarks[:3]])
    return "The preview is ready" if outcome.pictures else "Done"


def status(jobs: list[Job]) -> str:
    """The line of the status bar; empty where nothing runs."""
    running = [job for job in jobs if job.running]
    if not running:
        return ""
    more = f" (and {len(running) - 1} more)" if len(running) > 1 else ""
    return f"Resilver: {running[-1].meant.title}{more}: {standing(running[-1])}.  Esc over the sequencer: cancel"
