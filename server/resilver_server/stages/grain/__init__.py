"""What grain is: measured on a shot, and made anew. No stage by itself; degrain, regrain and repairs share it.

A stage that needs the grain of its shot adds ``measure(frame, previous)`` to what its analyser measures and
``solve(measurements, clock, rate)`` to what it solves; the names of all arrays begin with ``grain_``. In rendering
``Grain.of(window.state, window.centre)`` is the grain at that frame. Fills need none of this: what they lack is
measured while they are made (``samples``, ``grain_like``).
"""

from .course import SECONDS, solve
from .lack import SAMPLE, samples, squares
from .laid import grain_like
from .made import pattern
from .measure import measure
from .model import Grain, deviation

__all__ = ["SAMPLE", "SECONDS", "Grain", "deviation", "grain_like", "measure", "pattern", "samples", "solve", "squares"]
