"""From Blender's context to a running job."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from resilver_client.errors import ClipUnsupported, InvalidRequest, OutputUnwritable, SelectionEmpty

from .. import versions
from ..server.connection import Connection
from ..server.server import SERVER
from ..settings import preferences, recipe, settings
from ..settings.asking import Ask
from ..settings.recipe import Target
from ..strips import identity, kept, restored
from . import keeping, records, states, ticking, words, work
from .jobs import JOBS, Job, Meant

if TYPE_CHECKING:
    from resilver_publish.types import Outcome, Problem, Remembered, Repair


@dataclass(frozen=True)
class Given:
    """What a script or a button says itself. Empty: as the panel says."""

    preset: str = ""
    recipe_json: str = ""
    size: str = ""
    rate: str = ""
    profile: str = ""
    output_folder: str = ""
    layout: str = ""
    occupied: str = ""
    preview_frames: int = 0


ASKS: dict[str, Ask] = {}
"""Job's key -> what was asked for, so that it can be asked again."""


def scene_with_settings(context: Any) -> Any:
    """The scene that the sequencer shows. Raises SelectionEmpty where it shows none, ClipUnsupported where it comes
    from another file: what is put into it is lost when this one is closed."""
    scene = versions.edited_scene(context)
    if scene is None:
        raise SelectionEmpty("the sequencer shows no scene", remedy="choose one in its header")
    if scene.library is not None:
        raise ClipUnsupported(
            "the scene is linked from another file", where=scene.name, remedy=f"open {scene.library.filepath}"
        )
    return scene


def ask_for(context: Any, strips: Sequence[Any], given: Given) -> Ask:
    """What the panel says, with what was ``given`` laid over it.

    Raises SelectionEmpty, ClipUnsupported, and OutputUnwritable where there is no folder for the results.
    """
    scene = scene_with_settings(context)
    if not strips:
        raise SelectionEmpty("no strip is selected", remedy="select movie or image strips")
    panel = scene.resilver
    layout = given.layout or panel.layout
    return Ask(
        connection=preferences.connection(),
        scene=scene.session_uid,
        title=_title(len(strips)),
        output_folder=output_folder(given.output_folder or panel.output_folder),
        stages=settings.stages_of(panel, SERVER.catalogue),
        preset=given.preset,
        recipe_json=given.recipe_json,
        target=_target(given, panel),
        profile=given.profile or panel.profile_name,
        layout=layout,
        occupied=given.occupied or panel.occupied,
        preview_frames=given.preview_frames,
        clips=tuple(identity.uid_of(scene, strip) for strip in strips),
        shots=len(strips),
        channels=() if given.preset or given.recipe_json else settings.channels_of(panel, SERVER.catalogue),
        kept=_kept(scene, strips),
        key_frames=_key_frames(scene, strips),
        change_maps=panel.change_maps,
        plugins_folder=preferences.places().plugins,
    )


def _kept(scene: Any, strips: Sequence[Any]) -> dict[str, dict[str, str]]:
    """Frames that were noted on the strips' newest restored ones, by uid and stage."""
    made = {uid: identity.restored_of(scene, uid) for uid in (identity.uid_of(scene, strip) for strip in strips)}
    return {uid: kept.frames_of(found[-1]) for uid, found in made.items() if found}


def _key_frames(scene: Any, strips: Sequence[Any]) -> dict[str, str]:
    """Absolute paths of the strips' key frames, by uid."""
    return {
        identity.uid_of(scene, strip): str(Path(bpy.path.abspath(strip.resilver.key_frames)))
        for strip in strips
        if strip.resilver.key_frames
    }


def _title(count: int) -> str:
    file = Path(bpy.data.filepath).name or "Untitled"
    return f"{file}, {words.shots(count).lower()}"


def _target(given: Given, panel: Any) -> Target:
    """A preset or recipe that a script gives is taken as it is, but for the target that it gives."""
    target = Target() if given.preset or given.recipe_json else settings.target_of(panel)
    if given.size:
        target = replace(target, size=recipe.size(given.size))
    return replace(target, rate=given.rate) if given.rate else target


