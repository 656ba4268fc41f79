"""Take in a user's own ESRGAN, compact, SPAN, DDColor or DeOldify checkpoint. What its file tells is not asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from resilver_client.errors import InvalidRequest, ModelUnreadable
from resilver_server.domain.digests import digest_file
from resilver_server.domain.serial import dumps, loads

from .architectures import (
    Architecture,
    DdcolorParameters,
    DeoldifyParameters,
    RrdbParameters,
    SpanParameters,
    SrvggParameters,
)
from .cards import CARDS, CardFile, ModelCard, cards_folder, is_id
from .converters.checkpoint import read_checkpoint
from .converters.convert import serialised
from .converters.recognise import Recognised, recognise
from .sources import LocalFile
from .store import InstalledModel, keep, keep_acceptance, licence_accepted, require_licence, write_atomically

_PERMISSIVE = frozenset(
    ("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT", "Unlicense", "WTFPL")
)
_RRDB_HALO = 96
"""The receptive field is hundreds of pixels wide, what reaches the result is not (measured on x4plus)."""
_EDGES = {Architecture.DDCOLOR: 512, Architecture.DEOLDIFY: 560}
"""Pixels of the square that the published programs make a picture into by default."""


@dataclass(frozen=True)
class UserCard:
    """What the user's JSON says: ``{"id": "my-esrgan", "weights_licence": "CC-BY-NC-SA-4.0"}`` is enough."""

    id: str
    weights_licence: str
    """SPDX identifier."""
    title: str = ""
    code_licence: str = ""
    permissive: bool | None = None
    """Asked only for licences that Resilver does not know."""
    notes: str = ""


def add(checkpoint: Path, card_file: Path, *, accept_licence: bool = False) -> InstalledModel:
    """Recognise, convert and keep the checkpoint, and write its card beside the others.

    Where the licence is not accepted yet the card is written and the weights are not: ``install`` with the acceptance
    then takes them in.

    Raises ModelUnreadable (no such file, truncated, code inside, unknown architecture), InvalidRequest (the card),
    LicenceNotAccepted.
    """
    wanted = _read_user_card(card_file)
    found = recognise(read_checkpoint(checkpoint), str(checkpoint))
    if found.architecture is Architecture.IFNET:
        raise ModelUnreadable(
            "interpolation networks cannot be added",
            where=str(checkpoint),
            remedy="add ESRGAN, compact, SPAN, DDColor or DeOldify",
        )
    weights = serialised(found.parameters, found.state, str(checkpoint))
    model = _card(wanted, found, checkpoint)
    write_atomically(cards_folder() / f"{model.id}.json", dumps(model).encode())
    if accept_licence and not licence_accepted(model):
        keep_acceptance(model)
    require_licence(model)
    return keep(model, weights, model.sha256)


def _read_user_card(path: Path) -> UserCard:
    try:
        wanted = loads(UserCard, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the card cannot be read: {error}", where=str(path)) from error
    if not is_id(wanted.id):
        raise InvalidRequest(
            f"{wanted.id!r} is no id", where=str(path), remedy="use lower-case letters, digits, dot, dash, underscore"
        )
    if any(wanted.id == card.id for card in CARDS):
        raise InvalidRequest(f"the id {wanted.id} is taken", where=str(path), remedy="choose another one")
    return wanted


def _card(wanted: UserCard, found: Recognised, checkpoint: Path) -> ModelCard:
    permissive = wanted.weights_licence in _PERMISSIVE if wanted.permissive is None else wanted.permissive
    size = checkpoint.stat().st_size
    file = CardFile((LocalFile(str(checkpoint.resolve())),), size, digest_file(checkpoint))
    return ModelCard(
        id=wanted.id,
        title=wanted.title or wanted.id,
        architecture=found.architecture,
        parameters=found.parameters,
        scale=found.scale,
        halo=_halo(found),
        multiple=_multiple(found),
        files=(file,),
        code_licence=wanted.code_licence,
        weights_licence=wanted.weights_licence,
        permissive=permissive,
        notes=wanted.notes,
        edge=_EDGES.get(found.architecture, 0),
    )


def _multiple(found: Recognised) -> int:
    match found.parameters:
        case RrdbParameters(unshuffle=unshuffle):
            return unshuffle
        case DdcolorParameters():
            return 32
        case DeoldifyParameters():
            return 16
    return 1


def _halo(found: Recognised) -> int:
    """Input pixels that reach an output pixel: every 3x3 convolution at input size adds one."""
    match found.parameters:
        case SrvggParameters(convolutions=convolutions):
            return convolutions + 2
        case SpanParameters():
            return 21
        case RrdbParameters(unshuffle=unshuffle):
            return _RRDB_HALO * unshuffle
        case DdcolorParameters() | DeoldifyParameters():
            return 0
    raise ModelUnreadable("this architecture cannot be added", where=found.architecture.value)
