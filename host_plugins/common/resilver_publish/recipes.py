"""What tells one recipe from another."""

from __future__ import annotations

import hashlib

from resilver.v1 import types_pb2


def recipe_digest(recipe: types_pb2.Recipe) -> str:
    """sha256, the same for equal recipes: a host sees by it whether a restored clip is out of date."""
    return hashlib.sha256(recipe.SerializeToString(deterministic=True)).hexdigest()
