"""What goes wrong inside Blender fails the test that asked for it, with what Blender said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.blender import TRACES, VERSIONS, blender

OLDEST = VERSIONS[0]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("raise", "ValueError: a scenario's own words"),
        ("crash", "Segmentation fault"),
        ("hang", "misbehaving.py"),
        ("leave", "without a result"),
    ],
)
def test_a_scenario_that_goes_wrong_fails_its_test(how: str, said: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=said):
        blender(OLDEST, "misbehaving", timeout=TRACES + 3, how=how)


def test_arguments_come_back_and_the_folder_is_kept(tmp_path: Path) -> None:
    given = {"how": "return", "numbers": [1, 2.5], "text": "é", "nothing": None}
    assert blender(OLDEST, "misbehaving", resources=tmp_path, **given) == given
    assert (tmp_path / "extensions" / "user_default" / "resilver_blender").is_dir()


@pytest.mark.parametrize("version", VERSIONS)
def test_only_the_tests_own_variables_reach_blender(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESILVER_ADDRESS", "of the developer")
    found = blender(version, "variables", environment={"RESILVER_HOME": "/of/the/test"})
    assert found["RESILVER_HOME"] == "/of/the/test"
    assert "RESILVER_ADDRESS" not in found
    assert found["BLENDER_USER_RESOURCES"] != os.environ.get("BLENDER_USER_RESOURCES")
