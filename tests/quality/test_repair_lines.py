"""What the removal of line scratches must reach, on clips with known truth and on film of 1903 and 1906. Numbers are
printed (-s)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from resilver_server.domain.recipes import Delivery, Recipe, StageSettings
from resilver_server.domain.spans import Span
from resilver_server.engine.chain import Chains
from resilver_server.lab.age import AgeSettings, age
from resilver_server.lab.pictures import Image
from resilver_server.media.colour import to_rgb
from resilver_server.media.reader import Reader
from resilver_server.stages.contract import State
from resilver_server.stages.repair.line_search import BANDS, MOST
from resilver_server.stages.repair.lines import SUPPORT, LineAnalyser, remove, solve_lines, without
from support.flicker import analysis_frame, clock_of, movie, pictures, stacked
from support.scratches import (
    Mask,
    Scratch,
    measured,
    psnr_inside,
    removed,
    removegrain,
    scratched,
    solved,
    temporal_median,
)
from support.shared import footage
from support.tiny import frames_of, planned, whole, write_clip
from support.tiny import solved as solved_by_engine

PLAIN = replace(
    AgeSettings(), lost=0, repeated=0, scratches=0, dirt=0, flicker_gain=0.01, flicker_gamma=0.01, flicker_local=0.01
)
"""Grain, weave, noise and compression: what film has apart from scratches."""
CLIPS = [
    ("flower.mp4", 0, Fraction(30), True),
    ("bigbuckbunny.mp4", 0, Fraction(25), False),
    ("one-by-one-person-detection.mp4", 300, Fraction(10), False),
]
LINES = (
    Scratch(0.15, 1.2, 0.35, (0.95, 0.95, 0.95)),
    Scratch(0.3, 2.0, 0.9, (0.05, 0.05, 0.05)),
    Scratch(0.45, 1.5, 0.6, (0.05, 0.05, 0.05), on=0.6),
    Scratch(0.6, 3.5, 1.0, (0.95, 0.95, 0.95), wander=1.0),
    Scratch(0.8, 2.0, 0.5, (0.2, 0.85, 0.3), on=0.8),
)
VISIBLE = 12 / 255


def seen(given: Image, clean: Image, truth: Mask) -> Mask:
    return truth & (np.abs(given - clean).max(axis=0) >= VISIBLE)


@pytest.mark.parametrize(("name", "start", "rate", "grey"), CLIPS)
def test_drawn_lines_go_where_medians_and_removegrain_leave_them(
    name: str, start: int, rate: Fraction, grey: bool
) -> None:
    """Five lines: faint, dark, interrupted, opaque and wide, coloured; along the film, on from frame to frame."""
    settings = replace(PLAIN, black_and_white=grey, recompression=0)
    clean = [aged.frame for aged in age(movie(footage("colour", name), 36, 480, start), settings, 3)]
    lines = [replace(line, colour=(line.colour[1],) * 3) if grey else line for line in LINES]
    given, truth = scratched(clean, lines, 7)
    state = solved(given, rate)
    results: dict[str, list[float]] = {}
    hit = visible = 0
    for entry in range(2, 36, 6):
        damage = seen(given[entry], clean[entry], truth[entry])
        ours, mask = removed(given, state, entry)
        hit, visible = hit + int((damage & mask).sum()), visible + int(damage.sum())
        peers = {
            "given": given[entry],
            "median of 3": temporal_median(given, entry, 1),
            "median of 5": temporal_median(given, entry, 2),
            **{f"removegrain {mode}": removegrain(given[entry], mode) for mode in (4, 17)},
            "ours": ours,
        }
        for label, result in peers.items():
            results.setdefault(label, []).append(float(((result - clean[entry])[:, damage] ** 2).mean()))
        assert np.array_equal(ours[:, ~mask], given[entry][:, ~mask])
    figures = {label: -10 * np.log10(np.mean(errors)) for label, errors in results.items()}
    print(name, "found", round(hit / visible, 3), {label: round(float(psnr), 2) for label, psnr in figures.items()})
    ours_figure = figures.pop("ours")
    assert hit / visible > 0.8
    assert max(figures.values()) < figures["given"] + 1.5
    assert ours_figure > max(figures.values()) + 9


@pytest.mark.parametrize(("name", "start", "rate", "grey"), CLIPS)
def test_lines_of_aged_clips(name: str, start: int, rate: Fraction, grey: bool) -> None:
    """Those of ``lab.age``, which weave along with the film: only their own drift tells them from the scene's."""
    frames = movie(footage("colour", name), 48, 480, start)
    settings = replace(PLAIN, black_and_white=grey, scratches=3.0, scratch_life=200.0)
    given = list(age(frames, settings, 1))
    clean = [aged.frame for aged in age(frames, replace(settings, scratches=0.0), 1)]
    pictured = [aged.frame for aged in given]
    state = solved(pictured, rate)
    before, after, hit, visible = [], [], 0, 0
    for entry in range(3, 48, 9):
        damage = seen(pictured[entry], clean[entry], given[entry].scratch_mask)
        ours, mask = removed(pictured, state, entry)
        hit, visible = hit + int((damage & mask).sum()), visible + int(damage.sum())
        if (damage & mask).any():
            before.append(psnr_inside(pictured[entry], clean[entry], damage & mask))
            after.append(psnr_inside(ours, clean[entry], damage & mask))
    gained = np.mean(after) - np.mean(before)
    print(name, "found", round(hit / visible, 3), "dB", np.mean(before).round(2), "to", np.mean(after).round(2))
    assert hit / visible > 0.5
    assert gained > 8


