"""Interlaced and pulled-down material is found, and made progressive the same at any offset."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from resilver_client.errors import InterlacedMedia
from resilver_server.domain.formats import FieldFilter, FieldOrder
from resilver_server.domain.spans import Span
from resilver_server.media.probe import ensure_usable, probe
from resilver_server.media.reader import Reader
from support.clips import Plane, moving, planes_of, write_movie
from support.shared import footage

NTSC = Fraction(30000, 1001)
LOSSLESS = {"g": "1", "level": "3"}


def weave(top: tuple[Plane, ...], bottom: tuple[Plane, ...]) -> tuple[Plane, ...]:
    woven = tuple(plane.copy() for plane in top)
    for plane, other in zip(woven, bottom, strict=True):
        plane[1::2] = other[1::2]
    return woven


def pictures(times: list[float], pixels: str = "yuv422p") -> list[tuple[Plane, ...]]:
    return [planes_of(moving(time), pixels) for time in times]


def pulled_down(film: list[tuple[Plane, ...]]) -> list[tuple[Plane, ...]]:
    """3:2 pull-down, top field first: A, B, B+C, C+D, D."""
    frames = []
    for at in range(0, len(film), 4):
        a, b, c, d = film[at : at + 4]
        frames += [a, b, weave(b, c), weave(c, d), d]
    return frames


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same movement as film, as video, and as film pulled down; FFV1 without a word on fields."""
    path = tmp_path_factory.mktemp("fields")
    moments = pictures([2.0 * k for k in range(120)])
    film = pictures([3.0 * k for k in range(64)])
    woven = [weave(moments[k], moments[k + 1]) for k in range(0, 120, 2)]
    swapped = [weave(moments[k + 1], moments[k]) for k in range(0, 120, 2)]
    for name, frames in {
        "progressive": moments,
        "top": woven,
        "bottom": swapped,
        "pulldown": pulled_down(film),
    }.items():
        write_movie(path / f"{name}.mkv", frames, "ffv1", "yuv422p", NTSC, field_order=0, **LOSSLESS)
    write_movie(path / "labelled.mkv", moments, "ffv1", "yuv422p", NTSC, field_order=2, **LOSSLESS)
    return path


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("progressive", FieldOrder.PROGRESSIVE),
        ("top", FieldOrder.TOP_FIRST),
        ("bottom", FieldOrder.BOTTOM_FIRST),
        ("pulldown", FieldOrder.PULLDOWN),
        ("labelled", FieldOrder.PROGRESSIVE),
    ],
)
def test_field_order_is_seen_where_metadata_is_silent_or_wrong(folder: Path, name: str, order: FieldOrder) -> None:
    assert probe(str(folder / f"{name}.mkv")).field_order is order


def test_real_film_is_progressive() -> None:
    for parts in (("film", "chaplin_1910s.mp4"), ("film", "a_bomb_blast_effects_1950s.mp4")):
        info = probe(str(footage(*parts)))
        assert info.field_order is FieldOrder.PROGRESSIVE
        ensure_usable(info)


@pytest.mark.parametrize(("name", "remedy"), [("top", "bwdif"), ("bottom", "bwdif"), ("pulldown", "ivtc")])
def test_woven_material_is_refused_with_the_remedy(folder: Path, name: str, remedy: str) -> None:
    info = probe(str(folder / f"{name}.mkv"))
    with pytest.raises(InterlacedMedia) as caught:
        ensure_usable(info)
    assert f"--fields {remedy}" in caught.value.remedy
    assert caught.value.where == info.path
    ensure_usable(info, FieldFilter.BWDIF)


def read(path: Path, fields: FieldFilter, span: Span | None = None) -> list[Plane]:
    info = probe(str(path), fields=fields)
    with Reader(info, fields) as reader:
        return [picture.planes[0].copy() for picture in reader.read(span or Span(0, info.frame_count))]


