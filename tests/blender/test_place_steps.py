"""What placing does to an edit besides adding strips, and what it never does."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from support import burnt
from support.blender import VERSIONS, blender

RECIPE = json.dumps({"delivery": {"profile": "h264", "tailFrames": 12}})
ORIGINAL = 2000
"""Number that the original's first frame spells."""


def _numbers(pictures: dict[str, str]) -> dict[int, int | None]:
    paths = {int(frame): Path(path) for frame, path in pictures.items()}
    return dict(zip(paths, map(burnt.number_of, burnt.read_pictures(paths.values())), strict=True))


@pytest.fixture(scope="module", params=VERSIONS)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("steps")
    (folder / "broken.mp4").write_bytes(b"this is no movie")
    burnt.write_sequence(folder / "pictures", range(30), "out.", 3, 96, 54)
    return blender(
        request.param, "place_steps", 200, recipe=RECIPE, pictures=folder, broken=folder / "broken.mp4",
        original=burnt.write_movie(folder / "original.mp4", 120, Fraction(24), 96, 54, first=ORIGINAL),
        short=burnt.write_movie(folder / "short.mp4", 20, Fraction(24), 96, 54, first=ORIGINAL),
        restored=burnt.write_movie(folder / "restored.mp4", 140, Fraction(60), 192, 108),
        pattern=f"{folder}/pictures/out.%03d.png",
    )  # fmt: skip


def test_one_push_is_one_step(seen: dict[str, Any]) -> None:
    found = seen["undone"]
    before, placed, again, once, twice, redone = found["edits"]
    assert set(placed) - set(before) == {f"shot {n} [restored]" for n in range(3)}
    assert [placed[f"shot {n}"][3] for n in range(3)] == [True] * 3
    assert (before["title"][0], placed["title"][0]) == (3, 4)
    assert again == placed
    assert once == placed
    assert twice == before
    assert redone == placed
    assert found["names"] == [f"shot {n} [restored]" for n in range(3)]


def test_all_or_nothing(seen: dict[str, Any]) -> None:
    found = seen["taken_back"]
    unreadable, missing, short, sequence, gone = found["errors"]
    assert unreadable.startswith("MediaUnreadable: Blender cannot read the file, ")
    assert missing.startswith("MediaNotFound: no such file, ")
    assert short.startswith("FrameCountMismatch: 40 frames were restored, 49 are needed, shot 2")
    assert sequence.startswith("ClipUnsupported: an image sequence is shown at the scene's rate (24)")
    assert "choose a movie profile" in sequence
    assert gone.startswith("ClipUnsupported: the strip that was restored is no longer there, shot 2")
    assert found["edits"][:4] == [found["before"]] * 4
    assert found["edits"][4] == {name: strip for name, strip in found["before"].items() if name != "shot 2"}


def test_in_the_meta_of_the_original(seen: dict[str, Any]) -> None:
    found = seen["in_metas"]
    assert found["range"] == [10, 40]
    assert found["where"] == ["channel 4 in 'inner'"] * 2
    assert found["edit"] == found["before"] | {"shot [restored]": [4, 10, 40, False, "inner"]}
    assert found["again"] == found["edit"]
    shown = _numbers(found["pictures"])
    assert all(number is not None and abs(number - 2.5 * (frame - 10)) <= 0.5 for frame, number in shown.items()), shown


def test_the_user_sees_what_he_saw(seen: dict[str, Any]) -> None:
    found = seen["as_left"]
    assert found["before"][:5] == [["shot 1", "within"], ["shot 1"], "within", ["meta"], 17]
    assert found["after"] == found["before"]


def test_restored_frames_stay_with_the_media(seen: dict[str, Any]) -> None:
    found = seen["changed_since"]
    spans = {name: each["span"] for name, each in found.items()}
    assert spans == {
        "same": [20, 40], "moved": [53, 73], "shortened": [25, 38], "lengthened": [20, 40], "slipped": [24, 40],
        "renamed": [20, 40], "reversed": [], "other rate": [],
    }  # fmt: skip
    begins = {"moved": 53, "slipped": 24}
    for name, each in found.items():
        for frame, number in _numbers(each["pictures"]).items():
            assert number is not None, (name, frame)
            assert abs(number - 2.5 * (frame - begins.get(name, 20))) <= 0.5, (name, frame)
    assert [name for name, each in found.items() if "shows more now" in " ".join(each["where"])] == [
        "lengthened", "slipped",
    ]  # fmt: skip
    assert found["reversed"]["error"].startswith(
        "ClipUnsupported: it runs at another speed now than was restored, shot"
    )
    assert found["other rate"]["error"].startswith("ClipUnsupported: 50 frames were restored, at this scene's rate")
    assert {name: each["state"] for name, each in found.items() if each["state"] != "up to date"} == {
        "lengthened": "source changed", "slipped": "source changed",
    } | {name: "" for name in ("reversed", "other rate")}  # fmt: skip


def test_held_frames_are_covered(seen: dict[str, Any]) -> None:
    found = seen["held"]
    assert found["range"] == [20, 40, 4, 4]
    assert [edit["shot [restored]"][:3] for edit in found["edits"]] == [[3, 16, 44], [3, 14, 47]]
    numbers = _numbers(found["pictures"])
    assert {numbers[frame] for frame in range(14, 21)} == {0}
    ahead = {frame: (number or 0) - 2.5 * (frame - 20) for frame, number in numbers.items()}
    assert all(abs(ahead[frame]) <= 0.5 for frame in range(20, 40)), ahead
    assert all((numbers[frame] or 0) >= 47 for frame in range(40, 47)), numbers


def test_effects_on_restored_strips_stay(seen: dict[str, Any]) -> None:
    found = seen["effects"]
    first, second = "shot 0 [restored]", "shot 1 [restored]"
    assert found["inputs"] == [[first, ""], [first, second]]
    assert set(found["edit"]) == {"shot 0", "shot 1", first, second}


def test_into_a_scene_that_is_not_shown(seen: dict[str, Any]) -> None:
    assert seen["elsewhere"] == {
        "there": ["shot 0", "shot 0 [restored]"], "here": 0, "shown": "other", "edited": "other",
    }  # fmt: skip


def test_kept_in_the_file(seen: dict[str, Any]) -> None:
    found = seen["kept_over_files"]
    assert found["stored"] == {
        "role": "restored", "job": "job-1", "recipe": "digest-1", "recipe_json": RECIPE, "frames": "62", "rate": "60",
    }  # fmt: skip
    assert found["states"] == ["up to date", "up to date", "recipe changed"]
    assert found["same"]
    assert found["first half"] == ["shot 0 [restored]"]
    assert found["second half"] == ["shot 0 [restored].001"]
    assert found["said"] == [
        "Showing the original of 1 shot", "Showing the restored clip of 1 shot", "Showing the original of 1 shot",
    ]  # fmt: skip
    assert found["edit"]["shot 0 [restored]"][3]
    assert not found["edit"]["shot 0 [restored].001"][3]
    assert found["out of date"] == 2


def test_pictures_maps_and_mattes(seen: dict[str, Any]) -> None:
    found = seen["pictures"]
    assert _numbers(found["pictures"]) == {frame: frame - 10 for frame in range(10, 30)} | dict.fromkeys(
        range(30, 41), 9
    )
    assert found["maps"] == [["shot [dust, frame 3]", "shot [dust, frame 11]"], []]
    assert found["edit"]["shot [dust, frame 11]"] == [4, 21, 22, True, ""]
    assert found["matte"] == "shot [matte]"
    assert found["edit"]["shot [matte]"] == [5, 10, 30, True, ""]