def share(frames: Sequence[Image], rate: Fraction) -> float:
    """Of all pixels, how many are changed."""
    state = solved(frames, rate)
    wide = np.asarray(state["lines_width"])
    touched = [removed(frames, state, entry)[1].mean() for entry in np.flatnonzero((wide > 0).any(axis=1))]
    return float(np.sum(touched)) / len(frames)


@pytest.mark.parametrize(
    ("name", "count", "width", "start", "rate"),
    [
        ("flower.mp4", 40, 480, 0, Fraction(30)),
        ("bigbuckbunny.mp4", 40, 480, 0, Fraction(25)),
        ("one-by-one-person-detection.mp4", 40, 480, 80, Fraction(10)),
        ("one-by-one-person-detection.mp4", 40, 480, 300, Fraction(10)),
        ("carphone_pristine.mp4", 120, 176, 0, Fraction(30)),
    ],
)
def test_clean_clips_are_left_alone(name: str, count: int, width: int, start: int, rate: Fraction) -> None:
    frames = movie(footage("colour", name), count, width, start)
    found = share(frames, rate), share([aged.frame for aged in age(frames, PLAIN, 9)], rate)
    print(name, "changed", *(f"{100 * part:.4f} %" for part in found))
    assert max(found) < 0.0005


def camera(still: Image, kind: str, count: int = 40) -> list[Image]:
    """A hand-held camera that looks at a grey picture, and pans over it or comes nearer."""
    rng = np.random.default_rng(3)
    height, width = (int(size * part) // 2 * 2 for size, part in zip(still.shape, (0.8, 0.75), strict=True))
    shake = np.cumsum(rng.normal(0, 0.5, (count, 2)), axis=0)
    frames = []
    for k in range(count):
        x = (still.shape[1] - width) * ((0.1 + 0.8 * k / count) if kind == "pan" else 0.5) + shake[k, 0]
        y = (still.shape[0] - height) / 2 + shake[k, 1] / 2
        zoom = 1 + 0.15 * k / count if kind == "zoom" else 1.0
        matrix = np.array(
            [[zoom, 0, width / 2 - zoom * (x + width / 2)], [0, zoom, height / 2 - zoom * (y + height / 2)]]
        )
        frame = cv2.warpAffine(still, matrix, (width, height), flags=cv2.INTER_CUBIC)
        frames.append(np.stack([np.clip(frame + rng.normal(0, 0.01, frame.shape), 0, 1).astype(np.float32)] * 3))
    return frames


@pytest.mark.parametrize("kind", ["pan", "shake", "zoom"])
def test_a_panelled_room_is_left_alone_however_the_camera_moves(kind: str) -> None:
    """Dozens of thin uprights side by side: wainscot, window frames, doors."""
    still = pictures(footage("film", "great_train_robbery_1903"))[10][0]
    found = share(camera(still, kind), Fraction(24))
    print(kind, f"{100 * found:.4f} %")
    assert found < 0.0005


def standing(frames: Sequence[Image], column: int) -> float:
    """How far a column stands out over the height on average, in frames' median."""
    near = [np.median(frame[0, :120, column - 12 : column + 13], axis=0) for frame in frames]
    return float(np.median([abs(row[10:15].min() - np.median(row)) for row in near]))


def test_the_scratch_of_1906_goes_and_the_room_of_1903_stays() -> None:
    fire = pictures(footage("film", "san_francisco_fire_1906"))
    state = solved(fire, Fraction(16))
    entries = list(range(4, 46, 6))
    after = [removed(fire, state, entry)[0] for entry in entries]
    figures = standing([fire[entry] for entry in entries], 288), standing(after, 288)
    print("scratch stands out by", [round(255 * figure, 2) for figure in figures], "of 255")
    assert figures[1] < 0.4 * figures[0]
    room = pictures(footage("film", "great_train_robbery_1903"))
    found = share(room, Fraction(16))
    print(f"room of 1903 changed {100 * found:.4f} %")
    assert found < 0.0005


def drifting(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Measurements of a scene that stands still behind two lines that wander."""
    x = np.full((count, MOST, BANDS), -1, np.float32)
    swing = 3 * np.sin(np.arange(count) / 4) + rng.normal(0, 0.05, count)
    x[:, :2] = (swing[:, None] + np.array([100, 200]))[..., None]
    width = np.zeros((count, MOST), np.float32)
    width[:, :2] = 1
    empty = np.zeros((3, 8, 8), np.float32)
    still = stacked([LineAnalyser().measure(analysis_frame(k, empty), None) for k in range(count)])
    still["lines_frame"][:, 1:] = 320, 240
    return {**still, "lines_x": x, "lines_width": width, "lines_sign": np.sign(width)}


def test_what_is_solved_depends_on_its_surroundings_alone() -> None:
    rate, count, changed = Fraction(6), 120, 100
    measurements = drifting(count, np.random.default_rng(1))
    other = {name: values.copy() for name, values in measurements.items()}
    other["lines_x"][changed:] += 1
    other["lines_scene"][changed:] += 3
    clock = clock_of(count, rate)
    first, second = (solve_lines(given, clock, rate) for given in (measurements, other))
    reach = changed - int(SUPPORT * rate) - 10
    assert (first["lines_width"][:reach, :2] > 0).all()
    for name, rows in first.items():
        assert np.array_equal(rows[:reach], second[name][:reach]), name
    assert not np.array_equal(first["lines_x"][changed:], second["lines_x"][changed:])


def test_no_track_goes_over_a_cut() -> None:
    """Four entries of a scene are too few to tell anything, however long the line is there before."""
    rate, count = Fraction(6), 44
    measurements = drifting(count, np.random.default_rng(1))
    state = solve_lines(measurements, clock_of(count, rate, (40,)), rate)
    assert (state["lines_width"][:40, :2] > 0).all()
    assert not state["lines_width"][40:].any()


@pytest.mark.parametrize("size", [(1, 1), (9, 1), (1, 40), (31, 33), (40, 64)])
def test_small_and_empty_frames(size: tuple[int, int]) -> None:
    frames = [np.full((3, *size), level, np.float32) for level in (0.0, 1.0, 0.5)]
    state = solved(frames, Fraction(16))
    stacked_frames = torch.from_numpy(np.stack(frames))
    result, mask = remove(stacked_frames, 1, state)
    assert torch.equal(result, stacked_frames[1])
    assert not mask.any()
    assert without(stacked_frames, 1, state)[0] is stacked_frames


@pytest.mark.parametrize(("column", "width"), [(-0.4, 1.0), (0.0, 3.0), (63.0, 5.0), (31.5, 41.0)])
def test_lines_at_the_very_edge_and_wider_than_the_frame(column: float, width: float) -> None:
    frames = torch.rand((3, 3, 48, 64), generator=torch.Generator().manual_seed(1))
    state: State = {
        "lines_x": np.full((3, MOST, BANDS), max(column, 0.0), np.float32),
        "lines_width": np.concatenate([np.full((3, 1), width), np.zeros((3, MOST - 1))], axis=1).astype(np.float32),
    }
    result, mask = remove(frames, 1, state)
    assert result.isfinite().all()
    assert torch.equal(result[:, ~mask], frames[1][:, ~mask])


def test_chunks_are_the_whole(tmp_path: Path) -> None:
    """Through the engine: measured in pieces or at once, rendered frame by frame or in a row."""
    given, _ = scratched(movie(footage("colour", "flower.mp4"), 20, 240), LINES[:3], 5)
    media = write_clip(tmp_path / "clip.mkv", np.stack([frame.transpose(1, 2, 0) for frame in given]), Fraction(16))
    plan = planned(whole(media), media, Recipe((StageSettings("repair", {"dirt": False}),), Delivery("ffv1")))
    at_once, in_pieces = (solved_by_engine(plan, tmp_path / str(chunk), chunk)[0] for chunk in (1000, 7))
    assert at_once.read_bytes() == in_pieces.read_bytes()
    frames, _ = frames_of(plan, at_once, list(plan.outputs), Chains())
    alone = [frames_of(plan, at_once, [k], Chains())[0][0] for k in (0, 9, 19)]
    assert all(torch.equal(frames[k], frame) for k, frame in zip((0, 9, 19), alone, strict=True))
    with Reader(media) as reader:
        filmed = to_rgb(next(iter(reader.read(Span(9, 10)))), torch.device("cpu"), torch.float32)
    changed = (frames[9] != filmed).any(dim=0).float().mean()
    assert 0.005 < changed < 0.1


def test_the_same_work_gives_the_same_bits() -> None:
    frames = movie(footage("colour", "flower.mp4"), 20, 240)
    given, _ = scratched(frames, LINES[:3], 5)
    rows = [measured(given) for _ in range(2)]
    assert all(np.array_equal(a[name], b[name]) for a, b in zip(*rows, strict=True) for name in a)
    state = solved(given, Fraction(30))
    first, second = (removed(given, state, 9) for _ in range(2))
    assert np.array_equal(first[0], second[0])
