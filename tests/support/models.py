"""Installed networks for tests. Weights are fetched once into the user's own store; offline, tests skip and say why."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from resilver_client.errors import ModelSourceUnreachable
from resilver_server.models.loader import Network, load
from resilver_server.models.store import install, models_folder


@functools.lru_cache(maxsize=2)
def _network(model_id: str) -> Network:
    return load(install(model_id), "cpu")


def network(model_id: str) -> Network:
    """The network on the CPU, float32."""
    try:
        return _network(model_id)
    except ModelSourceUnreachable as error:
        pytest.skip(f"the weights cannot be fetched: {error}")


def installed_models(home: Path, *model_ids: str) -> Path:
    """``home`` for a server of its own that finds the models (``none`` and ``blend`` are none) already installed."""
    for model_id in model_ids:
        if model_id not in ("none", "blend"):
            try:
                install(model_id)
            except ModelSourceUnreachable as error:
                pytest.skip(f"the weights cannot be fetched: {error}")
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "models").exists():
        (home / "models").symlink_to(models_folder())
    return home
