"""What grain is: measured on a shot, and made anew. No stage by itself; degrain, regrain and repairs share it.

A stage that needs the grain of its shot adds ``measure(frame, previous)`` to what its analyser measures and
``solve(measurements, clock, rate)`` to what it solves; the names of all arrays begin with ``grain_``. In rendering
``Grain.of(window.state, window.centre)`` is the grain at that frame.
"""

from .course import SECONDS, solve
from .made import grain_like, pattern
from .measure import measure, surroundings
from .model import Grain, deviation

__all__ = ["SECONDS", "Grain", "deviation", "grain_like", "measure", "pattern", "solve", "surroundings"]
