"""DDColor and DeOldify with seeded weights: their own are on hubs that are not always reachable."""

from __future__ import annotations

import torch

from resilver_server.models import store
from resilver_server.models.cards import card
from resilver_server.models.converters.convert import serialised
from resilver_server.models.converters.recognise import Recognised, recognise
from resilver_server.models.loader import Network
from resilver_server.models.nets.build import build

from .published import Layout, kept_layouts, seeded

_LAYOUTS = {
    "ddcolor-tiny": ("ddcolor", "tiny"),
    "ddcolor-paper": ("ddcolor", "large"),
    "ddcolor-artistic": ("ddcolor", "large"),
    "ddcolor-modelscope": ("ddcolor", "large"),
    "deoldify-artistic": ("deoldify", "deep"),
    "deoldify-stable": ("deoldify", "wide"),
    "deoldify-video": ("deoldify", "wide"),
}


def layout(model_id: str) -> Layout:
    """Names and shapes in the published checkpoint of a card."""
    family, name = _LAYOUTS[model_id]
    return kept_layouts(f"{family}_layouts.json.gz")[name]


def converted(model_id: str) -> Recognised:
    """What the converter makes of a checkpoint with the published names and shapes."""
    return recognise(seeded(layout(model_id)), model_id)


def network(model_id: str) -> Network:
    """What the card says, on the CPU, float32, as the loader gives it; the store is not used."""
    found = converted(model_id)
    with torch.device("meta"):
        module = build(card(model_id).parameters)
    module.load_state_dict(found.state, strict=True, assign=True)
    module = module.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Network(module, card(model_id), "seeded")


def install_seeded(model_id: str) -> store.InstalledModel:
    """Put it into the store (``RESILVER_HOME``) under the card's name, as if the published weights were these."""
    found = converted(model_id)
    return store.keep(card(model_id), serialised(found.parameters, found.state, model_id), card(model_id).sha256)
