"""Small pictures: of the frame that a clip shows first, whatever kind its media is of."""

from __future__ import annotations

import io
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from resilver_bridge import thumbnails
from resilver_bridge.host import Media
from resilver_bridge.thumbnails import Thumbnails, picture
from resilver_client.errors import ClipOffline, MediaUnreadable, RangeOutsideMedia
from support import bars


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bars.movie(tmp_path_factory.mktemp("film") / "bars.mov", Fraction(24))


def pixels(jpeg: bytes) -> npt.NDArray[np.uint8]:
    with av.open(io.BytesIO(jpeg), format="mjpeg") as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


@pytest.mark.parametrize("frame", [0, 1, 13, 40, bars.FRAMES - 1])
def test_a_movies_frame_is_the_one_asked_for(film: Path, frame: int) -> None:
    shown = pixels(picture(Media("film", str(film), Fraction(frame))))
    assert shown.shape[1] == thumbnails.WIDTH
    assert abs(bars.media_frame(shown) - frame) < 0.2


def test_between_frames_the_one_that_is_still_shown(film: Path) -> None:
    shown = pixels(picture(Media("film", str(film), Fraction(29, 2))))
    assert abs(bars.media_frame(shown) - 14) < 0.2


def test_a_sequence_is_counted_from_its_first_number(tmp_path: Path) -> None:
    bars.sequence(tmp_path / "100 %", 1001, 8)
    pattern = str(tmp_path / "100 %%" / "scan.%05d.png")
    shown = pixels(picture(Media("scan", pattern, Fraction(5), is_sequence=True, first_number=1001)))
    assert abs(bars.media_frame(shown) - 5) < 0.2


def test_a_still_shows_its_only_picture_in_its_own_light(tmp_path: Path) -> None:
    bars.sequence(tmp_path / "still", 9, 1)
    shown = pixels(picture(Media("still", str(tmp_path / "still" / bars.picture_name(9)), Fraction(86400))))
    assert abs(bars.media_frame(shown)) < 0.2
    assert 220 < int(shown.max()) < 240  # the bar is 230: neither squeezed nor stretched


def test_what_cannot_be_read_says_why(film: Path, tmp_path: Path) -> None:
    with pytest.raises(ClipOffline):
        picture(Media("lost", ""))
    with pytest.raises(RangeOutsideMedia):
        picture(Media("film", str(film), Fraction(bars.FRAMES + 5)))
    (tmp_path / "film.mov").write_text("no film")
    made = Thumbnails()
    for path in (str(tmp_path / "film.mov"), str(tmp_path / "none.mov")):
        with pytest.raises(MediaUnreadable) as caught:
            made.of(Media("film", path), 30)
        assert caught.value.where == path
    made.close()


def test_each_is_made_once_and_slow_ones_are_asked_for_again(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, go = [], threading.Event()

    def slow(media: Media) -> bytes:
        calls.append(media.name)
        go.wait(30)
        return b"jpeg"

    monkeypatch.setattr(thumbnails, "picture", slow)
    made, media = Thumbnails(), Media("film", str(film))
    with pytest.raises(TimeoutError):
        made.of(media, 0.01)
    go.set()
    assert made.of(media, 30) == b"jpeg"
    assert made.of(media, 30) == b"jpeg"
    assert calls == ["film"]
    made.close()
