"""How much one client may have the server plan and keep (``resilver_client.limits``)."""

from __future__ import annotations

from resilver_client.errors import LimitReached
from resilver_client.limits import SHOT_FRAMES, SHOTS
from resilver_server.planning.plans import ShotPlan


def ensure_few_jobs(unfinished: int, most: int) -> None:
    """Raises LimitReached where there are ``most`` unfinished jobs already."""
    if unfinished >= most:
        raise LimitReached(
            f"{unfinished} jobs are not finished, at most {most} may be",
            remedy="wait until some have ended, or cancel what is not needed",
        )


def ensure_few_shots(clips: int) -> None:
    """Raises LimitReached."""
    if clips > SHOTS:
        remedy = "select fewer clips, and make several jobs of them"
        raise LimitReached(f"{clips} clips are selected, a job has at most {SHOTS}", remedy=remedy)


def ensure_short(plan: ShotPlan) -> None:
    """Raises LimitReached."""
    if plan.total_frames > SHOT_FRAMES:
        raise LimitReached(
            f"the result would have {plan.total_frames} frames, a shot has at most {SHOT_FRAMES}",
            where=plan.shot.name,
            remedy="cut the clip, or ask for a lower rate",
        )
