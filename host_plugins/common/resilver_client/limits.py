"""How large anything that a client sends may be. All limits stand here; docs/api.md lists them. Standard library only.

They are generous: none is met by a feature film's edit. Each keeps a message that was made to do harm, or by a mistake,
from taking memory or time without bound; beyond it a call fails with a typed error that names the limit.
"""

from __future__ import annotations

LARGEST_MESSAGE = 64 << 20
"""Bytes of one message, either way: a timeline of thousands of clips is a few MiB."""
REQUEST_ID = 128
"""Characters, as of the ids of jobs and page tokens."""
TITLE = 500
"""Characters."""
NAME = 255
"""Characters of the stem of results; file systems take no longer ones."""
PATH = 4096
"""Characters of a path; Linux takes no longer ones."""
TEXT = 1 << 20
"""Characters of a parameter, which may be a list of frames."""
STAGES = 64
"""Stages of a recipe."""
PARAMETERS = 100
"""Parameters of a stage."""
KEPT_SPANS = 100_000
"""Spans of frames that a stage keeps."""
SELECTED = 50_000
"""Entries of each list of a selection."""
STATES = 100
"""States that are asked for at once."""
PAGE = 1000
"""Jobs of one page; a larger page is not refused, but has no more."""
PREVIEW_FRAMES = 1000
"""Pictures of a shot's preview."""
TAIL_FRAMES = 100_000
"""Frames held after a shot's last."""
SHOT_FRAMES = 20_000_000
"""Output frames of one shot: 46 hours at 120 frames a second."""
SHOTS = 20_000
"""Clips of one job."""

TIMELINE_BYTES = 256 << 20
"""Bytes of a timeline's file. As OTIO JSON it travels in a message, which is smaller."""
TIMELINE_DEPTH = 400
"""JSON nesting: OpenTimelineIO's parser runs out of stack, and kills the process, at some ten thousand."""
TIMELINE_VALUES = 8_000_000
"""Values in it, by its commas: OpenTimelineIO writes 256 MiB for 6 million. Packed tightly they hold 100 million, which
would take ten gigabytes and more."""
TIMELINE_ITEMS = 200_000
"""Clips, gaps, transitions, nests, markers and effects."""

CALLS = 200
"""Calls of one client at once, watches among them."""
STREAMS = 250
"""Calls on one connection, whoever they come from; more wait for their turn."""
CALLS_IN_ALL = 1000
"""Calls of all clients and of strangers."""
UNFINISHED_JOBS = 10_000
"""Of one client: queued, running, waiting and paused. ``ServerSettings.unfinished_jobs`` sets another number."""
