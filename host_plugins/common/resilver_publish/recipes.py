"""What tells one recipe from another."""

from __future__ import annotations

import hashlib

from resilver.v1 import types_pb2


def recipe_digest(recipe: types_pb2.Recipe) -> str:
    """sha256, the same for recipes that make the same pictures: a host sees by it whether a restored clip is out of
    date. Whether change maps are written beside it is no matter."""
    pictures = types_pb2.Recipe()
    pictures.CopyFrom(recipe)
    if pictures.HasField("delivery"):
        pictures.delivery.ClearField("change_maps")
    return hashlib.sha256(pictures.SerializeToString(deterministic=True)).hexdigest()
