"""``CatalogService``: what this server can do."""
# ruff: noqa: N802 (gRPC methods carry the names of the contract)

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from resilver.v1 import catalogue_pb2 as messages
from resilver.v1.catalogue_pb2_grpc import CatalogServiceServicer
from resilver_client.values import scalar
from resilver_server import __version__
from resilver_server.domain.recipes import Recipe
from resilver_server.media.profiles import PROFILES, Profile
from resilver_server.models import cards, store
from resilver_server.planning.tasks import Device, InstallResult
from resilver_server.scheduling.manager import JobManager
from resilver_server.stages.catalogue import STAGES
from resilver_server.stages.presets import PRESETS, Preset
from resilver_server.stages.spec import StageSpec

from .interceptors import closing
from .writing import write_recipe

Context = grpc.aio.ServicerContext[Any, Any]


class CatalogServicer(CatalogServiceServicer):
    """Every method raises typed errors; an interceptor turns them into statuses."""

    def __init__(self, manager: JobManager) -> None:
        self._manager = manager

    async def GetServerInfo(self, request: messages.GetServerInfoRequest, context: Context) -> messages.ServerInfo:
        found = await self._manager.devices()
        return messages.ServerInfo(
            version=__version__,
            devices=[_write_device(device) for device in found.devices],
            libraries=found.libraries,
            pid=os.getpid(),
            home="" if self._manager.settings.remote else str(self._manager.settings.home),
            remote=self._manager.settings.remote,
        )

    async def ListStages(self, request: messages.ListStagesRequest, context: Context) -> messages.ListStagesResponse:
        return messages.ListStagesResponse(stages=[_write_stage(spec) for spec in STAGES])

    async def ListModels(self, request: messages.ListModelsRequest, context: Context) -> messages.ListModelsResponse:
        return messages.ListModelsResponse(models=await asyncio.to_thread(_read_models))

    async def ListPresets(self, request: messages.ListPresetsRequest, context: Context) -> messages.ListPresetsResponse:
        return messages.ListPresetsResponse(presets=[_write_preset(preset) for preset in PRESETS])

    async def ListProfiles(
        self, request: messages.ListProfilesRequest, context: Context
    ) -> messages.ListProfilesResponse:
        return messages.ListProfilesResponse(profiles=[_write_profile(profile) for profile in PROFILES])

    async def InstallModel(
        self, request: messages.InstallModelRequest, context: Context
    ) -> AsyncIterator[messages.InstallModelProgress]:
        async with closing(self._manager.install_model(request.model, request.accept_licence)) as steps:
            async for step in steps:
                if isinstance(step, InstallResult):
                    yield messages.InstallModelProgress(model=request.model, step="done", digest=step.digest)
                else:
                    yield messages.InstallModelProgress(
                        model=request.model, step=step.stage, done=step.done, total=step.total
                    )


def _write_device(device: Device) -> messages.Device:
    return messages.Device(
        id=device.id,
        name=device.name,
        total_memory=device.total_memory,
        free_memory=device.free_memory,
        half_precision=device.half_precision,
    )


def _write_stage(spec: StageSpec) -> messages.Stage:
    defaults = dataclasses.asdict(spec.parameters())
    return messages.Stage(
        name=spec.name,
        version=spec.version,
        summary=spec.summary,
        parameters_schema=json.dumps(spec.schema()),
        defaults={name: scalar(value) for name, value in defaults.items()},
        analysed=spec.analysed,
        renders=spec.renders,
        retimes=spec.retimes,
        inputs=[messages.StageInput.Value(f"STAGE_INPUT_{each.name}") for each in spec.inputs],
    )


def _write_preset(preset: Preset) -> messages.Preset:
    return messages.Preset(name=preset.name, summary=preset.summary, recipe=write_recipe(Recipe(preset.stages)))


def _write_profile(profile: Profile) -> messages.Profile:
    return messages.Profile(
        name=profile.name,
        summary=profile.summary,
        suffix=profile.suffix,
        bit_depth=profile.bit_depth,
        is_sequence=profile.is_sequence,
    )


def _read_models() -> list[messages.Model]:
    """Reads small files of the store: for a thread."""
    return [_write_model(card) for card in sorted(cards.all_cards(), key=lambda card: card.id)]


def _write_model(card: cards.ModelCard) -> messages.Model:
    found = store.installed(card.id)
    return messages.Model(
        id=card.id,
        title=card.title,
        architecture=card.architecture.value,
        code_licence=card.code_licence,
        weights_licence=card.weights_licence,
        permissive=card.permissive,
        size=card.size,
        state=messages.ModelState.Value(f"MODEL_STATE_{store.state(card).name}"),
        digest=found.digest if found else "",
        scale=card.scale,
        notes=card.notes,
    )
