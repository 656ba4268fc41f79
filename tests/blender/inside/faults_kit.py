"""What the scenarios of faults share: an edit of its own for each act, with its own folder of results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from interface_kit import Kit


class Faults(Kit):
    """The edit of one act."""

    given: dict[str, Any]
    """What the operators are told."""
    folder: Path
    """For what the act writes."""

    film: str

    def named(self, name: str) -> Any:
        return self.identity.named(self.scene, name)

    def submitted(self) -> Any:
        """A job that the server has taken, for what is selected."""
        job = self.start(**self.given)
        self.until(lambda: bool(job.server_id) or not job.running)
        return job

    def restore(self) -> list[str]:
        """Blocking, as scripts call it: what it returns, or what it reports as an error."""
        with self.sequencer():
            try:
                return list(bpy.ops.resilver.restore(**self.given))
            except RuntimeError as error:
                return [str(error).strip()]

    def follow(self) -> list[str]:
        with self.sequencer():
            return list(bpy.ops.resilver.follow())

    def ended(self, job: Any) -> dict[str, Any]:
        """Serve a job to its end: how it ended, and what the edit is then."""
        self.until(lambda: not job.running)
        said = [str(problem.error) for problem in job.outcome.problems] or [self.words.ending(job)]
        return {"phase": job.phase.value, "said": said, "strips": self.strips()}

    def tried_again(self, job: Any) -> dict[str, Any]:
        """The job is tried again: whether the server did it again, and what the edit is at the end."""
        with self.sequencer():
            outcome = list(bpy.ops.resilver.retry(key=job.key))
        same = self.job_list.find(job.key).server_id == job.server_id
        return {"retried": outcome, "same": same, "end": self.strips()}


def fresh(extension: str, arguments: dict[str, Any], act: str) -> Faults:
    """An edit of the film, twice on channel 2, in a new file."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    kit = Faults(extension)
    kit.folder = Path(arguments["folder"]) / act
    kit.folder.mkdir(parents=True)
    kit.given = {"recipe_json": arguments["recipe"], "output_folder": str(kit.folder / "out")}
    bpy.ops.ed.undo_push(message="Nothing yet")
    kit.film = arguments["film"]
    kit.edit(kit.film)
    return kit
