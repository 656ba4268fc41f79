"""States of jobs and chunks, and the moves between them."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"
    ANALYSING = "analysing"
    RENDERING = "rendering"
    JOINING = "joining"
    PAUSED = "paused"
    WAITING = "waiting"
    """For room on a disk; it goes on by itself."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


HIGHEST_PRIORITY = 100
"""Priorities lie between this and its negative; 0 is the usual one, and larger ones take their turn earlier."""


class ChunkState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
