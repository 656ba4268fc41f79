"""Hands and eyes of the walk: simulated events, buttons found by what they do, pictures of the screen, a clock.

A walk is a generator that yields seconds: Blender goes on with its own loop meanwhile. What has to wait is a generator
too, and is called with ``yield from``.
"""

from __future__ import annotations

import os
import subprocess
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import bpy

Walk = Generator[float, None, Any]

FOLDER = Path(os.environ["RESILVER_WALK"])
SCREEN = (2400, 1500)
"""Pixels of the screen that ``walk.sh`` makes: windows that Blender opens beside the first one lie on it too."""
_TABS = 14
"""Pixels of the column of tabs from the sidebar's right edge to its middle."""


def start(name: str, walk: Walk) -> None:
    """Walk, and end Blender: with 0 by quitting it as a user does, with 1 where something was not as it should be."""

    def step() -> float | None:
        try:
            return next(walk)
        except StopIteration:
            say(name, "walked to the end")
            return None
        except BaseException:
            traceback.print_exc()
            subprocess.run(["import", "-window", "root", FOLDER / "shots" / f"failed-{name}.png"], check=False)
            os._exit(1)

    (FOLDER / f"{name}.txt").unlink(missing_ok=True)
    bpy.app.timers.register(step, first_interval=1.0, persistent=True)


def say(name: str, *what: object) -> None:
    """A line of the record."""
    with (FOLDER / f"{name}.txt").open("a") as file:
        print(*what, file=file)


def shot(name: str, window: Any = None) -> Walk:
    """A picture of a window; Blender's loop is not held up for it."""
    yield 0.4
    window = window or main_window()
    top = SCREEN[1] - window.y - window.height
    place = f"{window.width}x{window.height}+{window.x}+{top}"
    file = FOLDER / "shots" / f"{name}.png"
    process = subprocess.Popen(["import", "-window", "root", "-crop", place, "+repage", file])
    while process.poll() is None:
        yield 0.05
    assert process.returncode == 0, name


