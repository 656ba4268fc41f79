"""A running server under attack: poisoned models, replayed requests, paths that leave its folders."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from resilver.v1 import jobs_pb2
from resilver_client.client import Client
from resilver_client.errors import (
    ModelUnknown,
    ModelUnreadable,
    PathNotAllowed,
    RequestIdReused,
    ResilverError,
)
from resilver_client.values import settings
from resilver_otio.sources import one_clip_timeline
from resilver_server.domain.jobs import JobState
from resilver_server.models.converters.checkpoint import read_checkpoint
from support.jobs import film, manager, on_loop, request, rows, timeline
from support.serving import ServerProcess, server_process

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of what poison looks like


@dataclass(frozen=True)
class Attacked:
    server: ServerProcess
    client: Client
    inside: Path
    outside: Path


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    inside, outside = folder / "films", folder / "private"
    for each in (inside, outside):
        each.mkdir()
        film(each / "film.mkv", 3)
    with server_process(folder / "home", "--root", str(inside)) as server, server.client() as client:
        yield Attacked(server, client, inside, outside)


def asking(id: str, media: Path, output: Path, title: str = "") -> jobs_pb2.JobRequest:
    request = jobs_pb2.JobRequest(request_id=id, title=title, output_folder=str(output))
    request.timeline = one_clip_timeline(str(media), "a")
    request.recipe.stages.append(settings("upscale", {"model": "none", "scale": 2.0}))
    request.recipe.delivery.profile = "ffv1"
    return request


class Poison:
    """What unpickling it would do is write a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.canary,)


def poisoned(folder: Path, canary: Path) -> list[Path]:
    """The same poison in every form of a checkpoint that torch reads."""
    state = {"body.0.weight": torch.zeros(3, 3, 3, 3), "poison": Poison(canary)}
    torch.save(state, folder / "zip.pth")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    (folder / "plain.pkl").write_bytes(pickle.dumps(Poison(canary)))
    (folder / "protocol0.pth").write_bytes(pickle.dumps(Poison(canary), protocol=0))
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:  # TorchScript holds code
        archive.writestr("a/data.pkl", pickle.dumps(Poison(canary)))
        archive.writestr("a/constants.pkl", pickle.dumps(Poison(canary)))
        archive.writestr("a/version", "3\n")
    (folder / "script.pth").write_bytes(hidden.getvalue())
    (folder / "named.safetensors").write_bytes(pickle.dumps(Poison(canary)))
    return sorted(folder.iterdir())


def test_no_code_in_a_checkpoint_runs(tmp_path: Path) -> None:
    canary, folder = tmp_path / "canary", tmp_path / "weights"
    folder.mkdir()
    for path in poisoned(folder, canary):
        with pytest.raises(ModelUnreadable):
            read_checkpoint(path)
        assert not canary.exists(), path.name
    pickle.loads((folder / "plain.pkl").read_bytes())
    assert canary.exists(), "the poison works where it is let"


def test_a_running_server_loads_no_pickle(attacked: Attacked, tmp_path: Path) -> None:
    """A card in its home that names poisoned weights, with the licence accepted and no digest known."""
    canary, folder = tmp_path / "canary", tmp_path / "weights"
    folder.mkdir()
    cards = attacked.server.home / "models" / "cards"
    cards.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(poisoned(folder, canary)):
        card = {
            "id": f"poison-{number}", "title": "poison", "architecture": "srvgg", "scale": 2, "halo": 18, "multiple": 1,
            "parameters": {"features": 64, "convolutions": 16, "factor": 2},
            "files": [{"sources": [{"path": str(path)}], "size": path.stat().st_size, "sha256": ""}],
            "code_licence": "", "weights_licence": "MIT", "permissive": True,
        }  # fmt: skip
        (cards / f"poison-{number}.json").write_text(json.dumps(card))
        with pytest.raises((ModelUnreadable, ModelUnknown)) as refused:
            list(attacked.client.install_model(f"poison-{number}", accept_licence=True))
        assert not canary.exists(), path.name
        assert type(refused.value) is ModelUnreadable, refused.value
        (cards / f"poison-{number}.json").unlink()
    for name in ("../../etc/passwd", str(folder / "zip.pth"), "poison-0/../poison-1", "\0", "x" * 10_000):
        with pytest.raises(ModelUnknown):
            list(attacked.client.install_model(name))
    assert attacked.client.presets(), "and the server goes on"


