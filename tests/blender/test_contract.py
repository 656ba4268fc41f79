"""The contract of hosts, over the session inside real Blenders."""

from __future__ import annotations

from fractions import Fraction

import pytest

from publish.contract import CHECKS
from support import burnt
from support.blender import VERSIONS, blender
from support.shared import ROOT

LENGTHS = (*range(1, 21), 100)
"""Frames of the movies that Blender finds: it cannot write any itself in time."""


@pytest.fixture(scope="module", params=VERSIONS)
def said(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each check says in a Blender."""
    media = tmp_path_factory.mktemp("media")
    for frames in LENGTHS:
        burnt.write_movie(media / f"{frames}.mp4", frames, Fraction(24), 64, 48)
    found: dict[str, str] = blender(request.param, "contract_host", media=str(media), tests=str(ROOT / "tests"))
    return found


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_blender_keeps_the_contract(said: dict[str, str], check: object) -> None:
    assert said[check.__name__] == "", said[check.__name__]  # type: ignore[attr-defined]
