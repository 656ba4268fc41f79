"""Whether restored strips are out of date, as the panel shows it. Finding out takes a moment (a copy of the scene is
made), so the timer does it when something changed, and drawing reads what was found last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resilver_client.errors import InvalidRecipe

from .. import versions
from ..server.server import SERVER
from ..settings import recipe, settings
from ..strips import identity, kept, restored
from . import records

_FOUND: dict[tuple[int, str], tuple[object, str]] = {}
"""Scene and uid of the restored strip -> what it was found for, and the state."""
_WANTED: set[tuple[int, str]] = set()


@dataclass(frozen=True)
class Pair:
    """A restored strip as the panel shows it."""

    restored: str
    """Its name."""
    job: str
    stages: tuple[str, ...]
    state: str
    """Empty until it is known."""
    here: bool
    """Whether its original lies in the same scene, and so can be restored again from there."""
    uid: str
    """Of the restored strip."""


def of(scene: Any, strip: Any) -> Pair | None:
    """The pair that the strip belongs to, as the restored one or as its original. Only reads."""
    made = [strip] if identity.role(strip) == identity.RESTORED else identity.restored_of(scene, strip.resilver.uid)
    if not made:
        return None
    newest = made[-1]
    key = (scene.session_uid, newest.resilver.uid)
    signature, state = _FOUND.get(key, (None, ""))
    if signature != _signature(scene, newest):
        _WANTED.add(key)
    here = identity.find(scene, newest.resilver.source) is not None
    return Pair(newest.name, newest.resilver.job, tuple(kept.stages_of(newest)), state, here, newest.resilver.uid)


def wanted() -> bool:
    """Whether the panel shows a pair of which the state is to be found."""
    return bool(_WANTED)


def find() -> bool:
    """Find the states that the panel asked for; whether one is another than before."""
    if not _WANTED:
        return False
    changed = False
    while _WANTED:
        key = _WANTED.pop()
        scene = records.scene_of(key[0])
        strip = identity.find(scene, key[1]) if scene else None
        if strip is None:
            continue
        here = identity.find(scene, strip.resilver.source) is not None
        state = restored.state(scene, strip, digest(scene) if here else "")  # else it was asked for in another panel
        changed |= _FOUND.get(key, (None, ""))[1] != state
        _FOUND[key] = (_signature(scene, strip), state)
    return changed


def digest(scene: Any) -> str:
    """Of the recipe that the panel says now; empty where it says none."""
    from resilver_publish.recipes import recipe_digest

    panel = scene.resilver
    stages = settings.stages_of(panel, SERVER.catalogue)
    wish = recipe.Wish(stages, settings.target_of(panel), panel.profile_name)
    try:
        return recipe_digest(recipe.build(wish, SERVER.catalogue))
    except InvalidRecipe:
        return ""


def clear() -> None:
    """Another file is opened."""
    _FOUND.clear()
    _WANTED.clear()


def _signature(scene: Any, made: Any) -> object:
    """Something that is another when the original's or the restored strip's place or trims are, or the recipe, or the
    frames to keep, or when the strip was made anew: one that takes an older one's name takes its uid too."""
    found, panel = identity.anywhere(scene, made.resilver.source), scene.resilver
    original = found[1] if found else None
    lying = tuple(
        (strip.name, versions.left(strip), versions.right(strip), versions.content_span(strip)) if strip else None
        for strip in (original, made)
    )
    said = (settings.stages_of(panel, SERVER.catalogue), settings.target_of(panel), panel.profile_name)
    return (lying, said, made.resilver.made, kept.frames_of(made))
