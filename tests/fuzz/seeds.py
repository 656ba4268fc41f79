"""Small sound inputs of every kind, made on the spot: what the fuzzers spoil."""

from __future__ import annotations

import json
import struct
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import safetensors.torch
import torch

from resilver.v1 import jobs_pb2
from resilver_client.references import MANIFEST, Entry, write_manifest
from resilver_client.values import settings
from resilver_otio.write import write_timeline
from resilver_server.domain.recipes import Recipe, StageSettings
from resilver_server.domain.serial import canonical
from resilver_server.execution.wire import Cancel, Ready, Run, encode
from resilver_server.planning.tasks import ProbeTask
from resilver_server.scheduling.requests import JobRequest
from support.clips import moving, planes_of, write_movie, write_picture

TIMELINES = ("otio", "edl", "xml", "fcpxml", "aaf", "otioz")
MOVIES = {
    "prores.mov": ("prores_ks", "yuv422p10le"),
    "h264.mp4": ("libx264", "yuv420p"),
    "ffv1.mkv": ("ffv1", "yuv420p"),
    "mjpeg.avi": ("mjpeg", "yuvj420p"),
    "mpeg2.mpg": ("mpeg2video", "yuv420p"),
    "mpeg2.mxf": ("mpeg2video", "yuv422p"),
    "raw.nut": ("rawvideo", "gray"),
}
PICTURES = {
    "png": ("png", "rgb24"),
    "tif": ("tiff", "rgb48le"),
    "dpx": ("dpx", "rgb48be"),
    "exr": ("exr", "gbrpf32le"),
    "jpg": ("mjpeg", "yuvj444p"),
}
PARAM = """7767517
4 4
Input input 0 1 data
Convolution first 1 1 data a 0=1 1=3 4=1 5=1 6=27
PReLU act 1 1 a b 0=1
Convolution last 1 1 b output 0=3 1=1 5=1 6=3 9=2 -23310=1,2.000000e-01
"""


def joined(first: bytes, second: bytes) -> bytes:
    """Two files as one input (``targets.parted``)."""
    return struct.pack("<I", len(first)) + first + second


def edit(folder: Path) -> otio.schema.Timeline:
    def span(start: int, count: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(start, 24), otio.opentime.RationalTime(count, 24))

    timeline = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(86400, 24))
    track = otio.schema.Track("V1", kind="Video")
    timeline.tracks.append(track)
    for number in range(3):
        media = folder / f"c{number}.mov"
        media.write_bytes(b"film")
        mob = f"urn:smpte:umid:060a2b34.01010105.01010f10.13000000.060a2b34.7f7f2a80.5c9e6a3b.0{number}000000"
        reference = otio.schema.ExternalReference(media.as_uri(), span(0, 100))
        reference.metadata["AAF"] = {"MobID": mob}
        clip = otio.schema.Clip(f"c{number}", reference, span(10, 20))
        clip.metadata.update({"cmx_3600": {"reel": f"c{number}"}, "AAF": {"SourceID": mob}})
        track.append(clip)
    return timeline


def rich(timeline: otio.schema.Timeline) -> otio.schema.Timeline:
    """What only OTIO can say: retimes, nests, markers, and what a clip asks for itself."""
    track = timeline.tracks[0]
    track[0].effects.append(otio.schema.LinearTimeWarp("warp", -0.5))
    track[1].metadata["resilver"] = {"fields": "bwdif", "keep_frames": {"repair": "1-3, 9"}, "output_frames": 12,
                                     "frames": [3, 9], "rate": "24000/1001", "start": "1/3"}  # fmt: skip
    two = otio.opentime.RationalTime(2, 24)
    track.insert(1, otio.schema.Transition("cross", otio.schema.TransitionTypes.SMPTE_Dissolve, two, two))
    nest = otio.schema.Stack("nest", children=[otio.schema.Track("in", [track[0].deepcopy()], kind="Video")])
    track.append(nest)
    track.markers.append(otio.schema.Marker("m", track[0].source_range))
    return timeline