def output_folder(chosen: str = "") -> str:
    """Absolute folder of the results: the one chosen, else the preferences'.

    Raises OutputUnwritable where it is beside a file that was never saved.
    """
    folder = chosen or preferences.places().output
    if folder.startswith("//") and not bpy.data.filepath:
        raise OutputUnwritable(
            "the results go beside the Blender file, which was never saved",
            where=folder,
            remedy="save the file, or choose a folder in the panel",
        )
    return str(Path(bpy.path.abspath(folder)).absolute())


def outdated(scene: Any) -> list[Any]:
    """The originals whose restored strips show something else than they, or were made with another recipe than the
    panel's. Raises SelectionEmpty where there is none."""
    uids = restored.out_of_date(scene, states.digest(scene))
    found = [strip for uid in uids if (strip := identity.find(scene, uid)) is not None]
    if not found:
        raise SelectionEmpty("no restored strip of this scene is out of date", remedy="select strips and restore them")
    return found


def start(ask: Ask) -> Job:
    """Restore what is asked for."""
    return _begin(ask, lambda job: work.publish(job, ask, _sessions(ask)))


def start_repair(former: Job, problem: Problem, how: Repair) -> Job:
    """Do something about a problem of a job that failed, and run it again in its place.

    A job that was rendered and only found no room is not rendered again.
    """
    from resilver_publish.types import Occupied, Repair

    rooms = {Repair.MAKE_ROOM: Occupied.MAKE_ROOM, Repair.USE_TRACK_ABOVE: Occupied.ABOVE}
    if former.remembered is not None and how in rooms:
        remembered = replace(former.remembered, occupied=rooms[how])
        return _launched(_taking_up(former.meant, former.key, remembered, preferences.connection()).like(former))
    ask, order = _asked(former), former.meant.order
    if order is None:
        return start_again(former)
    made = _sessions(ask)
    return _begin(ask, lambda job: work.repair(job, ask, order, problem, how, made), former.key)


def start_again(former: Job) -> Job:
    """Run a job again from the beginning, in its place."""
    fresh = replace(_asked(former), connection=preferences.connection())
    return _begin(fresh, lambda job: work.publish(job, fresh, _sessions(fresh)), former.key)


def _asked(job: Job) -> Ask:
    """Raises InvalidRequest where that is no longer known."""
    ask = ASKS.get(job.key)
    if ask is None:
        raise InvalidRequest(
            "this job was not begun in this session", remedy="select the strips and restore them again"
        )
    return ask


def follow(scene: Any, item: Any, *, retry: bool = False, start_server: bool = True) -> Job:
    """Take up a job that is stored with the scene. Raises InvalidRequest where what is stored cannot be read."""
    from resilver_publish.types import Remembered

    remembered, connection = Remembered.from_json(item.remembered), preferences.connection()
    connection = replace(connection, start=start_server and connection.start)
    clips = tuple(clip.id for clip in remembered.clips)
    meant = Meant(item.title, scene.session_uid, item.shots, item.layout, clips=clips)
    job = _taking_up(meant, item.name, remembered, connection, retry)
    job.recipe_json, job.shown, job.placed = item.recipe_json, keeping.from_json(item.shown), item.placed
    job.kept = json.loads(item.kept or "{}")
    known = JOBS.find(item.name)
    return _launched(job.like(known) if known else job)


def _taking_up(meant: Meant, key: str, remembered: Remembered, connection: Connection, retry: bool = False) -> Job:
    def run(job: Job) -> Outcome:
        from .session import BlenderSession

        return work.take_up(job, connection, remembered, retry, BlenderSession)

    return Job(meant, run, key, remembered)


def _launched(job: Job) -> Job:
    JOBS.add(job)
    records.write(job)
    ticking.wake()
    return job


def _begin(ask: Ask, run: Callable[[Job], Outcome], key: str = "") -> Job:
    meant = Meant(ask.title, ask.scene, ask.shots, ask.layout, clips=ask.clips)
    job = Job(meant, run, key)
    ASKS[job.key] = ask
    return _launched(job)


def _sessions(ask: Ask) -> Callable[[Job], Any]:
    """Makes the session in the worker thread: importing what it needs takes a moment."""

    def make(job: Job) -> Any:
        from .session import BlenderSession

        return BlenderSession(job, ask.channels, f"{ask.output_folder}/mattes")

    return make
