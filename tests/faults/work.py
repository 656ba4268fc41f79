"""The set of jobs that is attacked: every kind of work a server does, tiny, from media made on the spot."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame

from resilver_server.domain.digests import digest_file
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.serial import canonical
from resilver_server.scheduling.requests import JobRequest
from support.edits import Cut, edit, movie, scans, sequence
from support.jobs import film

RATE = 6
"""Frames a second: a chunk is two seconds, so that a few frames make several chunks."""
WIDTH, HEIGHT = 48, 32


@dataclass(frozen=True)
class Media:
    """What the jobs read. Made once, read by every run."""

    silent: Path
    sounding: Path
    scans: Path

    def digests(self) -> dict[str, str]:
        """Of every file, to see that none was touched."""
        files = (self.silent, self.sounding, *sorted(self.scans.iterdir()))
        return {str(file): digest_file(file) for file in files}


def make_media(folder: Path) -> Media:
    folder.mkdir(parents=True, exist_ok=True)
    silent = film(folder / "silent.mkv", 60, WIDTH, HEIGHT, seed=1, rate=RATE)
    sounding = with_sound(folder / "sounding.mkv", film(folder / "picture.mkv", 48, WIDTH, HEIGHT, seed=2, rate=RATE))
    return Media(silent, sounding, scans(folder / "scans", range(86, 126), WIDTH, HEIGHT))


def with_sound(path: Path, picture: Path) -> Path:
    """The movie with eight seconds of a tone beside it."""
    tone = (np.sin(np.arange(8 * 8000) * 0.2) * 8000).astype(np.int16)[None]
    with av.open(str(picture)) as given, av.open(str(path), "w") as container:
        video = container.add_stream_from_template(given.streams.video[0])
        audio = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                container.mux(packet)
        frame = AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
        container.mux([*audio.encode(frame), *audio.encode(None)])
    picture.unlink()
    return path


def jobs(media: Media, out: Path, network: str = "none") -> list[JobRequest]:
    """The set, with results under ``out``; ``network`` enlarges one film."""
    deflicker, twice = StageSettings("deflicker", {"window": 0.5}), StageSettings("upscale", upscaling("none"))
    two = edit(RATE, [Cut(movie(media.silent), (0, 30), "first"), Cut(movie(media.silent), (30, 30), "second")])
    whole = edit(RATE, [Cut(movie(media.sounding), (0, 48), "loud")])
    pictures = edit(RATE, [Cut(sequence(media.scans, 86, 40, RATE), (0, 40), "scanned")])
    smooth = StageSettings("interpolate", {"model": "blend", "rate": str(2 * RATE)})
    enlarged = StageSettings("upscale", upscaling(network))
    wanted = {
        "cut": (two, Recipe((deflicker, twice), Delivery("ffv1", change_maps=True))),
        "sound": (whole, Recipe((enlarged,), Delivery("prores-422hq"))),
        "scans": (pictures, Recipe((deflicker,), Delivery("png"))),
        "smooth": (two, Recipe((smooth,), Delivery("ffv1"))),
        "again": (two, Recipe((deflicker, twice), Delivery("ffv1"))),
        "look": (whole, Recipe((deflicker,), Delivery("ffv1"))),
    }
    made = [JobRequest(name, name, shown, recipe, str(out / name)) for name, (shown, recipe) in wanted.items()]
    return [dataclasses.replace(job, preview_frames=2) if job.title == "look" else job for job in made]


def upscaling(network: str) -> dict[str, str | float]:
    return {"model": network, "scale": 2.0}


def write_requests(folder: Path, requests: list[JobRequest]) -> list[Path]:
    """Files for the client that submits them, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number}.json" for number, _ in enumerate(requests)]
    for path, request in zip(paths, requests, strict=True):
        path.write_text(canonical(request))
    return paths


def results(out: Path) -> dict[str, str]:
    """Digest of every file under ``out`` by its name; of a sidecar what does not name the run."""
    return {str(path.relative_to(out)): _digest(path) for path in _files(out)}


def _files(out: Path) -> Iterator[Path]:
    return (path for path in sorted(out.rglob("*")) if path.is_file())


def _digest(path: Path) -> str:
    if not path.name.endswith(".resilver.json"):
        return digest_file(path)
    note = json.loads(path.read_text())
    for chunk in note["chunks"]:
        chunk.pop("stored", None)  # which of two jobs with the same chunks came first is chance
    return canonical({key: value for key, value in note.items() if key != "job"})
