"""The OpenTimelineIO plug-in: found by its entry point, light to import, its schemas versioned."""

from __future__ import annotations

import subprocess
import sys

import opentimelineio as otio
import pytest


def test_schemas_are_found_without_importing_us() -> None:
    names = {each.name for each in otio.plugins.ActiveManifest().schemadefs}
    assert "resilver" in names
    module = otio.schema.schemadef.module_from_name("resilver")
    assert module.ResilverRecipe("r").schema_name() == "ResilverRecipe"


def test_objects_come_back_as_they_were() -> None:
    module = otio.schema.schemadef.module_from_name("resilver")
    recipe = module.ResilverRecipe(
        "silent film",
        [{"stage": "upscale", "parameters": {"width": 3840}, "strength": 0.5}],
        {"profile": "prores-422hq", "tail_frames": 1},
    )
    result = module.ResilverResult("shot 1", "jobs/1", "abc", "0/3", "/out/a.mov", "60000/1001", 120)
    for each, label in ((recipe, "ResilverRecipe.1"), (result, "ResilverResult.1")):
        text = each.to_json_string()
        assert f'"OTIO_SCHEMA": "{label}"' in text
        again = otio.core.deserialize_json_from_string(text)
        assert type(again) is type(each)
        assert again.is_equivalent_to(each)
    again = otio.core.deserialize_json_from_string(recipe.to_json_string())
    assert again.stages[0]["parameters"]["width"] == 3840
    assert again.delivery["profile"] == "prores-422hq"


def test_wrong_types_are_refused() -> None:
    module = otio.schema.schemadef.module_from_name("resilver")
    with pytest.raises(TypeError):
        module.ResilverResult(frames="many")


def test_import_is_light() -> None:
    """OpenTimelineIO imports every plug-in package on first use: ours brings nothing along but itself."""
    code = (
        "import sys; before = set(sys.modules); import resilver_otio;"
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before}))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "['resilver_otio']"


def test_timeline_code_needs_no_heavy_library() -> None:
    code = (
        "import sys; import resilver_otio.place, resilver_otio.collect, resilver_otio.locate, resilver_otio.read;"
        "print([m for m in ('torch', 'cv2', 'av', 'numpy', 'resilver_server') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"
