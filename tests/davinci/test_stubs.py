"""The double's methods against what PyPI's `fusionscript-stubs` documents of Resolve 21.0.0."""

from __future__ import annotations

import ast
import inspect
from importlib.metadata import distribution
from pathlib import Path

import pytest

from davinci.resolve_double import PROFILES, Double, profile
from davinci.resolve_double.double import CLASSES
from davinci.resolve_double.handles import Api

STUBS = ast.parse(
    Path(str(distribution("fusionscript-stubs").locate_file("fusionscript-stubs/fusionscript.pyi"))).read_text("utf-8")
)
NEWER = {
    "Resolve": {
        "GetCurrentProject": (21, 1),
        "GetCurrentTimeline": (21, 1),
        "GetMediaPool": (21, 1),
        "IsStudio": (21, 1),
    },
    "MediaPoolItem": {"GetTimeline": (21, 0, 4)},
    "Timeline": {"GetSelectedClips": (21, 0, 4), "GetSettings": (21, 1), "SetSettings": (21, 1)},
    "TimelineItem": {
        "GetType": (21, 1),
        "GetSpeed": (21, 1),
        "SetSpeed": (21, 1),
        "GetFades": (21, 1),
        "SetFades": (21, 1),
        "GetProperties": (21, 1),
        "SetProperties": (21, 1),
        "AddTransition": (21, 1),
    },
}
"""Methods newer than the stubs, and what brought each (Blackmagic's README of 24 July 2026, CHANGELOG of 21.1)."""

NOT_MODELLED = {"Gallery", "GalleryStill", "GalleryStillAlbum", "Graph", "ColorGroup", "Fusion", "FusionComp"}
"""Classes that nothing of the plug-in meets."""


def documented() -> dict[str, dict[str, list[list[str]]]]:
    """Class -> method -> parameter names of each of its overloads."""
    classes: dict[str, dict[str, list[list[str]]]] = {}
    for node in STUBS.body:
        if not isinstance(node, ast.ClassDef) or any(getattr(base, "id", "") == "TypedDict" for base in node.bases):
            continue
        methods = classes.setdefault(node.name, {})
        for function in node.body:
            if isinstance(function, ast.FunctionDef):
                methods.setdefault(function.name, []).append(parameters_of(function.args))
    return classes


def parameters_of(arguments: ast.arguments) -> list[str]:
    """Names, without `self`."""
    names = [argument.arg for argument in arguments.args[1:]]
    return names + ([arguments.vararg.arg] if arguments.vararg else [])


DOCUMENTED = documented()


@pytest.mark.parametrize("api", CLASSES, ids=lambda api: api.kind)
def test_parameters_are_called_as_documented(api: type[Api]) -> None:
    for name, entry in api.entries().items():
        if name in NEWER.get(api.kind, {}):
            continue
        mine = [parameter for parameter in inspect.signature(entry.function).parameters if parameter != "self"]
        assert mine in DOCUMENTED[api.kind][name], f"{api.kind}.{name}"


@pytest.mark.parametrize("api", CLASSES, ids=lambda api: api.kind)
def test_every_documented_method_is_there(api: type[Api]) -> None:
    assert set(api.entries()) == set(DOCUMENTED[api.kind]) | set(NEWER.get(api.kind, {}))


def test_every_documented_class_is_known() -> None:
    classes = {name for name, methods in DOCUMENTED.items() if methods} | {"Fusion", "FusionComp", "GalleryStill"}
    assert classes == {api.kind for api in CLASSES} | NOT_MODELLED


@pytest.mark.parametrize("api", CLASSES, ids=lambda api: api.kind)
def test_newer_methods_are_newer(api: type[Api]) -> None:
    assert {name: api.entries()[name].since for name in NEWER.get(api.kind, {})} == NEWER.get(api.kind, {})
    assert not set(NEWER.get(api.kind, {})) & set(DOCUMENTED[api.kind])


def test_the_enumerations_are_documented_ones() -> None:
    literals = {
        node.targets[0].id: [element.attr for element in ast.walk(node.value) if isinstance(element, ast.Attribute)]
        for node in STUBS.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    exports = {*literals["TimelineExportType"], *literals["TimelineExportSubtype"]}
    assert set(Double(profile("21.0.4 Studio")).constants()) == exports


SINCE = {
    "Timeline.GetSelectedClips": (21, 0, 4),
    "Timeline.GetMarkInOut": (19, 1),
    "Timeline.GetMediaPoolItem": (19, 1),
    "TimelineItem.GetSourceStartFrame": (19,),
    "TimelineItem.GetSourceEndTime": (19,),
    "TimelineItem.GetLinkedItems": (19,),
    "TimelineItem.GetTrackTypeAndIndex": (19,),
    "TimelineItem.SetName": (20, 2),
    "TimelineItem.GetType": (21, 1),
    "TimelineItem.GetSpeed": (21, 1),
    "MediaPool.GetSelectedClips": (19,),
    "MediaPool.SetSelectedClip": (19,),
    "MediaPoolItem.SetThirdPartyMetadata": (19,),
    "MediaPoolItem.LinkFullResolutionMedia": (20,),
    "MediaPoolItem.SetName": (20, 2),
    "Resolve.IsStudio": (21, 1),
}
"""What resolve.md section 1.1 says of each."""


@pytest.mark.parametrize("one", PROFILES, ids=lambda one: one.name)
def test_a_method_is_listed_from_its_version_on(one: object) -> None:
    double = Double(one)  # type: ignore[arg-type]
    classes = {api.kind: api for api in CLASSES}
    for name, since in SINCE.items():
        kind, _, method = name.partition(".")
        assert (method in classes[kind](double).names()) == double.profile.has(since), name
