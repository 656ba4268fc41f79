"""A server that shares no disk with its clients, used like any other: media go there first, results come back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

from google.protobuf.message import Message

from resilver.v1 import content_pb2, jobs_pb2
from resilver_client.client import Client
from resilver_client.contact import persist
from resilver_client.content import Courier, ensure_open, ensure_room, local_file, put, to_come
from resilver_client.errors import InvalidRequest, OutputExists, ResilverError
from resilver_client.messages import change_texts
from resilver_client.references import FILE, RESULT, SCHEME, is_name, result_key

from .packing import Packed, Packer
from .places import Places

Each = TypeVar("Each", bound=Message)
SIDECAR = ".resilver.json"
Told = Callable[[str, int, int], None]
"""``(what is done, bytes that are there, bytes of all)``."""
PATIENCE = 600.0
"""Seconds without an answer after which a job is left: the server goes on with it."""
_AGAIN = (jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED)


class Far:
    """The calls of ``Client`` that a job needs, in terms of this machine's paths.

    A job's request id follows from what it asks for, its files' content and the server's version included: who asks for
    the same again, after a crash or a lost line, goes on with the same job.
    """

    def __init__(self, client: Client, told: Told = lambda verb, done, total: None, patience: float = PATIENCE) -> None:
        self._client, self._told, self._patience = client, told, patience
        self._courier = Courier(client, patience)
        self._places: dict[str, Places] = {}
        self._results: dict[str, str] = {}

    def plan(self, job: jobs_pb2.JobRequest) -> jobs_pb2.Plan:
        """What ``submit`` would do. Media go to the server: only there they can be looked at.

        Raises what ``Client.plan`` and ``Courier.upload`` do; OutputExists, OutputUnwritable for a place here.
        """
        ensure_open(Path(job.output_folder))
        packed = self._sent(job, "")
        plan = self._asked(lambda: self._client.plan(packed.request), packed.places)
        packed.places.add(f"{SCHEME}{RESULT}/plan", job.output_folder)
        found = _translated(plan, packed.places)
        if not job.preview_frames:
            _refuse_existing(shot.output for shot in found.shots)
        return found

    def submit(self, job: jobs_pb2.JobRequest, priority: int = 0) -> jobs_pb2.Job:
        """Upload what is missing, then queue the job; one that had failed or was cancelled goes on.

        Raises what ``Client.submit`` and ``Courier.upload`` do; OutputExists for results that would lie over a file
        here, OutputUnwritable where they cannot be written.
        """
        ensure_open(Path(job.output_folder))
        packed = self._sent(job, persist(self._client.check, self._patience))
        queued = self._asked(lambda: self._client.submit(packed.request, priority), packed.places)
        self._places[queued.id] = packed.places
        self._results[queued.id] = f"{SCHEME}{RESULT}/{result_key(packed.request.request_id)}"
        if queued.state in _AGAIN:
            queued = self._asked(lambda: self._client.retry(queued.id), packed.places)
        if job.preview_frames:
            self._free_folders(queued)
        found = _translated(queued, packed.places)
        if found.state != jobs_pb2.JOB_STATE_SUCCEEDED:  # results come only after that: what is there is another's
            self._refuse_existing(found)
        return found

    def watch(self, job_id: str) -> Iterator[jobs_pb2.JobEvent]:
        """Until the job has ended, whatever cuts the connection."""
        for event in self._client.watch(job_id, patience=self._patience):
            yield _translated(event, self._places[job_id])

    def get(self, job_id: str) -> jobs_pb2.Job:
        return self._told_of(job_id, lambda: self._client.get(job_id))

    def result(self, job_id: str) -> jobs_pb2.JobResult:
        """Download the results, then what the job hands over, with the media at their places here.

        Raises OutputExists, OutputUnwritable, ContentDamaged, ContentMissing, ServerUnreachable.
        """
        self._download(job_id)
        return self._told_of(job_id, lambda: self._client.result(job_id))

    def cancel(self, job_id: str) -> jobs_pb2.Job:
        return self._client.cancel(job_id)

    def _asked(self, call: Callable[[], Each], places: Places) -> Each:
        """An answer that may be asked for twice; errors too speak of this machine's files."""
        try:
            return persist(call, self._patience)
        except ResilverError as error:
            what, where, remedy = map(places.text, (error.what, error.where, error.remedy))
            raise type(error)(what, where=where, remedy=remedy) from error

    def _told_of(self, job_id: str, call: Callable[[], Each]) -> Each:
        return _translated(self._asked(call, self._places[job_id]), self._places[job_id])

    def _sent(self, job: jobs_pb2.JobRequest, version: str) -> Packed:
        packer = Packer(job)
        packed = packer.pack()
        if packer.sequences:
            self._upload(packed)
            plan = self._asked(lambda: self._client.plan(packed.request), packed.places)
            packed = packer.pack(_frames(packer, plan))
        self._upload(packed)
        if version:
            packed.request.request_id = _request_id(packed.request, version)
            key = result_key(packed.request.request_id)
            packed.places.add(f"{SCHEME}{RESULT}/{key}", job.output_folder)
            packed.places.add(f"{FILE}{SCHEME}{RESULT}/{key}", Path(job.output_folder).as_uri())
        return packed

    def _upload(self, packed: Packed) -> None:
        self._courier.upload(packed.files.values(), lambda done, total: self._told("uploading", done, total))

    def _free_folders(self, job: jobs_pb2.Job) -> None:
        """Previews are made again and again: each gets a folder of its own, here too."""
        places = self._places[job.id]
        for shot in job.shots:
            folder, number = places.one(shot.output), 1
            while Path(candidate := folder if number == 1 else f"{folder}-{number}").exists():
                number += 1
            places.add(shot.output, candidate)

    def _refuse_existing(self, job: jobs_pb2.Job) -> None:
        try:
            _refuse_existing(shot.output for shot in job.shots)
        except OutputExists:
            self._client.cancel(job.id)
            raise

    def _download(self, job_id: str) -> None:
        files = self._courier.results(job_id)
        total, before = sum(file.content.bytes for file in files), 0
        targets = [self._target(job_id, file.name) for file in files]
        folder = Path(self._places[job_id].one(self._results[job_id]))
        ensure_room(folder, sum(map(to_come, files, targets)))
        for file, target in zip(files, targets, strict=True):
            there = before

            def progress(done: int, _: int, there: int = there) -> None:
                self._told("downloading", there + done, total)

            self._fetch(job_id, file, target, progress)
            before += file.content.bytes

    def _target(self, job_id: str, name: str) -> Path:
        """Where a result goes; never outside the job's folder."""
        if not all(map(is_name, PurePosixPath(name).parts)):
            raise InvalidRequest("the server names a result in a way that no file is named", where=repr(name)[:200])
        return Path(self._places[job_id].one(f"{self._results[job_id]}/{name}"))

    def _fetch(
        self, job_id: str, file: content_pb2.ResultFile, target: Path, progress: Callable[[int, int], None]
    ) -> None:
        if target.is_file() and local_file(target).digest == file.content.digest:
            return
        draft = self._courier.fetch(job_id, file, target, progress)
        if file.name.endswith(SIDECAR):
            draft.write_text(self._places[job_id].text(draft.read_text(encoding="utf-8")), encoding="utf-8")
        put(draft, target)


def _refuse_existing(outputs: Iterable[str]) -> None:
    """Raises OutputExists."""
    for output in outputs:
        if Path(output).exists():
            raise OutputExists("the file is there already", where=output, remedy="choose another name or folder")


def _translated(message: Each, places: Places) -> Each:
    change_texts(message, places.text)
    return message


def _request_id(request: jobs_pb2.JobRequest, version: str) -> str:
    return hashlib.sha256(version.encode() + request.SerializeToString(deterministic=True)).hexdigest()[:32]


def _frames(packer: Packer, plan: jobs_pb2.Plan) -> dict[str, frozenset[int]]:
    """By the pattern of each sequence: numbers of the files that its clips may look at."""
    found: dict[str, set[int]] = {}
    for shot in plan.shots:
        clip = packer.sequences.get(shot.clip_id)
        if clip is not None:
            first = packer.first_number(clip)
            found.setdefault(clip.media, set()).update(range(first + shot.source.start, first + shot.source.stop))
    return {pattern: frozenset(numbers) for pattern, numbers in found.items()}
