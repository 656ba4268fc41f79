"""A small edit in the double of Resolve, and requests of the bridge for it, for tests of what runs inside Resolve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

from davinci.resolve_double import PROFILES, Double, Profile
from davinci.resolve_double.rates import exact
from resilver_davinci.answers import Refused, answer

MENU = [profile for profile in PROFILES if profile.runs_python_menu]
"""Those that can run a menu script at all."""
MODERN = next(profile for profile in PROFILES if profile.name == "21.0.4 Studio")
FILM = "/film/reel 1 – Würzburg.mov"


class Scene:
    """Three clips of one reel on track 1, a title on track 2, sound below; the edit page is not the open one."""

    def __init__(self, profile: Profile = MODERN, rate: str = "24", source_rate: str | None = None) -> None:
        self.double = Double(profile)
        self.rate = exact(rate.split()[0])
        self.double.open_project("Heimat", rate=rate)
        self.timeline = self.double.open_timeline("Reel 1", rate=rate)
        self.reel = self.double.media(FILM, frames=2000, fps=source_rate or rate.split()[0])
        self.clips = [
            self.double.lay(self.reel, track=1, start=start, duration=length, source_in=start)
            for start, length in ((0, 24), (24, 25), (60, 7))
        ]
        self.double.lay_audio(self.reel, track=1, start=0, duration=67)
        self.double.keep()
        self.double.page = "color"

    @property
    def start(self) -> int:
        """First frame of the timeline."""
        return self.timeline.start

    def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Ask as the bridge does."""
        return answer(self.double.resolve, name, {**self.ids(), **arguments})

    def ids(self) -> dict[str, str]:
        """Project and timeline."""
        return {"project": self.double.project.id, "timeline": self.timeline.id}

    def request(self, number: int, track: int = 2, file_rate: str = "60", head: int = 8, **more: Any) -> dict[str, Any]:
        """The restored clip of one of the clips, whose file begins ``head`` timeline frames earlier."""
        item = self.clips[number]
        rate = exact(file_rate)
        first = ceil(head * rate / self.rate)
        end = first + ceil(item.duration * rate / self.rate)
        found = {
            "clip": item.id,
            "original": {"track": 1, "start": self.start + item.start, "duration": item.duration},
            "name": f"Würzburg {number}",
            "path": f"/restored/würzburg {number}.mov",
            "is_sequence": False,
            "first_number": 0,
            "frames": end + 20,
            "rate": file_rate,
            "track": track,
            "start": self.start + item.start,
            "duration": item.duration,
            "source_start": first,
            "source_end": end,
            "colour": "Teal",
            "marker": {"colour": "Sky", "name": "Resilver", "note": "4K60", "custom": f"job-7/{number}"},
            **more,
        }
        self.file(found)
        return found

    def file(self, request: dict[str, Any]) -> None:
        """Let the restored file be there."""
        fps = float(exact(request["rate"]))
        facts = {"frames": request["frames"], "fps": fps, "width": 3840, "height": 2160, "type": "Video"}
        self.double.files[request["path"]] = facts

    def place(self, *clips: dict[str, Any], tracks: Any = (), disable: Any = ()) -> dict[str, Any]:
        """``place`` of these."""
        return self.call("place", tracks=list(tracks), bin="Resilver", clips=list(clips), disable=list(disable))

    def break_at(self, number: int, modal: bool = False, raises: bool = False) -> None:
        """Let the call of Resolve with this number (from 0, from now on) fail: by itself, by a dialog that opens and
        stays open, or with an exception."""
        seen = [0]

        def before(kind: str, name: str) -> None:
            if seen[0] == number:
                if raises:
                    seen[0] += 1
                    raise TypeError("'NoneType' object is not callable")
                if modal:
                    self.double.faults.modal_open = True
                else:
                    self.double.faults.fail(f"{kind}.{name}")
            seen[0] += 1

        self.double.before_call = before

    def mend(self) -> None:
        """Nothing fails any more."""
        self.double.before_call = lambda kind, name: None
        self.double.faults.modal_open = False
        self.double.faults.failing.clear()

    def state(self) -> dict[str, Any]:
        """Everything that a person would see, but what was saved: for before and after."""
        project, double = self.double.project, self.double
        return {
            "lying": {one.id: double.lying(one) for one in project.timelines},
            "tracks": {
                one.id: {kind: [(t.name, t.locked, t.enabled) for t in tracks] for kind, tracks in one.tracks.items()}
                for one in project.timelines
            },
            "markers": {
                item.id: list(map(vars, item.markers)) for one in project.timelines for _, _, item in one.items()
            },
            "media": [(media.id, media.path) for media in project.media],
            "bins": [(folder.id, folder.name) for folder in project.folders],
            "open": (double.page, project.current_timeline, project.current_folder),
        }

    def unharmed(self, before: dict[str, Any]) -> bool:
        """Whether all is as it was, but what is open where a dialog kept it from being turned back. Mends the scene."""
        was_open = self.double.faults.modal_open
        self.mend()
        now = self.state()
        return now == (before | {"open": now["open"]} if was_open else before)

    def saved(self) -> list[Any]:
        """What lies on the timeline once the project was closed and opened again."""
        self.double.save_and_reopen()
        return self.double.lying()


def spans(lying: list[Any], track: int) -> list[tuple[int, int]]:
    """Start and duration of what lies on a video track."""
    return [(one.start, one.duration) for one in lying if one.track == track and one.kind == "video"]


def outline(lying: list[Any]) -> list[tuple[Any, ...]]:
    """What lies there without its ids, which differ from one attempt to the next."""
    return [(one.name, one.track, one.start, one.duration, one.path, one.enabled, one.takes, one.kind) for one in lying]


def every_call(make: Callable[[], Scene], act: Callable[[Scene], Any]) -> Iterator[tuple[str, Scene]]:
    """For every call of Resolve that ``act`` makes, a new scene in which that call fails, by itself or with an
    exception, or from which on a dialog is open."""
    counted = make()
    counted.double.calls.clear()
    act(counted)
    for how in ({}, {"modal": True}, {"raises": True}):
        for number, (kind, name) in enumerate(counted.double.calls):
            scene = make()
            scene.break_at(number, **how)
            yield f"{number} {kind}.{name} {how}", scene


def attempt(act: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any] | None, Refused | None]:
    """What came of it: a result, or why there is none."""
    try:
        return act(), None
    except Refused as refused:
        return None, refused
