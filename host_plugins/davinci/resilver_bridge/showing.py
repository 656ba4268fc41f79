"""What the desk knows, as the JSON that the page draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from resilver_client.catalogue import Catalogue
from resilver_client.errors import LicenceNotAccepted, ResilverError
from resilver_publish.types import ClipProgress, HostClip, Outcome, Problem, Progress, Repair

from .host import Hello, Read
from .orders import Wish, differs
from .standing import Standing
from .timecodes import timecode

Shown = dict[str, Any]
REPAIRS = {
    Repair.LEAVE_OUT: "Leave this clip out",
    Repair.INSTALL_MODEL: "Install the model",
    Repair.ACCEPT_LICENCE: "Read the licence…",
    Repair.MAKE_ROOM: "Make room with a new track",
    Repair.USE_TRACK_ABOVE: "Use the next free track",
    Repair.DEINTERLACE: "Deinterlace this clip",
}
"""What the button of each repair reads."""
RATES = {
    Fraction(24000, 1001): "23.976",
    Fraction(30000, 1001): "29.97",
    Fraction(60000, 1001): "59.94",
    Fraction(48000, 1001): "47.95",
    Fraction(120000, 1001): "119.88",
}
"""As editors write those that are not whole."""


def shown_error(error: ResilverError) -> Shown:
    """What, where and what to do; ``where`` only if the sentence does not say it already."""
    where = "" if error.where in error.what else error.where
    return {"reason": error.reason, "what": _sentence(error.what), "where": where, "remedy": _sentence(error.remedy)}


def shown_rate(rate: Fraction) -> str:
    """``29.97``, ``24``."""
    return RATES.get(rate, str(rate) if rate.denominator == 1 else f"{float(rate):g}")


def shown_hello(hello: Hello) -> Shown:
    version = ".".join(str(number) for number in hello.version)
    return {"verb": hello.verb, "product": hello.product, "version": version, "studio": hello.studio}


def shown_offer(offer: Catalogue) -> Shown:
    return asdict(offer)


def shown_read(read: Read, number: int) -> Shown:
    """``number`` counts how often the edit was read, so that pictures of another reading are told apart."""
    return {
        "number": number,
        "project": read.project,
        "timeline": read.timeline,
        "rate": shown_rate(read.rate) + (" DF" if read.drop_frame else ""),
        "start": timecode(read.start, read.rate, read.drop_frame),
        "size": f"{read.width}x{read.height}",
        "clips": [_clip(clip, read) for clip in read.clips],
        "rules": [
            {"name": rule.name, "label": rule.label, "clips": list(rule.clips), "why_not": _sentence(rule.why_not)}
            for rule in read.rules
        ],
        "layouts": {layout.value: _sentence(why) for layout, why in read.layouts.items()},
    }


def _clip(clip: HostClip, read: Read) -> Shown:
    return {
        "id": clip.id,
        "name": clip.name,
        "track": clip.track,
        "in": timecode(clip.start, read.rate, read.drop_frame),
        "out": timecode(clip.stop, read.rate, read.drop_frame),
        "frames": clip.stop - clip.start,
        "refusal": shown_error(clip.refusal) if clip.refusal else None,
        "media": read.media[clip.id].path if clip.id in read.media else "",
        "first": round(read.media[clip.id].first_frame) if clip.id in read.media else None,
    }


def shown_wish(wish: Wish, offer: Catalogue, folder: str) -> Shown:
    """``folder`` is where results go: the wish's own, or the project's."""
    stages = [
        {
            "name": stage.name,
            "on": wish.stages[stage.name].on,
            "strength": wish.stages[stage.name].strength,
            "parameters": dict(wish.stages[stage.name].parameters),
            "differs": list(differs(wish, stage, offer)),
        }
        for stage in offer.stages
    ]
    plain = {"preset": wish.preset, "size": wish.size, "rate": wish.rate, "profile": wish.profile}
    own = {clip: {key: dict(texts) for key, texts in asked.items()} for clip, asked in wish.own.items()}
    places = {"layout": wish.layout.value, "occupied": wish.occupied.value, "folder": folder}
    return {**plain, **places, "preview_frames": wish.preview_frames, "change_maps": wish.change_maps,
            "stages": stages, "own": own}  # fmt: skip


def shown_progress(progress: Progress | None) -> Shown:
    if progress is None:
        return {"state": "", "fraction": 0.0, "left": None, "message": "", "clips": []}
    return {
        "state": progress.state,
        "fraction": progress.fraction,
        "left": progress.seconds_left,
        "message": _sentence(progress.message),
        "clips": [_clip_progress(clip) for clip in progress.clips],
    }


def _clip_progress(clip: ClipProgress) -> Shown:
    fraction = 1.0 if clip.phase == "done" else clip.done / clip.total if clip.total else 0.0
    return {"name": clip.name, "phase": clip.phase, "stage": clip.stage, "done": clip.done, "total": clip.total,
            "fraction": fraction, "left": clip.seconds_left}  # fmt: skip


def shown_problem(problem: Problem, names: Mapping[str, str], offer: Catalogue) -> Shown:
    """``names`` of clips by id."""
    model = offer.model(problem.error.where)
    asks = isinstance(problem.error, LicenceNotAccepted) and model is not None
    return {
        **shown_error(problem.error),
        "clip": names.get(problem.clip, ""),
        "repairs": [{"repair": repair.value, "label": REPAIRS[repair]} for repair in problem.repairs],
        "model": asdict(model) if asks and model else None,
    }


def shown_outcome(outcome: Outcome, names: Mapping[str, str], offer: Catalogue) -> Shown:
    return {
        "placed": [{"name": names.get(each.clip, ""), "where": each.where} for each in outcome.placements],
        "changes": [{"name": names.get(clip, ""), "path": path} for clip, path in outcome.changes.items()],
        "problems": [shown_problem(problem, names, offer) for problem in outcome.problems],
    }


def shown_kept(standing: Standing, here: bool, followed: bool) -> Shown:
    """``here``: whether its timeline is the open one; ``followed``: whether a run waits for it already."""
    kept, remembered = standing.kept, standing.kept.remembered
    return {
        "job": remembered.job,
        "title": remembered.title,
        "timeline": kept.timeline,
        "here": here,
        "submitted": kept.submitted,
        "clips": [clip.name for clip in remembered.clips],
        "layout": remembered.layout.value,
        "state": standing.state,
        "error": shown_error(standing.error) if standing.error else None,
        "placed": list(kept.placed),
        "followed": followed,
        "waits": standing.waits and not followed,
        "can": [] if followed else list(standing.can()),
    }


def _sentence(text: str) -> str:
    """With a capital, as the page begins lines."""
    return text[:1].upper() + text[1:]
