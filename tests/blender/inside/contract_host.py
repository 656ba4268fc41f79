"""The contract of hosts over the session of real Blender.

A check runs in a thread of its own, as a publication does, while the main thread serves what it asks for. Its jobs are
real ones; their threads only wait, since the check does what a publication would.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from threading import Event, Thread
from typing import Any

import bpy
from interface_kit import Kit

from resilver_publish.types import Outcome, Remembered

RATE = 24
FIRST = 1
"""Frame of the timeline that ``Laid.start`` counts from."""


def main(extension: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What each check says: "" where the contract is kept."""
    sys.path.append(arguments["tests"])
    from publish.contract import CHECKS

    kit = Kit(extension)
    return {check.__name__: _checked(kit, check, Path(arguments["media"])) for check in CHECKS}


def _checked(kit: Kit, check: Callable[[Any], None], media: Path) -> str:
    host, said = BlenderHost(kit, media), [""]

    def run() -> None:
        try:
            check(host)
        except BaseException:
            said[0] = traceback.format_exc()

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    thread = Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        host.main.run_pending()
        kit.ticking.step()
        thread.join(0.002)
    kit.job_list.clear()
    return said[0]


class _Waiting:
    """Stands for the client that a job holds: the job's thread ends when it is closed."""

    def __init__(self) -> None:
        self._over = Event()

    def close(self) -> None:
        self._over.set()

    def work(self, job: Any) -> Outcome:
        job.attach(self)
        self._over.wait()
        return Outcome(cancelled=True)


class BlenderHost:
    """A ``publish.contract.HostUnderTest``. Called from the check's thread; Blender is touched on the main one."""

    rate = Fraction(RATE)

    def __init__(self, kit: Kit, media: Path) -> None:
        self._kit, self._media = kit, media
        self.main = kit.mainthread.MainThread()

    def lay(self, clips: Sequence[Any]) -> Any:
        return self.main.call(lambda: self._lay(clips))

    def lay_unmappable(self) -> Any:
        return self.main.call(self._lay_unmappable)

    def lying(self) -> Sequence[Any]:
        return self.main.call(self._lying)

    def remove(self, name: str) -> None:
        self.main.call(lambda: self._remove(name))

    def undo(self) -> None:
        self.main.call(bpy.ops.ed.undo)

    def reopen(self) -> Any:
        return self.main.call(self._reopen)

    def remembered(self) -> Sequence[Remembered]:
        stored = self._kit.scene.resilver.jobs
        return self.main.call(lambda: [Remembered.from_json(item.remembered) for item in stored])

    def movie(self, frames: int) -> str:
        return str(self._media / f"{frames}.mp4")

    def _lay(self, clips: Sequence[Any]) -> Any:
        scene, strips = self._empty(), self._kit.versions.strips
        for laid in clips:
            left = FIRST + laid.start
            strip = strips(scene.sequence_editor).new_movie(laid.name, self.movie(100), laid.track, left - laid.first)
            self._kit.versions.set_handles(strip, left, left + laid.length)
            strip.channel, strip.select = laid.track, laid.selected
        bpy.ops.ed.undo_push(message="An edit")
        return self._session()

    def _lay_unmappable(self) -> Any:
        self._empty()
        self._kit.effect("title", "TEXT", 1, FIRST, FIRST + 10).select = True
        bpy.ops.ed.undo_push(message="An edit")
        return self._session()

    def _empty(self) -> Any:
        scene = self._kit.scene
        editor = scene.sequence_editor_create()
        assert not len(self._kit.versions.strips(editor))
        scene.render.fps, scene.render.fps_base = RATE, 1.0
        return scene

    def _session(self, item: Any | None = None) -> Any:
        """A session for what is selected, as an operator begins one; with ``item``, for a stored job."""
        kit, scene, waiting = self._kit, self._kit.scene, _Waiting()
        with kit.sequencer():
            strips = kit.facts.selected(bpy.context)
        clips = tuple(kit.identity.uid_of(scene, strip) for strip in strips)
        meant = kit.jobs.Meant("a job", scene.session_uid, len(clips), "overlay", clips=clips)
        job = kit.jobs.Job(meant, waiting.work)
        if item is not None:
            job.shown = kit.keeping.from_json(item.shown)
        kit.job_list.add(job)
        return kit.session.BlenderSession(job)

    def _reopen(self) -> Any:
        file = str(self._media / "edit.blend")
        bpy.ops.wm.save_as_mainfile(filepath=file)
        bpy.ops.wm.open_mainfile(filepath=file)
        return self._session(next(iter(self._kit.scene.resilver.jobs), None))

    def _remove(self, name: str) -> None:
        scene = self._kit.scene
        self._kit.versions.strips(scene.sequence_editor).remove(self._kit.identity.named(scene, name))
        bpy.ops.ed.undo_push(message="Delete Strips")

    def _lying(self) -> Sequence[Any]:
        from publish.contract import Lying

        versions = self._kit.versions
        found = [
            Lying(
                strip.name, strip.channel, versions.left(strip), versions.right(strip),
                getattr(strip, "filepath", ""), strip.mute,
            )
            for strip in self._kit.identity.every(self._kit.scene)
        ]  # fmt: skip
        return sorted(found, key=lambda each: (each.track, each.start))
