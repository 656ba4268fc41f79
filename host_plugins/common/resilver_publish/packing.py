"""A job for a server that shares no disk: the files that its clips and recipe need, and its request in their terms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from resilver.v1 import jobs_pb2
from resilver_client.content import LocalFile, local_bytes, local_file
from resilver_client.errors import ClipUnsupported, InvalidRequest, MediaNotFound
from resilver_client.references import CONTENT, FILE, FOLDER, SCHEME, Entry, is_name, write_manifest
from resilver_client.values import fraction
from resilver_otio.collect import collect
from resilver_otio.paths import media_path, sequence_pattern, split_pattern
from resilver_otio.types import PICTURES, ClipRequest, Selection

from .places import Places

_PICTURES_OF_A_STAGE = ("matte", "keep_matte", "defect_map", "key_frames")
"""Fields of ``StageSettings`` that are paths."""
_SLASHES = "/\\"
Frames = Mapping[str, frozenset[int]]
"""By the pattern of a sequence: numbers of the files that are needed."""


@dataclass
class Packed:
    """What goes to the server."""

    request: jobs_pb2.JobRequest
    """Without a folder and a request id."""
    files: dict[str, LocalFile] = field(default_factory=dict)
    """By digest."""
    places: Places = field(default_factory=Places)
    """The way back."""


class Packer:
    """Packs one job, whose media may be packed more than once: each file is read once for its digest."""

    def __init__(self, job: jobs_pb2.JobRequest) -> None:
        """Raises what ``collect`` does."""
        self._job = job
        self._clips = collect(job.timeline, _selection(job.selection)).clips
        self._known: dict[Path, LocalFile] = {}

    @property
    def sequences(self) -> dict[str, ClipRequest]:
        """Clips of sequences by their ids."""
        return {clip.id: clip for clip in self._clips if _is_sequence(clip.media)}

    def first_number(self, clip: ClipRequest) -> int:
        """Of the file that the media begins with."""
        return min(_numbered(clip.media), default=0) if clip.first_number is None else clip.first_number

    def pack(self, frames: Frames | None = None) -> Packed:
        """``frames`` are the files of sequences that are needed; without them only the first of each goes along, so
        that the server can plan. Raises MediaNotFound, MediaUnreadable, InvalidRequest for names that cannot travel.
        """
        packed = Packed(jobs_pb2.JobRequest())
        packed.request.CopyFrom(self._job)
        packed.request.ClearField("output_folder")
        packed.request.ClearField("request_id")
        packing = _Packing(packed, self._known, frames, self._job.skip_refused)
        packed.request.timeline = packing.timeline(self._job.timeline, self._clips)
        for stage in packed.request.recipe.stages:
            for name in _PICTURES_OF_A_STAGE:
                if path := getattr(stage, name):
                    setattr(stage, name, packing.refer(path, path))
        delivery = packed.request.recipe.delivery
        if delivery.audio:
            delivery.audio = packing.refer(delivery.audio, delivery.audio)
        return packed


class _Packing:
    """One packing under way."""

    def __init__(self, packed: Packed, known: dict[Path, LocalFile], frames: Frames | None, lenient: bool) -> None:
        self._packed, self._known, self._frames, self._lenient = packed, known, frames, lenient
        self._folders: dict[str, str] = {}

    def timeline(self, text: str, clips: tuple[ClipRequest, ...]) -> str:
        """The timeline with references in place of what the clips need; what others show stays as it is."""
        data = json.loads(text)
        wanted = {clip.media for clip in clips}
        for node in _objects(data):
            schema = str(node.get("OTIO_SCHEMA", "")).partition(".")[0]
            if schema == "ExternalReference" and _path(node.get("target_url")) in wanted:
                node["target_url"] = self._medium(_path(node["target_url"]), node["target_url"])
            elif schema == "ImageSequenceReference" and (pattern := _pattern(node)) in wanted:
                node["target_url_base"] = self._sequence(pattern, node["target_url_base"])
            elif isinstance(own := node.get("resilver"), dict):
                self._pictures(own)
        return json.dumps(data, ensure_ascii=False)

    def refer(self, path: str, spelled: str) -> str:
        """The reference of a file, a folder, or the files of a pattern."""
        if Path(path).is_dir():
            return self._folder(path, _plain_files(Path(path)), path)
        parts = split_pattern(path)
        if Path(path).is_file() or parts is None:
            return self._file(path, spelled)
        files = list(_numbered(path).values())
        return f"{self._folder(path, files, parts[0].rstrip(_SLASHES) or '/')}/{path[len(parts[0]) :]}"

    def _pictures(self, own: dict[str, Any]) -> None:
        """Of one clip alone (``metadata.resilver``)."""
        for key in PICTURES:
            given = own.get(key)
            if isinstance(given, dict):
                texts = {stage: path for stage, path in given.items() if isinstance(path, str) and path}
                given.update({stage: self.refer(path, path) for stage, path in texts.items()})

    def _medium(self, path: str, spelled: str) -> str:
        if not _is_sequence(path):
            return self._file(path, spelled)
        cut = max(spelled.rfind("/"), spelled.rfind("\\"))
        return f"{self._sequence(path, spelled[:cut])}/{spelled[cut + 1 :]}"

    def _file(self, path: str, spelled: str) -> str:
        if not Path(path).is_file():
            return self._absent(path, spelled)
        file = self._add(Path(path))
        name = Path(path).name if is_name(Path(path).name) else f"media{Path(path).suffix}"
        places, number, plain = self._packed.places, 1, f"{SCHEME}{CONTENT}/{file.digest}/{name}"
        while not places.free(_spelling(plain, spelled), spelled):
            number += 1
            plain = f"{SCHEME}{CONTENT}/{file.digest}/{number}-{name}"
        places.add(plain, path)
        places.add(_spelling(plain, spelled), spelled)
        return _spelling(plain, spelled)

    def _sequence(self, pattern: str, base: str) -> str:
        """The reference of a sequence's folder, spelled as ``base`` is."""
        if pattern not in self._folders:
            files = _numbered(pattern)
            if not files:
                return self._absent(pattern, base)
            first = frozenset([min(files)])  # headers are compared with it, and names without content are half of it
            needed = first if self._frames is None else first | self._frames.get(pattern, frozenset())
            chosen = {file for number, file in files.items() if number in needed}
            folder = str(next(iter(files.values())).parent)
            self._folders[pattern] = self._folder(pattern, list(files.values()), folder, chosen)
        plain = self._folders[pattern]
        self._packed.places.add(_spelling(plain, base), base.rstrip(_SLASHES))
        return _spelling(plain, base) + ("/" if base.endswith("/") else "")

    def _folder(self, path: str, files: list[Path], folder: str, chosen: set[Path] | None = None) -> str:
        """The reference of a folder with some files; those outside ``chosen`` go by name alone."""
        if not files:
            return self._absent(path, path)
        odd = next((file for file in files if not is_name(file.name)), None)
        if odd is not None:
            raise InvalidRequest("a name that cannot travel", where=str(odd), remedy="rename the file")
        entries = [self._entry(file, chosen is None or file in chosen) for file in files]
        manifest = local_bytes(write_manifest(entries))
        self._packed.files[manifest.digest] = manifest
        plain = f"{SCHEME}{FOLDER}/{manifest.digest}"
        self._packed.places.add(plain, folder)
        return plain

    def _entry(self, file: Path, needed: bool) -> Entry:
        if not needed:
            return Entry(file.name, "", 0)
        found = self._add(file)
        return Entry(file.name, found.digest, found.size)

    def _add(self, path: Path) -> LocalFile:
        if path not in self._known:
            self._known[path] = local_file(path)
        file = self._known[path]
        self._packed.files[file.digest] = file
        return file

    def _absent(self, path: str, spelled: str) -> str:
        """The server refuses the clip then, and goes on with the others where the job says so."""
        if self._lenient:
            return spelled
        raise MediaNotFound("no such file", where=path, remedy="check the path or relink the clip")


