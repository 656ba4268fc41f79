"""A restorer looks at what the machine decided, and takes it back: in real Blenders with a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from support.blender import VERSIONS, blender
from support.clips import planes_of, write_movie
from support.serving import server_process

FRAMES, FIRST, LAST = 192, 10, 170
"""Of the film, and those that the strip shows, half-open; the film's frame 10 lies at timeline frame 5."""
CHUNK = 48
"""Two seconds."""
KEPT = range(95, 102)
"""Timeline frames 90 to 96."""
FILM, TITLE = ["film", 2, 5, 165, "", False], ["title", 4, 60, 70, "", False]
ABOVE = ["film [restored]", 3, 5, 165, "restored", False]
MAPS = ["film [changes]", 5, 5, 165, "change_map", True]


def flickering(path: Path) -> Path:
    """A ground at rest whose brightness jumps."""
    random = np.random.default_rng(3)
    ground = random.random((48, 64)) * 0.3 + 0.3
    levels = 1 + 0.06 * random.standard_normal(FRAMES)
    return write_movie(path, [planes_of(ground * level, "yuv420p") for level in levels], "ffv1", "yuv420p")


def decoded(path: str) -> list[npt.NDArray[Any]]:
    with av.open(path) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


@pytest.fixture(scope="module", params=VERSIONS)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("decisions")
    home, film = folder / "home", flickering(folder / "film.mkv")
    with server_process(home):
        return blender(
            request.param, "decisions", 300, environment={"RESILVER_HOME": str(home)}, film=film, output=folder / "out"
        )


def test_change_maps_lie_exactly_above_until_they_are_taken_away(seen: dict[str, Any]) -> None:
    assert seen["first"]["outcome"] == ["FINISHED"]
    assert (seen["first"]["state"], seen["first"]["strips"]) == ("up to date", [FILM, ABOVE, TITLE])
    found = seen["maps"]
    assert Path(found["path"]).name == "film.changes.mkv"
    assert found["strips"] == [FILM, MAPS, ABOVE, TITLE], "above the title, which lies over a part of it"
    assert found["like"][0] == found["like"][1]
    assert found["look"] == ["ALPHA_OVER", "COLOR_06", found["path"]]
    assert (found["shown"], found["hidden"]) == ([["FINISHED"], False], [["FINISHED"], True])
    assert (found["add"], found["remove"], found["once more"]) == (["FINISHED"],) * 3
    assert found["gone"] == [FILM, ABOVE, TITLE]


def test_frames_that_are_looked_at_are_noted(seen: dict[str, Any]) -> None:
    found = seen["kept"]
    assert [each["deflicker"] for each in found["noted"]] == ["95", "95, 97-99", "95-101"]
    assert found["frame"] == ["FINISHED"]
    assert (found["elsewhere"], found["other stage"]) == (["CANCELLED"], ["CANCELLED"])
    assert found["words"] == "'all' names no frames, write frames as in 120-139, 200"
    assert found["state"] == "kept frames changed"
    assert found["range"] == "Keep Original, frames 92 to 94 (preview range)"
    assert found["box"] == [
        "Out of date: kept frames changed", "[Original / Restored]", "[Restore Again]",
        "[Remove Change Maps]", "[]", "Keep Original, frame 90", "[Deflicker]", ": 95-101", "[]",
    ]  # fmt: skip
    assert "its original shows other frames now than were restored" in seen["moved"]


def test_restoring_again_renders_the_touched_chunks_alone(seen: dict[str, Any]) -> None:
    found = seen["again"]
    (said,) = [each for each in found["report"] if "chunks" in each]
    assert said == "film: 2 of 4 chunks were rendered before; output frames 38-133 are new"
    assert found["outcome"] == ["FINISHED"]
    assert (found["state"], found["noted"]) == ("up to date", {"deflicker": "95-101"})
    assert found["strips"] == [FILM, ABOVE, TITLE], "the change maps of the older result are gone"
    back = seen["cleared"]
    (said,) = [each for each in back["report"] if "chunks" in each]
    assert said == "film: 4 of 4 chunks were rendered before; nothing had to be rendered"
    assert (back["state"], back["noted"]) == ("up to date", {"deflicker": ""})


def test_kept_frames_are_the_film_bit_for_bit(seen: dict[str, Any]) -> None:
    first, kept, cleared = (decoded(seen[name]["path"]) for name in ("first", "again", "cleared"))
    without = decoded(seen["without"])
    for number, frame in enumerate(kept[: LAST - FIRST]):
        wanted = without if number + FIRST in KEPT else first
        assert np.array_equal(frame, wanted[number]), number
    assert not np.array_equal(first[90 - 5], without[90 - 5])
    assert all(np.array_equal(*pair) for pair in zip(first, cleared, strict=True))


def test_what_is_asked_for_is_kept_with_the_file(seen: dict[str, Any]) -> None:
    found = seen["saved"]
    assert found["kept"] == [{"deflicker": "45-46"}]
    assert Path(found["key_frames"][0]).name == "keys"
    assert Path(found["key_frames"][0]).is_absolute()
    assert found["maps"]
    assert found["drawn"] == ["Key frames of 'film': //keys/", "Defect map channel: 0", "Defect map channel: 0"]
    assert found["followed"] == ["FINISHED"], "a job of an earlier session is placed once more"
    assert found["made"] == {"deflicker": "95-101"}, "with what it kept"
    assert found["noted"] == {"deflicker": "45-46"}, "and with what the user has noted since"
