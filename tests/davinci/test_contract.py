"""The contract of hosts over Resolve: the real session, the real script side, and the double, under every profile that
runs the menu script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from davinci.linked import Heard, Link, doubled, no_server
from davinci.resolve_double import PROFILES, Profile
from publish.contract import CHECKS, HostUnderTest, Laid, Lying, check_room_is_made
from resilver_bridge.session import ResolveSession
from resilver_client.errors import HostFailed
from resilver_publish.types import Remembered
from support.jobs import film

ABLE = [profile for profile in PROFILES if profile.runs_python_menu]
_CHOSEN = "Chocolate"
"""Clip colour by which versions without a selection say what is meant."""


class ResolveUnderTest:
    """A ``HostUnderTest``."""

    rate = Fraction(24)

    def __init__(self, profile: Profile, folder: Path, home: Path) -> None:
        self._folder = folder
        self._double = doubled(profile)
        self._link = Link(self._double, home)
        self.heard = Heard()

    def lay(self, clips: Sequence[Laid]) -> ResolveSession:
        media = self._double.media(self.movie(100), frames=100, fps=24.0)
        laid = [
            (clip, self._double.lay(media, clip.track, clip.start, clip.length, clip.first, name=clip.name))
            for clip in clips
        ]
        chosen = [item for clip, item in laid if clip.selected]
        self._double.select(chosen)
        for item in chosen:
            self._double.colour(item, _CHOSEN)
        return self._session()

    def lay_unmappable(self) -> ResolveSession:
        title = self._double.lay_title("Text+")
        self._double.select([title])
        self._double.colour(title, _CHOSEN)
        return self._session()

    def lying(self) -> Sequence[Lying]:
        return [
            Lying(each.name, each.track, each.start, each.start + each.duration, each.path, not each.enabled)
            for each in self._double.lying()
        ]

    def remove(self, name: str) -> None:
        found = next(item for _, _, item in self._double.timeline.items() if item.name == name)
        for tracks in self._double.timeline.tracks.values():
            for track in tracks:
                track.items = [item for item in track.items if item is not found]
        self._double.keep()

    def undo(self) -> None:
        """Resolve has no step of undo for scripts: ours is to take back what was placed last."""
        newest = self._link.resolve.kept()[0]
        self._link.resolve.take_back(newest)

    def reopen(self) -> ResolveSession:
        self._link.resolve.leave()
        self._double.save_and_reopen()
        self._link.restart()
        return self._session()

    def remembered(self) -> Sequence[Remembered]:
        return [job.remembered for job in self._link.resolve.kept()]

    def movie(self, frames: int) -> str:
        path = self._folder / f"{frames} frames.mkv"
        return str(path if path.exists() else film(path, frames))

    def _session(self) -> ResolveSession:
        read = self._link.resolve.read()
        by_name = {rule.name: rule for rule in read.rules}
        rule = by_name["selected"] if by_name["selected"].clips else by_name["colour"]
        return self._link.resolve.session(read, rule.clips, no_server(), self.heard.listener())


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.mark.parametrize("profile", ABLE, ids=lambda profile: profile.name)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_resolve_keeps_the_contract(
    media: Path, tmp_path: Path, profile: Profile, check: Callable[[HostUnderTest], None]
) -> None:
    host = ResolveUnderTest(profile, media, tmp_path)
    if check is check_room_is_made and not profile.has((19, 0)):
        with pytest.raises(HostFailed, match=r"cannot put a track in between .* use the next free track above"):
            check(host)
        assert [each.name for each in host.lying()] == ["reel 2", "title"]
    else:
        check(host)
