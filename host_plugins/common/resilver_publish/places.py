"""The way back from a server's references to the files of this machine."""

from __future__ import annotations

import json

from resilver_client.references import SCHEME, in_json


class Places:
    """What each reference stands for here. One of a folder stands for all that lies in it."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def add(self, reference: str, place: str) -> None:
        self._places.setdefault(reference, place)

    def free(self, reference: str, place: str) -> bool:
        """Whether ``reference`` may stand for ``place``."""
        return self._places.get(reference, place) == place

    def one(self, reference: str) -> str:
        """The place of a reference, or of a file in a folder; any other text as it is."""
        if reference in self._places:
            return self._places[reference]
        head, slash, rest = reference.rpartition("/")
        while slash:
            if head in self._places:
                return f"{self._places[head].rstrip('/')}/{rest}"
            head, slash, more = head.rpartition("/")
            rest = f"{more}/{rest}"
        return reference

    def text(self, text: str) -> str:
        """A sentence, or a JSON text, with places instead of references."""
        if SCHEME not in text:
            return text
        is_json = text.lstrip().startswith("{")
        if is_json:
            text = in_json(text, self.one)
        for reference, place in sorted(self._places.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(reference, json.dumps(place, ensure_ascii=False)[1:-1] if is_json else place)
        return text
