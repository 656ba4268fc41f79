"""Writes docs/reference.md from the code: stages, presets, profiles, models. A test compares the two.

.venv/bin/python docs/reference.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from resilver_client.errors import ERRORS
from resilver_server.media.profiles import PROFILES
from resilver_server.models.cards import CARDS
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.presets import PRESETS, Preset
from resilver_server.stages.spec import StageSpec

PAGE = Path(__file__).with_name("reference.md")


def page() -> str:
    parts = [
        "# Reference",
        "Written by `docs/reference.py` from the code; do not edit.",
        "## Stages",
        "In the order in which they are applied. Each also has a `strength` (0 to 1), and takes the pictures named.",
        *(_stage(spec) for spec in STAGES),
        "## Presets",
        _table(("preset", "what for", "stages"), ((p.name, p.summary, _stages(p)) for p in PRESETS)),
        "## Profiles",
        _table(
            ("profile", "suffix", "bits", "what it is"),
            ((p.name, p.suffix, str(p.bit_depth), p.summary) for p in PROFILES),
        ),
        "## Models",
        _table(
            ("model", "what it is", "licence of the weights", "MB", "halo", "size a multiple of"),
            ((c.id, c.title, c.weights_licence, f"{c.size / 1e6:.1f}", str(c.halo), str(c.multiple)) for c in CARDS),
        ),
        "## Reasons of errors",
        "`error: REASON: what, where, what to do`, exit code 1.",
        ", ".join(sorted(f"`{error.reason}`" for error in ERRORS)) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _stage(spec: StageSpec) -> str:
    rows = (
        (name, str(facts["default"]) if facts["default"] != "" else "(empty)", _limits(facts), facts["description"])
        for name, facts in spec.schema()["properties"].items()
    )
    takes = ", ".join(each.value for each in spec.inputs) or "nothing"
    return f"### {spec.name}\n\n{spec.summary}\n\nTakes: {takes}.\n\n" + _table(
        ("parameter", "default", "values", "meaning"), rows
    )


def _limits(facts: dict[str, object]) -> str:
    if "enum" in facts:
        return ", ".join(str(choice) for choice in facts["enum"])  # type: ignore[attr-defined]
    if "minimum" in facts or "maximum" in facts:
        return f"{facts.get('minimum', '')} to {facts.get('maximum', '')}"
    return str(facts["type"])


def _stages(preset: Preset) -> str:
    return ", ".join(
        settings.stage + "".join(f" {name}={value}" for name, value in settings.parameters.items())
        for settings in preset.stages
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page())
