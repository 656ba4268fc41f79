"""Colour as a job of the server: key frames of a clip, and networks that colour where nobody painted."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from resilver_client.errors import InvalidKeyFrame, InvalidRecipe, ModelNotInstalled
from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.scheduling.manager import JobManager
from resilver_server.scheduling.records import JobRecord
from resilver_server.stages.presets import preset
from support.clips import moving, planes_of, write_movie
from support.colour_models import install_seeded
from support.edits import Cut, edit, movie
from support.jobs import manager, on_loop, request, rows

WIDTH, HEIGHT, FRAMES = 96, 64, 12
GREY = 128
LUMA = np.array([0.2126, 0.7152, 0.0722])


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A grey film in steady movement, two frames a cut apart in the middle."""
    pictures = [
        moving(frame, WIDTH, HEIGHT) if frame < 7 else 1 - moving(3 * frame, WIDTH, HEIGHT).T[:HEIGHT, :HEIGHT]
        for frame in range(FRAMES)
    ]
    pictures = [cv2.resize(picture, (WIDTH, HEIGHT)) for picture in pictures]
    return write_movie(tmp_path / "film.mkv", [_grey(picture) for picture in pictures], "ffv1", "yuv444p")


def _grey(picture: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.generic], ...]:
    luma = planes_of(picture, "yuv444p")[0]
    return luma, np.full_like(luma, GREY), np.full_like(luma, GREY)


def pictures(path: Path) -> list[npt.NDArray[np.float64]]:
    """(height, width, 3) of every frame, in codes of ten bits."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray().astype(np.float64) for frame in container.decode(video=0)]


async def done(running: JobManager, folder: Path, film: Path, stage: StageSettings, **own: object) -> JobRecord:
    recipe = Recipe((stage,), Delivery("ffv1"))
    shown = edit(24, [Cut(movie(film), (0, FRAMES), "reel", resilver=own)])
    job = await running.submit(request(folder.name, shown, folder, recipe=recipe))
    await rows(running, job.id)
    record = await running.get(job.id)
    assert record.failure is None, record.failure
    return record


@pytest.mark.parametrize("model", ["ddcolor-tiny", "deoldify-artistic"])
def test_a_network_colours_a_shot_from_file_to_file(
    model: str, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Must show 2: with seeded weights, so that the colours mean nothing; luma is that of the film."""
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "home"))
    install_seeded(model)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            await done(running, tmp_path / "coloured", film, StageSettings("colour", {"model": model}))
            await done(running, tmp_path / "plain", film, StageSettings("colour", strength=0.0))

    on_loop(check)
    coloured, plain = (pictures(tmp_path / name / "reel.mkv") for name in ("coloured", "plain"))
    assert len(coloured) == FRAMES
    for one, other in zip(coloured, plain, strict=True):
        assert np.abs((one - other) @ LUMA).max() <= 1, "rounding of three channels, no more"
        assert np.ptp(one, axis=2).max() > 5
        assert np.ptp(other, axis=2).max() == 0


def test_a_clips_own_key_frames_colour_it_and_the_job_says_where_others_are_wanted(film: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[..., 2] = 200
    assert cv2.imwrite(str(tmp_path / "keys" / "shot.0002.png"), picture)
    found: dict[str, JobRecord] = {}

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            own = {"key_frames": {"colour": str(tmp_path / "keys")}}
            found["job"] = await done(running, tmp_path / "out", film, StageSettings("colour"), **own)

    on_loop(check)
    red = [float((frame[..., 0] - frame[..., 1]).mean()) for frame in pictures(tmp_path / "out" / "reel.mkv")]
    assert min(red[:7]) > 50
    (shot,) = found["job"].shots
    assert "key frames wanted" in shot.findings


@pytest.mark.parametrize(
    ("stage", "error", "said"),
    [
        (StageSettings("colour", {"model": "rife-4.25"}), InvalidRecipe, "gives no colour"),
        (StageSettings("colour", {"model": "deoldify-video"}), ModelNotInstalled, "deoldify-video"),
        (StageSettings("colour", key_frames="{}/none"), InvalidKeyFrame, "no key frames are there"),
        (StageSettings("colour", key_frames="{}/broken"), InvalidKeyFrame, "0001.png"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_rendered(
    stage: StageSettings, error: type[Exception], said: str, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "home"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "0001.png").write_bytes(b"no picture")
    keys = stage.key_frames and stage.key_frames.format(tmp_path)

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            settings = StageSettings(stage.stage, stage.parameters, key_frames=keys)
            with pytest.raises(error, match=said):
                await done(running, tmp_path / "out", film, settings)

    on_loop(check)


def test_the_photo_preset_colours_and_enlarges_a_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Must show 6: with seeded weights of the preset's network, and plain resampling in place of the other."""
    monkeypatch.setenv("RESILVER_HOME", str(tmp_path / "home"))
    install_seeded("ddcolor-modelscope")
    still = np.repeat((moving(0, WIDTH, HEIGHT) * 255).astype(np.uint8)[..., None], 3, axis=2)
    assert cv2.imwrite(str(tmp_path / "photo.png"), still)
    colour, upscale = preset("photo").stages
    recipe = Recipe((colour, StageSettings("upscale", {**upscale.parameters, "model": "none"})), Delivery("png"))

    async def check() -> None:
        async with manager(tmp_path / "home") as running:
            edit_of_one = edit(24, [Cut(movie(tmp_path / "photo.png"), (0, 1), "photo")])
            job = await running.submit(request("one", edit_of_one, tmp_path / "out", recipe=recipe))
            await rows(running, job.id)
            assert (await running.get(job.id)).failure is None

    on_loop(check)
    shown = cv2.imread(str(tmp_path / "out" / "photo.png"), cv2.IMREAD_UNCHANGED)
    assert shown.shape == (4 * HEIGHT, 4 * WIDTH, 3)
    assert np.ptp(shown.astype(int), axis=2).max() > 0
