"""Lists to choose from that come from the server's catalogue.

Blender stores the number of a choice; the catalogue's order may change, so names are what is stored here, and a name
that the server no longer has stays in its list, marked. Blender does not keep the texts alive: ``_KEPT`` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..server.server import SERVER
from . import settings

Item = tuple[str, str, str, str, int]
_KEPT: dict[str, list[Item]] = {}


def items(of: str, known: Iterable[tuple[str, str, str]], chosen: str) -> list[Item]:
    """Choices (identifier, label, description) with ``chosen`` among them."""
    found = [(*choice, "NONE", number) for number, choice in enumerate(known)]
    if chosen not in (choice[0] for choice in found):
        elsewhere = f"{chosen} (not on this server)" if found else chosen
        label = elsewhere if chosen else "Choose"
        found.append((chosen or "-", label, "", "NONE", len(found)))
    if _KEPT.get(of) != found:
        _KEPT[of] = found
    return _KEPT[of]


def _number(of: list[Item], chosen: str) -> int:
    return next((item[4] for item in of if item[0] == chosen), len(of) - 1)


def _name(of: list[Item], number: int) -> str:
    name = of[number][0]
    return "" if name == "-" else name


def label(name: str) -> str:
    """``silent-film`` for people: "Silent film"."""
    return name.replace("-", " ").replace("_", " ").capitalize()


def of_presets(owner: Any, context: Any) -> list[Item]:
    known = ((preset.name, label(preset.name), preset.summary) for preset in SERVER.catalogue.presets)
    return items("presets", known, owner.preset_name)


def get_preset(owner: Any) -> int:
    return _number(of_presets(owner, None), owner.preset_name)


def set_preset(owner: Any, number: int) -> None:
    """Choosing a preset fills in its stages."""
    name = _name(of_presets(owner, None), number)
    preset = SERVER.catalogue.preset(name)
    if preset:
        settings.choose(owner, preset, SERVER.catalogue)


def of_profiles(owner: Any, context: Any) -> list[Item]:
    known = ((profile.name, profile.summary, profile.name) for profile in SERVER.catalogue.profiles)
    return items("profiles", known, owner.profile_name)


def get_profile(owner: Any) -> int:
    return _number(of_profiles(owner, None), owner.profile_name)


def set_profile(owner: Any, number: int) -> None:
    owner.profile_name = _name(of_profiles(owner, None), number)


def of_parameter(owner: Any, context: Any) -> list[Item]:
    parameter = settings.parameter_of(owner, SERVER.catalogue)
    known = ((choice, label(choice), "") for choice in parameter.choices) if parameter else ()
    return items(f"{owner.stage}.{owner.name}", known, owner.text)


def get_parameter(owner: Any) -> int:
    return _number(of_parameter(owner, None), owner.text)


def set_parameter(owner: Any, number: int) -> None:
    owner.text = _name(of_parameter(owner, None), number)
