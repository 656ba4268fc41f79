"""From a folder of pictures to a model in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from resilver_client.errors import InvalidReference, InvalidRequest
from resilver_client.home import home
from resilver_server.domain.digests import digest_bytes, digest_of
from resilver_server.domain.serial import dumps
from resilver_server.models import loader, store
from resilver_server.models.architectures import Architecture, TaughtParameters
from resilver_server.models.cards import CARDS, CardFile, ModelCard, all_cards, cards_folder, is_id
from resilver_server.models.converters.convert import serialised
from resilver_server.models.nets.taught import Taught
from resilver_server.models.sources import LocalFile
from resilver_server.models.store import InstalledModel

from .crops import Crops
from .judging import Judgement, held_back, judge, write_sheet
from .references import LONGEST, Reference, read_references
from .training import Lesson, Progress, train

ENCODER = "efficientnet-lite0"
"""Card of the weights that training begins with."""
_VERSION = 1
"""Raised when the same pictures would teach something else."""
_FEWEST = 2


@dataclass(frozen=True)
class Course:
    """What is to be learned."""

    name: str
    """Id of the model that comes of it."""
    references: Path
    """Folder of colour pictures."""
    held_out: Path | None = None
    """Folder of pictures to judge by; else every fifth of the references."""
    steps: int = 600
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    model: InstalledModel
    learned: int
    """Pictures."""
    judgement: Judgement | None
    """None where nothing was held back."""
    sheet: Path | None


def teach(course: Course, device: torch.device, progress: Progress) -> Outcome:
    """Train, judge, and keep the model with its card. The same command goes on where one was broken off.

    Raises InvalidReference, InvalidRequest (the name), ModelNotInstalled, ModelDigestMismatch, DiskFull,
    OutputUnwritable.
    """
    _ensure_free(course.name)
    learned, back = _pictures(course)
    encoder = loader.load(store.require(ENCODER), "cpu")
    identity = digest_of(
        [_VERSION, encoder.digest, course.steps, course.seed, [reference.digest for reference in learned]]
    )
    torch.manual_seed(course.seed)
    parameters = TaughtParameters()
    network = Taught(parameters)
    network.encoder.load_state_dict(encoder.module.state_dict())
    folder = home() / "training" / course.name
    lesson = Lesson(Crops(learned, course.seed), course.steps, identity)
    state = train(network, lesson, folder / "checkpoint", device, progress)
    network.to("cpu").eval()
    judgement = judge(network, learned, back) if back else None
    sheet = folder / "held-out.png" if back else None
    if sheet:
        write_sheet(sheet, network, back)
    model = _keep(course, parameters, state, learned, identity, judgement)
    (folder / "checkpoint").unlink(missing_ok=True)
    return Outcome(model, len(learned), judgement, sheet)


def _ensure_free(name: str) -> None:
    if not is_id(name):
        remedy = "use lower-case letters, digits, dot, dash, underscore"
        raise InvalidRequest(f"{name!r} is no name for a model", remedy=remedy)
    taken = {card.id: card for card in all_cards()}
    if name in {card.id for card in CARDS} or (name in taken and taken[name].architecture is not Architecture.TAUGHT):
        raise InvalidRequest(f"a model is called {name} already", remedy="choose another name")


def _pictures(course: Course) -> tuple[list[Reference], list[Reference]]:
    found = read_references(course.references)
    if course.held_out is not None:
        learned, back = found, read_references(course.held_out)
    else:
        learned, back = held_back(found)
    if len(learned) < _FEWEST:
        raise InvalidReference("one picture teaches nothing", where=str(course.references), remedy="add pictures")
    return learned, back


def _keep(
    course: Course,
    parameters: TaughtParameters,
    state: dict[str, torch.Tensor],
    learned: Sequence[Reference],
    identity: str,
    judgement: Judgement | None,
) -> InstalledModel:
    weights = serialised(parameters, state, course.name)
    provenance = (
        f"Taught {course.steps} steps, seed {course.seed}, on {len(learned)} pictures of {course.references}, lesson "
        f"{identity[:12]}."
    )
    judged = f" Held-out pictures: {judgement.taught:.1f} dB, a tint {judgement.tint:.1f}." if judgement else ""
    path = home() / "training" / course.name / "weights.safetensors"
    store.write_atomically(path, weights)
    card = ModelCard(
        id=course.name,
        title=f"Colours taught from {course.references.name}",
        architecture=Architecture.TAUGHT,
        parameters=parameters,
        scale=1,
        halo=0,
        multiple=32,
        files=(CardFile((LocalFile(str(path)),), len(weights), digest_bytes(weights)),),
        code_licence="Apache-2.0",
        weights_licence="LicenseRef-own-pictures",
        permissive=True,
        notes=provenance + judged,
        edge=LONGEST,
    )
    store.write_atomically(cards_folder() / f"{card.id}.json", dumps(card).encode())
    return store.keep(card, weights, card.sha256)
