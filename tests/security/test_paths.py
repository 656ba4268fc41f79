"""Paths: only below the allowed folders, in every form in which one can be written, whatever is swapped meanwhile."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resilver_client.errors import MediaNotFound, MediaUnreadable, OutputExists, PathNotAllowed, ResilverError
from resilver_server.config import ServerSettings
from resilver_server.domain import access
from resilver_server.domain.access import ROOTS, held_folder, open_file, written_roots
from resilver_server.domain.digests import digest_file
from resilver_server.domain.spans import Span
from resilver_server.media.probe import probe
from resilver_server.media.reader import Reader
from resilver_server.scheduling.publish import new_staging, publish
from resilver_server.stages.keys import keys_digest
from resilver_server.stages.mattes import matte_digest
from support.clips import moving, planes_of, write_movie, write_picture


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An allowed folder, and one beside it, with a movie and a picture in each; those outside are larger."""
    inside, outside = tmp_path / "films", tmp_path / "private"
    for folder, width in ((inside, 64), (outside, 128)):
        folder.mkdir()
        frames = [planes_of(moving(k, width, 48), "yuv420p") for k in range(2)]
        write_movie(folder / "film.mkv", frames, "ffv1", "yuv420p")
        write_picture(folder / "scan.0001.png", planes_of(moving(0, width, 48), "rgb24"), "png", "rgb24")
    monkeypatch.setenv(ROOTS, written_roots((inside,)))
    return inside, outside


def forms(inside: Path, outside: Path) -> list[str]:
    """Every way to say "the film outside"."""
    secret = outside / "film.mkv"
    return [
        str(secret),
        f"{inside}/../private/film.mkv",
        f"{inside}/./../private//film.mkv",
        f"{inside}/film.mkv/../../private/film.mkv",
        f"{inside}/none/../../private/film.mkv",
        f"//{secret}",
        f"/proc/self/root{secret}",
        f"/proc/{os.getpid()}/root{secret}",
        f"/proc/thread-self/root{secret}",
        f"/proc/self/cwd/../../../../../../../../..{secret}",
        f"{inside}x/../private/film.mkv",
    ]


ODD = [
    "/\ud800/film.mkv", "/" + "n" * 256, "/x/" + "\u00e9" * 128,
    "film.mkv", "./film.mkv", "../film.mkv", "", ".", "..", "~/film.mkv", "$HOME/film.mkv", "file:///film.mkv",
    "C:\\film.mkv", "C:/film.mkv", "\\\\host\\share\\film.mkv", "\\\\?\\C:\\film.mkv", "%2e%2e/film.mkv",
    "\0", "/film\0.mkv", "\u2025/film.mkv", "\uff0e\uff0e/film.mkv",
]  # fmt: skip
"""No absolute paths of this system."""


def test_no_form_of_a_path_leads_out(places: tuple[Path, Path]) -> None:
    inside, outside = places
    settings = ServerSettings(home=inside.parent / "home", roots=(inside,))
    assert settings.allow(str(inside / "film.mkv")) == inside / "film.mkv"
    assert settings.allow(f"{inside}/none/../film.mkv") == inside / "film.mkv"
    for text in (*forms(inside, outside), *ODD, "/", "/etc/passwd", "/dev/zero", "/" + "a" * 5000, "/" + "a/" * 3000):
        with pytest.raises(PathNotAllowed) as refused:
            settings.allow(text)
        assert str(outside) not in refused.value.remedy


def test_encoded_paths_are_taken_literally(places: tuple[Path, Path]) -> None:
    inside, _ = places
    settings = ServerSettings(home=inside.parent / "home", roots=(inside,))
    for text in ("..%2fprivate%2ffilm.mkv", "%2e%2e/private/film.mkv", "\u2025/film.mkv", "..\\private\\film.mkv"):
        real = settings.allow(f"{inside}/{text}")
        assert real.is_relative_to(inside)
        with pytest.raises((MediaNotFound, MediaUnreadable)):
            probe(str(real))


def test_without_roots_odd_paths_are_refused_too(tmp_path: Path) -> None:
    for text in ODD:
        with pytest.raises(PathNotAllowed):
            ServerSettings(home=tmp_path).allow(text)


def test_links_out_are_refused_and_links_within_are_followed(places: tuple[Path, Path]) -> None:
    inside, outside = places
    settings = ServerSettings(home=inside.parent / "home", roots=(inside,))
    (inside / "within.mkv").symlink_to(inside / "film.mkv")
    (inside / "out.mkv").symlink_to(outside / "film.mkv")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside / "loop")
    assert settings.allow(str(inside / "within.mkv")) == inside / "film.mkv"
    assert probe(str(inside / "within.mkv")).format.width == 64
    for name in ("out.mkv", "folder/film.mkv", "loop", "folder"):
        with pytest.raises(PathNotAllowed):
            settings.allow(str(inside / name))
    for name in ("out.mkv", "folder/film.mkv"):
        with pytest.raises(PathNotAllowed):
            probe(str(inside / name))
    with pytest.raises(ResilverError):
        probe(str(inside / "loop"))


def test_a_frame_of_a_sequence_may_not_lie_elsewhere(places: tuple[Path, Path]) -> None:
    inside, outside = places
    (inside / "scan.0002.png").symlink_to(outside / "scan.0001.png")
    with pytest.raises(PathNotAllowed, match=r"scan\.0002"):
        probe(f"{inside}/scan.%04d.png")
    for digest in (keys_digest, matte_digest):
        with pytest.raises(PathNotAllowed):
            digest(f"{inside}/scan.%04d.png")


Swap = Callable[[], None]


