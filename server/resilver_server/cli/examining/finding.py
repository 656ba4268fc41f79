"""What a check tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``remedy`` is empty where all is well."""

    subject: str
    fact: str
    remedy: str = ""


Check = Callable[[], Iterator[Finding]]
