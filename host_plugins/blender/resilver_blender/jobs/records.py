"""Jobs as they are stored with their scene, so that a file that is closed and opened half-way takes them up again.

While Blender runs, the jobs in memory are the truth: undo takes stored ones off the scene or brings old states back,
and ``sync`` writes them again.
"""

from __future__ import annotations

import json
from typing import Any

import bpy

from ..strips import identity
from . import keeping, words
from .jobs import JOBS, Job, Phase


def scene_of(session_uid: int) -> Any | None:
    """The scene that a job is about; None where it was deleted."""
    return next((scene for scene in bpy.data.scenes if scene.session_uid == session_uid), None)


def write(job: Job) -> None:
    """Bring the stored job up to date. One that was not submitted is not stored."""
    scene = scene_of(job.meant.scene)
    if scene is None or job.remembered is None:
        return
    item = scene.resilver.jobs.get(job.key)
    if item is None:
        item = scene.resilver.jobs.add()
        item.name = job.key
    values = {
        "job_id": job.server_id,
        "title": job.meant.title,
        "layout": job.meant.layout,
        "shots": job.meant.shots,
        "remembered": job.remembered.to_json(),
        "shown": keeping.to_json(job.shown),
        "recipe_json": job.recipe_json,
        "kept": json.dumps(job.kept),
        "state": job.phase.value,
        "sentence": words.ending(job),
        "placed": job.placed,
    }
    for name, value in values.items():
        if getattr(item, name) != value:
            setattr(item, name, value)


def sync() -> None:
    """Write all jobs that are followed, or were in this session, to their scenes, and their strips' uids to the strips:
    what was written since the last step of undo is taken off by undo."""
    for job in JOBS.all():
        write(job)
        _mark_strips(job)


def _mark_strips(job: Job) -> None:
    scene = scene_of(job.meant.scene)
    marked = {strip.resilver.uid for strip in identity.every(scene)} if scene else set()
    for uid in job.meant.clips if scene else ():
        strip = None if uid in marked else identity.find(scene, uid)
        if strip is not None and not strip.resilver.uid:
            identity.uid_of(scene, strip)


def forget(scene: Any, key: str) -> None:
    """Take a job off the list; the server's job and its results stay."""
    JOBS.remove(key)
    position = scene.resilver.jobs.find(key)
    if position >= 0:
        scene.resilver.jobs.remove(position)


def left_behind(scene: Any) -> list[Any]:
    """Stored jobs of the scene that nobody follows."""
    return [item for item in scene.resilver.jobs if JOBS.find(item.name) is None]


def unfinished(scene: Any) -> list[Any]:
    """Those of them whose clips were neither placed nor given up."""
    return [item for item in left_behind(scene) if not item.placed and item.state == Phase.RUNNING]
