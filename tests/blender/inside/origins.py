"""Where the packages that the extension needs come from, inside Blender."""

from __future__ import annotations

import importlib
import sys

NEEDED = (
    "grpc",
    "google.protobuf",
    "google.rpc.error_details_pb2",
    "typing_extensions",
    "opentimelineio",
    "pyblish.api",
    "resilver_client.client",
    "resilver_publish.types",
    "resilver.v1.types_pb2",
)


def main(extension: str, arguments: dict) -> dict:
    files = {name: importlib.import_module(name).__file__ for name in NEEDED}
    return {"files": files, "python": list(sys.version_info[:2])}
