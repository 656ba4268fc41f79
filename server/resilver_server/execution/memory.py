"""Whether the system has ended processes for want of memory."""

from __future__ import annotations

from pathlib import Path

COUNTERS = Path("/proc/vmstat")
"""Linux counts there how often its out-of-memory killer struck; elsewhere nothing can be known."""


def oom_kills() -> int:
    """How often so far; 0 where the system does not say."""
    try:
        lines = COUNTERS.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