def timelines(folder: Path) -> dict[str, list[bytes]]:
    found = {}
    for suffix in TIMELINES:
        made = edit(folder)
        path = folder / f"edit.{suffix}"
        write_timeline(str((rich(made) if suffix.startswith("otio") else made).to_json_string()), path)
        found[f"timeline {suffix}"] = [path.read_bytes()]
    return found


def movies(folder: Path) -> dict[str, list[bytes]]:
    found = {}
    for name, (codec, pixels) in MOVIES.items():
        frames = [planes_of(moving(k, 64, 48), pixels) for k in range(4)]
        path = write_movie(folder / name, frames, codec, pixels, Fraction(25))
        found[f"movie {name}"] = [path.read_bytes()]
    found["sound wav"] = [sound(folder / "a.wav")]
    return found


def sound(path: Path) -> bytes:
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(4800))
    return path.read_bytes()


def pictures(folder: Path) -> dict[str, list[bytes]]:
    found = {}
    for suffix, (codec, pixels) in PICTURES.items():
        path = write_picture(folder / f"a.{suffix}", planes_of(moving(0, 32, 24), pixels), codec, pixels)
        found[f"picture {suffix}"] = [path.read_bytes()]
    return found


def request() -> jobs_pb2.JobRequest:
    job = jobs_pb2.JobRequest(request_id="id", title="t", output_folder="/o", name="n", timeline="{}", preview_frames=3)
    job.recipe.stages.extend([
        settings("upscale", {"model": "none", "scale": 2.0}, 0.5, "/m.png", keep_matte="/k", keep_frames=[(1, 4)]),
        settings("repair", {"dirt": True}, key_frames="/keys"), settings("interpolate", {"rate": "60000/1001"}),
    ])  # fmt: skip
    job.recipe.delivery.profile = "ffv1"
    job.selection.names.extend(["c*", "?1"])
    job.selection.range.start.denominator = job.selection.range.stop.denominator = 24
    job.selection.range.stop.numerator = 48
    return job


def messages() -> dict[str, list[bytes]]:
    recipe = Recipe((StageSettings("upscale", {"scale": 2.0}),))
    stored = JobRequest("id", "title", "{}", recipe, "/o")
    lines = [
        encode(Ready(5)),
        encode(Cancel(7)),
        encode(Run(1, ProbeTask("/film.mov", Fraction(24), numbers=(1, None)))),
    ]
    return {
        "message JobRequest": [request().SerializeToString()],
        "worker line": lines,
        "stored JSON": [canonical(stored).encode(), json.dumps({"plan": {}, "suffix": ".mov"}).encode()],
        "manifest": [write_manifest([Entry("a.png", "ab" * 32, 5), Entry("b.png", "", 0)]), str(MANIFEST).encode()],
        "names": [b"120-139, 200; 7", b"scan.%05d.png", b"tls://film.example:443#sha256=" + b"ab" * 32, b"127.0.0.1:0",
                  b"file:///C:/film/a%20b.mov", b"../../etc/passwd", "f\u00e4lm.\u202e0001.png".encode()],
    }  # fmt: skip


def models(folder: Path) -> dict[str, list[bytes]]:
    halves = struct.pack("<I", 0x01306B47) + (np.arange(27) / 8).astype("<f2").tobytes() + b"\0\0"
    weights = halves + struct.pack("<2f", 0.5, 0.25) + bytes(4) + struct.pack("<6f", 1, 2, 3, 4, 5, 6)
    state = {"body.0.weight": torch.zeros(4, 3, 3, 3), "body.0.bias": torch.zeros(4), "body.1.weight": torch.zeros(4),
             "body.2.weight": torch.zeros(12, 4, 3, 3), "body.2.bias": torch.zeros(12)}  # fmt: skip
    torch.save({"params": state}, folder / "zip.pth")
    torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    return {
        "model ncnn": [joined(PARAM.encode(), weights)],
        "model safetensors": [safetensors.torch.save(state)],
        "model pth": [(folder / "zip.pth").read_bytes(), (folder / "legacy.pth").read_bytes()],
    }


def every(folder: Path) -> dict[str, list[bytes]]:
    """Seeds of all targets by name."""
    return timelines(folder) | messages() | movies(folder) | pictures(folder) | models(folder)
