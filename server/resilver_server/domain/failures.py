"""Errors as data, for rows and pipes."""

from __future__ import annotations

from dataclasses import dataclass

from resilver_client.errors import BY_REASON, InternalError, ResilverError


@dataclass(frozen=True)
class Failure:
    """An error as data: ``error()`` is the same class again."""

    reason: str
    what: str
    where: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, error: ResilverError) -> Failure:
        return cls(error.reason, error.what, error.where, error.remedy)

    def error(self) -> ResilverError:
        """A reason that this program does not know comes out as InternalError."""
        return BY_REASON.get(self.reason, InternalError)(self.what, where=self.where, remedy=self.remedy)