@contextmanager
def swapped_at_opening(monkeypatch: pytest.MonkeyPatch, swap: Swap) -> Iterator[None]:
    """``swap`` happens between every look at a path and its opening."""
    real = os.open

    def opening(path: object, *arguments: object, **named: object) -> int:
        swap()
        return real(path, *arguments, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(access.os, "open", opening)
        yield


def relinked(link: Path, target: Path) -> None:
    """Point a link elsewhere in one step."""
    draft = link.with_name(f".{link.name}.{threading.get_ident()}")
    draft.symlink_to(target)
    draft.replace(link)


def test_a_link_swapped_between_check_and_open(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = places
    settings = ServerSettings(home=inside.parent / "home", roots=(inside,))
    film = inside / "linked.mkv"
    relinked(film, inside / "film.mkv")
    info = probe(str(settings.allow(str(film)).with_name("linked.mkv")))
    with swapped_at_opening(monkeypatch, lambda: relinked(film, outside / "film.mkv")):
        for attempt in (
            lambda: probe(str(film)),
            lambda: list(Reader(info).read(Span(0, 1))),
            lambda: digest_file(film),
        ):
            relinked(film, inside / "film.mkv")
            with pytest.raises(PathNotAllowed):
                attempt()


def test_a_folder_swapped_between_check_and_open(places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = places
    reel, link = inside / "reel", inside / "way"
    reel.mkdir()
    (inside / "film.mkv").rename(reel / "film.mkv")
    relinked(link, reel)
    with swapped_at_opening(monkeypatch, lambda: relinked(link, outside)), pytest.raises(PathNotAllowed):
        probe(str(link / "film.mkv"))


def test_nothing_outside_is_read_while_somebody_swaps_all_the_time(places: tuple[Path, Path]) -> None:
    inside, outside = places
    film, stop = inside / "linked.mkv", threading.Event()
    relinked(film, inside / "film.mkv")

    def swap() -> None:
        while not stop.wait(0.002):  # or no attempt would ever end with the film
            relinked(film, outside / "film.mkv")
            relinked(film, inside / "film.mkv")

    thread = threading.Thread(target=swap)
    thread.start()
    widths, refused = set(), 0
    try:
        for _ in range(500):
            try:
                widths.add(probe(str(film)).format.width)
            except PathNotAllowed:
                refused += 1
    finally:
        stop.set()
        thread.join()
    assert widths == {64}, f"{refused} refused"
    assert refused


@pytest.mark.parametrize("kind", ["fifo", "socket", "device", "folder", "null", "process"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "media.mov"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    else:
        path = {"device": Path("/dev/zero"), "null": Path("/dev/null"), "process": Path("/proc/self/mem")}[kind]
    found: list[BaseException] = []

    def attempt() -> None:
        try:
            probe(str(path))
        except ResilverError as error:
            found.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "it waits"
    assert isinstance(found[0], MediaUnreadable)
    if kind != "folder":
        with pytest.raises(OSError):
            open_file(path).read(10)


def test_a_pipe_swapped_in_does_not_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film, pipe = tmp_path / "film.mov", tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "real").write_bytes(b"x")
    relinked(film, tmp_path / "real")
    with swapped_at_opening(monkeypatch, lambda: relinked(film, pipe)), pytest.raises(MediaUnreadable):
        probe(str(film))


def test_results_lie_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    occupants: list[Callable[[Path], object]] = [
        lambda path: path.write_text("mine"),
        lambda path: path.symlink_to(tmp_path / "precious"),
        lambda path: path.symlink_to(tmp_path / "nowhere"),
        lambda path: path.symlink_to(tmp_path / "elsewhere"),
        lambda path: path.mkdir(),
        lambda path: os.mkfifo(path),
        lambda path: path.hardlink_to(tmp_path / "precious"),
    ]
    for number, occupy in enumerate(occupants):
        output = tmp_path / f"out{number}" / "film.mov"
        staging = new_staging(output, "job", 0, (tmp_path,))
        (staging / "film.mov").write_text("result")
        occupy(output)
        before = output.lstat()
        with pytest.raises(OutputExists):
            publish(staging, output, roots=(tmp_path,))
        assert output.lstat().st_ino == before.st_ino
        assert (tmp_path / "precious").read_text() == "mine"
        assert not (tmp_path / "nowhere").exists()
        assert not list((tmp_path / "elsewhere").iterdir())


def test_results_are_made_inside_of_the_roots_alone(tmp_path: Path) -> None:
    inside, outside = tmp_path / "films", tmp_path / "private"
    for folder in (inside / "out", outside):
        folder.mkdir(parents=True)
    output = inside / "out" / "film.mov"
    staging = new_staging(output, "job", 0, (inside,))
    assert staging.stat().st_mode & 0o077 == 0, "nobody else may put anything into it"
    (staging / "film.mov").write_text("result")
    (inside / "out").rename(inside / "moved")
    (inside / "out").symlink_to(outside)
    with pytest.raises(PathNotAllowed):
        publish(staging, output, roots=(inside,))
    with pytest.raises(PathNotAllowed):
        new_staging(output, "job", 1, (inside,))
    assert not list(outside.iterdir())
    (inside / "out").unlink()
    (inside / "moved").rename(inside / "out")
    assert publish(staging, output, roots=(inside,))
    assert output.read_text() == "result"


def test_a_folder_that_is_held_stays_the_same_one(tmp_path: Path) -> None:
    inside, outside = tmp_path / "films", tmp_path / "private"
    for folder in (inside, outside):
        folder.mkdir()
    with held_folder(inside, (tmp_path,)) as held:
        inside.rename(tmp_path / "moved")
        inside.symlink_to(outside)
        (held / "result").write_text("here")
    assert (tmp_path / "moved" / "result").read_text() == "here"
    assert not list(outside.iterdir())
