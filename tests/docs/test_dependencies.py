"""The page on dependencies lists exactly what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib

from support.blender import load_builder
from support.shared import ROOT

RUN = ("timelines", "remote", "metrics")
"""Extras of those who run it."""


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert match
    return match.group()


def test_every_dependency_has_its_line_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = {_name(item) for item in project["dependencies"] + [each for extra in RUN for each in extras[extra]]}
    page = (ROOT / "docs" / "dependencies.md").read_text().split("## To develop")[0]
    listed = {row.split("|")[1].strip() for row in page.splitlines() if row.startswith("| ") and "why" not in row}
    assert listed == asked


def test_every_wheel_that_the_blender_extension_carries_has_its_line_and_no_other() -> None:
    section = (ROOT / "docs" / "dependencies.md").read_text().split("## In the Blender extension")[1].split("\n## ")[0]
    listed = [row.split("|")[1].strip() for row in section.splitlines() if row.startswith("| ") and "why" not in row]
    assert sorted(listed) == sorted(load_builder().CARRIED)


def test_every_development_tool_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "docs" / "dependencies.md").read_text().split("## To develop")[1]
    for item in project["optional-dependencies"]["dev"]:
        assert _name(item) in page, f"{item} is not explained in docs/dependencies.md"
