"""Keeps the server's paths to itself: what leaves speaks of files as clients know them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import quote

from google.protobuf.message import Message

from resilver_client.errors import ResilverError
from resilver_client.messages import change_texts
from resilver_client.references import CONTENT, FOLDER, RESULT, SCHEME, SERVER
from resilver_server.config import ServerSettings

_SHORT = 2
"""Parts of a path under which anybody's film may lie, as ``/data``: a client's own paths in a timeline stay as they
are."""


class Veil:
    """Replaces the beginnings of paths, in any spelling in which they may stand in a text."""

    def __init__(self, settings: ServerSettings) -> None:
        root = settings.remote_path
        names = [(root / kind, f"{SCHEME}{kind}") for kind in (CONTENT, FOLDER)]
        names.append((root / "results", f"{SCHEME}{RESULT}"))
        own = (settings.remote_path, settings.content_path, settings.database_path, settings.home / "models")
        whole = (settings.home, settings.home.resolve(), Path(sys.prefix), Path(__file__).parents[3])
        names.extend((path, SERVER) for path in (*own, *(path for path in whole if len(path.parts) > _SHORT)))
        pairs = {spelling: word for path, word in reversed(names) for spelling in _spellings(str(path))}
        self._pairs = sorted(pairs.items(), key=lambda pair: -len(pair[0]))

    def text(self, text: str) -> str:
        if "/" in text or "\\" in text:
            for path, word in self._pairs:
                text = text.replace(path, word)
        return text

    def error(self, error: ResilverError) -> ResilverError:
        return type(error)(self.text(error.what), where=self.text(error.where), remedy=self.text(error.remedy))

    def message(self, message: Message) -> None:
        change_texts(message, self.text)


def _spellings(path: str) -> set[str]:
    """As it is, as printf patterns, URLs and JSON write it."""
    return {
        path,
        path.replace("%", "%%"),
        quote(path),
        json.dumps(path)[1:-1],
        json.dumps(path, ensure_ascii=False)[1:-1],
    }