def test_inverse_telecine_gives_back_the_film(folder: Path) -> None:
    info = probe(str(folder / "pulldown.mkv"), fields=FieldFilter.IVTC)
    assert (info.frame_count, info.rate) == (64, Fraction(24000, 1001))
    film = pictures([3.0 * k for k in range(64)])
    found = read(folder / "pulldown.mkv", FieldFilter.IVTC)
    assert len(found) == 64
    wrong = [k for k, (mine, made) in enumerate(zip(found, film, strict=True)) if not np.array_equal(mine, made[0])]
    assert wrong == []


def comb(luma: Plane) -> float:
    """How much rows differ from the mean of their neighbours."""
    rows = luma.astype(float)
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())


def test_deinterlacing_keeps_the_count_and_takes_the_comb_away(folder: Path) -> None:
    woven, clean = read(folder / "top.mkv", FieldFilter.NONE), read(folder / "top.mkv", FieldFilter.BWDIF)
    assert len(clean) == len(woven) == 60
    assert np.mean([comb(luma) for luma in clean]) < 0.35 * np.mean([comb(luma) for luma in woven])
    moments = pictures([4.0 * k for k in range(60)])
    errors = [np.abs(mine.astype(float) - made[0]).mean() for mine, made in zip(clean, moments, strict=True)]
    assert max(errors[1:-1]) < 4


@pytest.mark.parametrize(("name", "fields"), [("top", FieldFilter.BWDIF), ("pulldown", FieldFilter.IVTC)])
def test_filtered_frames_are_the_same_at_any_offset(folder: Path, name: str, fields: FieldFilter) -> None:
    path = folder / f"{name}.mkv"
    whole = read(path, fields)
    for span in (
        Span(0, 7),
        Span(7, 8),
        Span(13, 30),
        Span(len(whole) - 3, len(whole)),
        Span(len(whole) - 1, len(whole)),
    ):
        parts = read(path, fields, span)
        assert len(parts) == len(span)
        for index, luma in zip(span, parts, strict=True):
            assert np.array_equal(luma, whole[index]), index


def test_inverse_telecine_of_odd_lengths_keeps_every_frame_it_promises(tmp_path: Path) -> None:
    frames = pulled_down(pictures([3.0 * k for k in range(16)]))
    for count in range(11, 20):
        path = write_movie(
            tmp_path / f"{count}.mkv", frames[:count], "ffv1", "yuv422p", NTSC, field_order=0, **LOSSLESS
        )
        assert len(read(path, FieldFilter.IVTC)) == count - count // 5


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le", "yuv444p12le", "gbrp16le", "gray"])
def test_inverse_telecine_keeps_every_bit_of_any_format(tmp_path: Path, pixels: str) -> None:
    film = pictures([3.0 * k for k in range(24)], pixels)
    frames = pulled_down(film)
    path = write_movie(tmp_path / "deep.mkv", frames, "ffv1", pixels, NTSC, field_order=0, **LOSSLESS)
    info = probe(str(path), fields=FieldFilter.IVTC)
    with Reader(info, FieldFilter.IVTC) as reader:
        found = [tuple(plane.copy() for plane in picture.planes) for picture in reader.read(Span(0, 24))]
    for mine, made in zip(found, film, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, made, strict=True))


def test_a_break_in_the_cadence_leaves_no_comb(tmp_path: Path) -> None:
    """An edit in the transfer: the cycle starts anew, one frame has lost its partner field."""
    frames = pulled_down(pictures([3.0 * k for k in range(32)]))
    broken = frames[:18] + frames[20:]
    path = write_movie(tmp_path / "cut.mkv", broken, "ffv1", "yuv422p", NTSC, field_order=0, **LOSSLESS)
    found = read(path, FieldFilter.IVTC)
    assert len(found) == 38 - 38 // 5
    combs = [comb(luma) for luma in found]
    assert max(combs) < 1.6 * float(np.median(combs))
    assert max(comb(planes[0]) for planes in broken) > 2.5 * float(np.median(combs))
