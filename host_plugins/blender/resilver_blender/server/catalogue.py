"""What a server offers, kept in a file from one session to the next: panels are drawn before anybody was asked.
Knows no Blender."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from resilver_client.catalogue import (
    Catalogue,
    Input,
    Kind,
    Model,
    Parameter,
    Preset,
    PresetStage,
    Profile,
    Stage,
)

_FORMAT = 1
"""Of the file; raised when its meaning changes."""


def save(catalogue: Catalogue, file: Path) -> None:
    """Keep it for the next session; replaces the file in one step."""
    text = json.dumps({"format": _FORMAT, "catalogue": asdict(catalogue)}, indent=1)
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def load(file: Path) -> Catalogue | None:
    """What an earlier session has kept; None where there is nothing, or nothing that can be read."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return _read(kept["catalogue"]) if kept["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(kept: Mapping[str, Any]) -> Catalogue:
    return Catalogue(
        tuple(_read_stage(stage) for stage in kept["stages"]),
        tuple(
            Preset(preset["name"], preset["summary"], tuple(PresetStage(**stage) for stage in preset["stages"]))
            for preset in kept["presets"]
        ),
        tuple(Profile(**profile) for profile in kept["profiles"]),
        tuple(Model(**model) for model in kept["models"]),
    )


def _read_stage(kept: Mapping[str, Any]) -> Stage:
    parameters = tuple(
        Parameter(**{**item, "kind": Kind(item["kind"]), "choices": tuple(item["choices"])})
        for item in kept["parameters"]
    )
    inputs = tuple(Input(item) for item in kept["inputs"])
    return Stage(kept["name"], kept["summary"], parameters, inputs, kept["renders"])