def test_an_archive_that_unpacks_to_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    """Checkpoints are stored, not packed: a megabyte of zeros packed would be a gigabyte of weights."""
    plain = tmp_path / "plain.pth"
    torch.save({"weight": torch.zeros(1 << 20)}, plain)
    read_checkpoint(plain)
    packed = tmp_path / "packed.pth"
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    assert packed.stat().st_size < plain.stat().st_size / 100
    with pytest.raises(ModelUnreadable, match="unpack"):
        read_checkpoint(packed)


def test_a_request_id_stands_for_one_request(attacked: Attacked) -> None:
    film_inside = attacked.inside / "film.mkv"
    first = attacked.client.submit(asking("one", film_inside, attacked.inside / "out"))
    assert attacked.client.submit(asking("one", film_inside, attacked.inside / "out")).id == first.id
    for other in (
        asking("one", film_inside, attacked.inside / "other"),
        asking("one", film_inside, attacked.inside / "out", title="another"),
        asking("one", attacked.outside / "film.mkv", attacked.inside / "out"),
    ):
        with pytest.raises(RequestIdReused) as refused:
            attacked.client.submit(other)
        assert "out" not in str(refused.value)
    assert len([job for job in attacked.client.all_jobs() if job.request_id == "one"]) == 1


def test_every_path_of_a_request_is_held(attacked: Attacked) -> None:
    inside, outside = attacked.inside, attacked.outside
    (inside / "way").symlink_to(outside)
    secret = str(outside / "film.mkv")
    for number, field in enumerate(("media", "output", "audio", "matte", "keep_matte", "key_frames", "defect_map")):
        for way in (outside, inside / "way", inside / ".." / "private", Path(f"/proc/self/root{outside}")):
            request = asking(f"path {number} {way}", inside / "film.mkv", inside / "out2")
            if field == "media":
                request.timeline = one_clip_timeline(str(way / "film.mkv"), "a")
            elif field == "output":
                request.output_folder = str(way)
            elif field == "audio":
                request.recipe.delivery.audio = str(way / "film.mkv")
            else:
                setattr(request.recipe.stages[0], field, str(way / "film.mkv"))
            with pytest.raises(PathNotAllowed) as refused:
                attacked.client.plan(request)
            assert secret not in refused.value.remedy
    assert sorted(path.name for path in outside.iterdir()) == ["film.mkv"]


NAMES = (
    "../../private/x", "/etc/x", "..", "a/b", "a\\b", "\0", "\n", "con", "x" * 255, "\u202egnp", ".hidden", "~", "%n"
)  # fmt: skip


def test_a_name_leads_nowhere(attacked: Attacked) -> None:
    for number, name in enumerate(NAMES):
        request = asking(f"name {number}", attacked.inside / "film.mkv", attacked.inside / "named")
        request.name = name
        (shot,) = attacked.client.plan(request).shots
        output = Path(shot.output)
        assert output.parent == attacked.inside / "named"
        assert not output.name.startswith(".")


def test_errors_tell_no_path_but_the_client_s_own(attacked: Attacked) -> None:
    home = str(attacked.server.home)
    attempts = [
        lambda: attacked.client.get("../../etc/passwd"),
        lambda: attacked.client.result("none"),
        lambda: attacked.client.list(page_token="' OR 1=1 --"),
        lambda: attacked.client.delete("%"),
        lambda: attacked.client.submit(jobs_pb2.JobRequest(request_id="x", output_folder="/nowhere/at/all")),
        lambda: list(attacked.client.install_model("none")),
    ]
    for attempt in attempts:
        with pytest.raises(ResilverError) as refused:
            attempt()
        said = f"{refused.value.what} {refused.value.where}"
        assert home not in said
        assert "Traceback" not in said
        assert "site-packages" not in said


def test_a_link_that_is_swapped_once_the_job_is_accepted(tmp_path: Path) -> None:
    """The film outside is even the same: only where it lies tells it from the one that was checked."""
    inside, outside = tmp_path / "films", tmp_path / "private"
    for folder in (inside, outside):
        folder.mkdir()
        os.utime(film(folder / "film.mkv", 3), (1, 1))
    link = inside / "linked.mkv"
    link.symlink_to(inside / "film.mkv")

    async def run() -> None:
        async with manager(tmp_path / "home", roots=(inside,)) as jobs:
            edit = timeline(link, 3, ("a", 0, 3))
            job = await jobs.submit(request("1", edit, inside / "out"))
            await jobs.pause(job.id, now=True)
            link.unlink()
            link.symlink_to(outside / "film.mkv")
            await jobs.resume(job.id)
            await rows(jobs, job.id)
            ended = await jobs.get(job.id)
            assert ended.state is JobState.FAILED
            assert ended.failure is not None
            assert ended.failure.reason == PathNotAllowed.reason

    on_loop(run)
    assert not list((inside / "out").glob("*.mkv"))