def _spelling(plain: str, spelled: str) -> str:
    """A reference in the form in which a path is written: plain, or as a URL."""
    return FILE + quote(plain, safe="/:") if spelled.lower().startswith("file:") else plain


def _objects(data: Any) -> Iterator[dict[str, Any]]:
    stack = [data]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


def _path(url: object) -> str:
    try:
        return media_path(url) if isinstance(url, str) else ""
    except ClipUnsupported:
        return ""


def _pattern(node: dict[str, Any]) -> str:
    try:
        return sequence_pattern(
            node["target_url_base"], node["name_prefix"], node["frame_zero_padding"], node["name_suffix"]
        )
    except (ClipUnsupported, KeyError, TypeError, AttributeError):
        return ""


def _numbered(pattern: str) -> dict[int, Path]:
    """The files of a printf pattern by their numbers, increasing."""
    parts = split_pattern(pattern)
    if parts is None:
        return {}
    folder, prefix, _, suffix = parts
    place = Path(folder) if Path(folder).is_dir() else Path(folder.replace("%%", "%"))
    expression = re.compile(re.escape(prefix) + r"(\d+)" + re.escape(suffix))
    found = {}
    for file in place.iterdir() if place.is_dir() else ():
        match = expression.fullmatch(file.name)
        if match and file.is_file():
            found[int(match[1])] = file
    return dict(sorted(found.items()))


def _is_sequence(path: str) -> bool:
    return split_pattern(path) is not None and not Path(path).is_file()


def _plain_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))


def _selection(message: jobs_pb2.Selection) -> Selection:
    span = None
    if message.HasField("range"):
        span = (fraction(message.range.start), fraction(message.range.stop))
    return Selection(
        tuple(message.names), tuple(message.indices), tuple(message.tracks), tuple(message.markers),
        tuple(message.colours), span,
    )  # fmt: skip
