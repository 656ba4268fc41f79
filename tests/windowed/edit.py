"""What the walk asks of the extension and of the edit, and what it does in both again and again."""

from __future__ import annotations

import sys
import time
from typing import Any

import bpy
from kit import (
    FOLDER,
    Heart,
    Walk,
    click,
    find,
    key,
    main_window,
    middle_of,
    open_tab,
    press,
    region,
    say,
    sequencer,
    wait,
)

PART = sys.argv[-1]
"""Which part of the walk this Blender goes."""
EXTENSION = "bl_ext.user_default.resilver_blender"
BLEND = FOLDER / "reel.blend"
HEART = Heart()


def part_of(name: str) -> Any:
    """A module of the extension, in whichever of its folders it lies."""
    loaded = (each for key, each in sys.modules.items() if key.startswith(EXTENSION + "."))
    return next(each for each in loaded if each.__name__.endswith(f".{name}") and not hasattr(each, "__path__"))


def jobs() -> list[Any]:
    return list(part_of("jobs").JOBS.all())


def newest() -> Any:
    return jobs()[-1]


def server() -> Any:
    return part_of("server").SERVER


def panel() -> Any:
    return bpy.context.scene.resilver


def strips(scene: Any = None) -> dict[str, tuple[int, int, int, bool]]:
    """Name -> channel, handles, muted."""
    return {
        strip.name: (strip.channel, strip.frame_final_start, strip.frame_final_end, strip.mute)
        for strip in (scene or bpy.context.scene).sequence_editor.sequences_all
    }


def made() -> list[str]:
    return sorted(name for name in strips() if name.endswith("[restored]"))


def told(*what: object) -> None:
    say(PART, *what)


def settle() -> None:
    """A quiet screen: no splash, one sequencer with its preview over the whole window."""
    preferences = bpy.context.preferences
    preferences.view.show_splash = False
    preferences.view.ui_scale = 1.0
    preferences.filepaths.temporary_directory = str(FOLDER / "temp")
    preferences.filepaths.auto_save_time = 1
    preferences.use_preferences_save = False


def one_sequencer() -> Walk:
    """A sequencer with its preview over the whole window, as the file may have it already, and the tab in it."""
    if len(main_window().screen.areas) > 1:
        area = max(main_window().screen.areas, key=lambda each: each.width * each.height)
        area.type = "SEQUENCE_EDITOR"
        area.spaces.active.view_type = "SEQUENCER_PREVIEW"
        yield 0.5
        yield from key("SPACE", ctrl=True)
        yield 0.5
    assert [area.type for area in main_window().screen.areas] == ["SEQUENCE_EDITOR"]
    yield from open_tab("Resilver")


def clear_jobs() -> Walk:
    """Take all that has ended off the list, by the buttons, so that the sidebar is as short as it was."""
    while jobs():
        yield from press("resilver.remove_job(")


def show_all() -> Walk:
    yield from key("HOME")
    yield 0.3


def order(button: str) -> Walk:
    """Press a button that starts a job; the clock is watched from there on."""
    x, y = yield from find(button)
    former = jobs()
    HEART.begin()
    yield from click(x, y)
    return (yield from wait("a job", lambda: newest() if jobs() and jobs() != former else None))


def run_job(what: str, seconds: float = 300) -> Walk:
    """The newest job's end, with what held Blender up meanwhile."""
    job = newest()
    HEART.doing = lambda: part_of("words").doing(job)
    begun = time.monotonic()
    yield from wait(f"the end of {what}", lambda: not job.running and job.settled, seconds)
    told(f"{what}: {job.phase} after {time.monotonic() - begun:.1f} s; {HEART.said()}")
    HEART.doing = lambda: ""
    return job


def made_at() -> float:
    return max(float(bpy.context.scene.sequence_editor.sequences[name].resilver.made) for name in made())


def select_originals() -> Walk:
    sequences = bpy.context.scene.sequence_editor.sequences
    yield from click(*middle_of(sequences["reel 1"]))
    yield from click(*middle_of(sequences["reel 2"]), shift=True)
    chosen = sorted(strip.name for strip in sequences if strip.select)
    assert chosen == ["reel 1", "reel 2"], chosen


def open_below(button: str, wanted: str) -> Walk:
    """Open the closed panel whose header is next below a button."""
    _, y = yield from find(button)
    for down in (30, 36, 42, 48):
        yield from click(region(sequencer(), "UI").x + 60, y - down)
        try:
            return (yield from find(wanted))
        except AssertionError:
            continue
    raise AssertionError(f"{wanted} does not appear below {button}")