def wait(what: str, until: Callable[[], Any], seconds: float = 60) -> Walk:
    """Wait until something is so; what it gives."""
    deadline = time.monotonic() + seconds
    while not (found := until()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        yield 0.05
    return found


def main_window() -> Any:
    return bpy.context.window_manager.windows[0]


def sequencer() -> Any:
    return next(area for area in main_window().screen.areas if area.type == "SEQUENCE_EDITOR")


def region(area: Any, kind: str) -> Any:
    """The largest region of a kind: a sequencer with a preview has two of some."""
    return max((each for each in area.regions if each.type == kind), key=lambda each: each.width * each.height)


def timeline() -> Any:
    """The region of the sequencer in which strips lie, below the preview."""
    return min((each for each in sequencer().regions if each.type == "WINDOW"), key=lambda each: each.y)


def move(x: float, y: float, window: Any = None) -> None:
    (window or main_window()).event_simulate(type="MOUSEMOVE", value="NOTHING", x=int(x), y=int(y))


def click(x: float, y: float, window: Any = None, **keys: bool) -> Walk:
    window = window or main_window()
    move(x, y, window)
    yield 0.15
    for value in ("PRESS", "RELEASE"):
        window.event_simulate(type="LEFTMOUSE", value=value, x=int(x), y=int(y), **keys)
        yield 0.05
    yield 0.2


def key(name: str, **keys: bool) -> Walk:
    """A key, with the mouse over the strips."""
    where = timeline()
    x, y = where.x + where.width // 2, where.y + where.height // 2
    move(x, y)
    yield 0.15
    for value in ("PRESS", "RELEASE"):
        main_window().event_simulate(type=name, value=value, x=x, y=y, **keys)
        yield 0.05
    yield 0.3


def away() -> Walk:
    """The mouse into the middle of the strips: the box that reports an error goes when the mouse leaves it."""
    where = timeline()
    for share in (0.9, 0.5):
        move(where.x + where.width * share, where.y + where.height * 0.5)
        yield 0.5


def middle_of(strip: Any) -> tuple[float, float]:
    """Where a strip lies on the screen."""
    where = timeline()
    frame = (strip.frame_final_start + strip.frame_final_end) / 2
    x, y = where.view2d.view_to_region(frame, strip.channel + 0.5, clip=False)
    return where.x + x, where.y + y


def override(window: Any = None, area: Any = None, kind: str = "WINDOW") -> Any:
    area = area or sequencer()
    return bpy.context.temp_override(window=window or main_window(), area=area, region=region(area, kind))


def open_tab(category: str) -> Walk:
    """Show the sidebar, and click down its tabs until the one that is wanted is open."""
    sequencer().spaces.active.show_region_ui = True
    yield 0.5
    side = region(sequencer(), "UI")
    for y in range(side.y + side.height - 20, side.y, -25):
        yield from click(side.x + side.width - _TABS, y)
        if side.active_panel_category == category:
            return
    raise AssertionError(f"the sidebar has no tab {category}")


def _under(window: Any, area: Any, kind: str) -> str:
    """What the button under the mouse does or edits, in Python."""
    found = ""
    for ask in (
        lambda: bpy.ops.ui.copy_python_command_button(),
        lambda: bpy.ops.ui.copy_data_path_button(full_path=True),
    ):
        bpy.context.window_manager.clipboard = ""
        with override(window, area, kind):
            try:
                ask()
            except RuntimeError:  # no such button there
                continue
        found = bpy.context.window_manager.clipboard
        if found:
            break
    return found


def find(what: str, window: Any = None, area: Any = None, kind: str = "UI") -> Walk:
    """Where the button is of which the Python has ``what`` in it: the mouse goes over the region until it finds it."""
    area = area or sequencer()
    side = region(area, kind)
    seen = {}
    for x, y in _places(side):
        move(x, y, window)
        yield 0.0
        found = _under(window, area, kind)
        if what in found:
            yield 0.1
            if what in _under(window, area, kind):  # else it was still that of the place before
                return x, y
        seen[found] = (x, y)
    raise AssertionError(f"there is no button for {what}, only {seen}")


def _places(side: Any) -> Iterator[tuple[int, int]]:
    rows = range(side.y + side.height - 6, side.y + 4, -9)
    for share in (0.5, 0.25, 0.72, 0.94, 0.85, 0.1, 0.62, 0.38):
        for y in rows:
            yield side.x + int((side.width - 2 * _TABS) * share) + 4, y


def press(what: str, window: Any = None, area: Any = None, kind: str = "UI") -> Walk:
    """Click on the button of which the Python has ``what`` in it."""
    x, y = yield from find(what, window, area, kind)
    yield from click(x, y, window)


def scroll(window: Any, area: Any, kind: str) -> Walk:
    """To the end of a region, with the wheel."""
    where = region(area, kind)
    x, y = where.x + where.width // 2, where.y + where.height // 2
    move(x, y, window)
    yield 0.1
    for _ in range(10):
        window.event_simulate(type="WHEELDOWNMOUSE", value="PRESS", x=x, y=y)
        yield 0.05


class Heart:
    """A timer that beats fifty times a second, and the longest time that it did not."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.long: list[tuple[float, str]] = []
        """Gaps of more than a fifth of a second, and what was under way."""
        self.doing: Callable[[], str] = lambda: ""
        self._last = time.perf_counter()
        bpy.app.timers.register(self._beat, persistent=True)

    def _beat(self) -> float:
        now = time.perf_counter()
        gap, self._last = now - self._last, now
        self.longest = max(self.longest, gap)
        if gap > 0.2:
            self.long.append((round(gap, 2), self.doing()))
        return 0.02

    def begin(self) -> None:
        self.longest, self.long, self._last = 0.0, [], time.perf_counter()

    def said(self) -> str:
        return f"longest gap {self.longest:.2f} s; above 0.2 s: {self.long or 'none'}"
