"""Jobs that outlive Resolve: files that come back as they were, and damaged ones that harm nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from resilver_bridge.keeping import Keeping, Kept, Original, Placed
from resilver_client.errors import HostFailed
from resilver_publish.types import HostClip, Layout, Occupied, Remembered

CLIPS = (HostClip("id-1", "reel “one”", 1, 86400, 86410), HostClip("id-2", "reel 2", 2, 86410, 86420))
REMEMBERED = Remembered("job/1", CLIPS, {"id-1": "0/0", "id-2": "1/0"}, Layout.REPLACE, Occupied.ABOVE, "d", title="né")
ORIGINAL = Original("id-1", "reel “one”", 1, 86400, 10, 3, 0.4, 3.0, "/film/a.mov", Fraction(24000, 1001),
                    Fraction(-1, 2), '"Cross Dissolve" (12 + 12 frames)', "", True)  # fmt: skip
KEPT = Kept(REMEMBERED, "Project", "p/1", "Edit", "t-1", 1000.5, "/out", {"id-1": ORIGINAL})
PLACED = Placed("t-1", "Edit", ("x", "y"), ("y",), ("id-1",), {"id-2": "media-9"}, False, ("track 2", "track 3"))


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path / "a home with é")


def test_a_job_comes_back_as_it_was(keeping: Keeping) -> None:
    keeping.write(KEPT)
    assert keeping.read("p/1", "job/1") == KEPT
    placed = replace(KEPT, placed=PLACED)
    keeping.write(placed)
    assert keeping.all("p/1") == ([placed], [])


def test_what_is_not_known_comes_back_so(keeping: Keeping) -> None:
    bare = replace(ORIGINAL, source_start=None, source_seconds=None, left_offset=None, media_rate=None)
    keeping.write(replace(KEPT, originals={"id-1": bare}))
    found = keeping.read("p/1", "job/1")
    assert found is not None
    assert found.originals == {"id-1": bare}


def test_newest_first_and_each_project_for_itself(keeping: Keeping) -> None:
    for job, time in (("a", 1.0), ("b", 3.0), ("c", 2.0)):
        keeping.write(replace(KEPT, remembered=replace(REMEMBERED, job=job), submitted=time))
    keeping.write(replace(KEPT, project_id="another"))
    found, damaged = keeping.all("p/1")
    assert [kept.remembered.job for kept in found] == ["b", "c", "a"]
    assert not damaged
    assert keeping.all("a third") == ([], [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"version": 2}',
        b'{"version": 1, "remembered": 3}',
        b'{"version": 1, "remembered": "{}"}',
    ],
)
def test_a_damaged_file_is_told_and_harms_no_other(keeping: Keeping, tmp_path: Path, content: bytes) -> None:
    keeping.write(KEPT)
    (file,) = tmp_path.rglob("*.json")
    damaged = file.with_name("damaged.json")
    damaged.write_bytes(content)
    found, said = keeping.all("p/1")
    assert found == [KEPT]
    assert len(said) == 1
    assert "cannot be read" in said[0]
    assert damaged.read_bytes() == content


@pytest.mark.parametrize("field", ["submitted", "originals", "placed", "folder"])
def test_a_field_of_the_wrong_type_is_named(keeping: Keeping, tmp_path: Path, field: str) -> None:
    keeping.write(KEPT)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), field: True}))
    with pytest.raises(HostFailed, match=field):
        keeping.read("p/1", "job/1")


def test_writing_leaves_no_other_file(keeping: Keeping, tmp_path: Path) -> None:
    keeping.write(KEPT)
    keeping.write(KEPT)
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".json"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "davinci-jobs").write_text("in the way")
    with pytest.raises(HostFailed, match="cannot be kept"):
        Keeping(tmp_path).write(KEPT)


def test_a_job_is_forgotten_once_and_twice(keeping: Keeping) -> None:
    keeping.write(KEPT)
    keeping.remove("p/1", "job/1")
    keeping.remove("p/1", "job/1")
    assert keeping.read("p/1", "job/1") is None
