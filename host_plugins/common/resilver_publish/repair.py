"""What can be done about a problem."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from resilver.v1 import catalogue_pb2
from resilver_client import errors
from resilver_client.client import Client
from resilver_client.errors import InvalidRequest, ResilverError

from .types import Occupied, Order, Problem, Repair

Installing = Callable[[catalogue_pb2.InstallModelProgress], None]

_REPAIRS: dict[type[ResilverError], tuple[Repair, ...]] = {
    errors.InterlacedMedia: (Repair.DEINTERLACE,),
    errors.ModelNotInstalled: (Repair.INSTALL_MODEL,),
    errors.LicenceNotAccepted: (Repair.ACCEPT_LICENCE,),
    errors.TargetOccupied: (Repair.USE_TRACK_ABOVE, Repair.MAKE_ROOM),
}


def repairs_for(error: ResilverError, clip: str, others: bool) -> tuple[Repair, ...]:
    """What may help, the best first. ``clip`` is empty where the problem is not about one; ``others``: whether
    anything is left without it."""
    found = _REPAIRS.get(type(error), ())
    return (*found, Repair.LEAVE_OUT) if clip and others else found


def repaired(
    order: Order, problem: Problem, repair: Repair, client: Client, progress: Installing | None = None
) -> Order:
    """The order to run again. A model is fetched here, which takes a while: ``progress`` hears how far it is.

    Raises InvalidRequest for a repair that the problem does not offer, and what ``client.install_model`` raises.
    """
    if repair not in problem.repairs:
        raise InvalidRequest(f"{repair} does not help here", where=str(problem.error))
    match repair:
        case Repair.LEAVE_OUT:
            return replace(order, leave_out=order.leave_out | {problem.clip})
        case Repair.DEINTERLACE:
            return replace(order, deinterlace=order.deinterlace | {problem.clip})
        case Repair.USE_TRACK_ABOVE:
            return replace(order, occupied=Occupied.ABOVE)
        case Repair.MAKE_ROOM:
            return replace(order, occupied=Occupied.MAKE_ROOM)
        case Repair.ACCEPT_LICENCE:
            order = replace(order, accepted_licences=order.accepted_licences | {problem.error.where})
    _install(order, problem.error.where, client, progress)
    return order


def _install(order: Order, model: str, client: Client, progress: Installing | None) -> None:
    for step in client.install_model(model, accept_licence=model in order.accepted_licences):
        if progress is not None:
            progress(step)
