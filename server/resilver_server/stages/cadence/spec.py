"""Cadence: which frames are repeats of the one before, when the real ones were shot, and where the cuts are."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_client.errors import InvalidRecipe
from resilver_server.stages.spec import StageSpec, parameter


@dataclass(frozen=True)
class CadenceParameters:
    """What the user may say about the film's cadence."""

    repeats: str = parameter(
        "auto",
        "auto finds repeated frames, takes them out and gives the real ones their true times; keep leaves all frames",
        choices=("auto", "keep"),
    )
    cuts: str = parameter(
        "auto", "auto finds cuts with PySceneDetect; none trusts the list alone", choices=("auto", "none")
    )
    cut_list: str = parameter("", "media frame numbers, each the first after a cut, as in 12,48,96", solved=True)
    cut_threshold: float = parameter(
        22.0,
        "content change of a cut, in PySceneDetect's units after brightness and motion are evened out; less finds more",
        minimum=1.0,
        maximum=255.0,
    )
    repeat_sensitivity: float = parameter(
        1.0,
        "more than 1 calls a frame a repeat on weaker evidence, less than 1 on stronger only",
        minimum=0.25,
        maximum=4.0,
    )


def cut_numbers(parameters: CadenceParameters) -> tuple[int, ...]:
    """The user's own cuts as sorted media frame numbers. Raises InvalidRecipe for anything that is no such list."""
    words = [word.strip() for word in parameters.cut_list.split(",") if word.strip()]
    if not all(word.isdecimal() for word in words):
        raise InvalidRecipe(
            f"not a list of frame numbers: {parameters.cut_list!r}",
            where="stage cadence, parameter cut_list",
            remedy="write the media frame numbers that begin a scene, as in 12,48,96",
        )
    return tuple(sorted({int(word) for word in words}))


SPEC = StageSpec(
    name="cadence",
    version=2,
    summary="Finds repeated frames, the real frames' true times, and the cuts that nothing temporal crosses.",
    parameters=CadenceParameters,
    analysed=True,
    renders=False,
    inputs=(),
)
