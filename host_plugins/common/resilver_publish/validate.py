"""Validators. The server is the authority: most of them read what its plan refuses, each the reasons that are its own.

All of them run, so that the user hears of every problem at once.
"""

from __future__ import annotations

from typing import ClassVar

from pyblish.plugin import Context, ContextPlugin, Instance, InstancePlugin, ValidatorOrder

from resilver.v1 import catalogue_pb2
from resilver_client import errors
from resilver_client.errors import ResilverError

from .state import ClipState, State, clip_of, state_of
from .types import Layout, Occupied

Reasons = tuple[type[ResilverError], ...]


class ClipValidator(InstancePlugin):
    """Fails where the clip is refused for one of ``reasons``."""

    families: ClassVar[list[str]] = ["shot"]
    reasons: ClassVar[Reasons] = ()

    def process(self, instance: Instance) -> None:
        for refusal in clip_of(instance).refusals:
            if isinstance(refusal, self.reasons):
                raise self.explained(refusal, clip_of(instance), state_of(instance.context))

    def explained(self, refusal: ResilverError, clip: ClipState, state: State) -> ResilverError:
        """The refusal in words for someone who sits before a host."""
        return refusal


class PlanValidator(ContextPlugin):
    """Fails where no plan could be made for one of ``reasons``."""

    reasons: ClassVar[Reasons] = ()

    def process(self, context: Context) -> None:
        state = state_of(context)
        if state.plan_error is not None and isinstance(state.plan_error, self.reasons):
            raise self.explained(state.plan_error, state)

    def explained(self, error: ResilverError, state: State) -> ResilverError:
        """The error in words for someone who sits before a host."""
        return error


class ValidateMedia(ClipValidator):
    """Media online and readable."""

    label = "Media online and readable"
    order = ValidatorOrder
    reasons = (
        errors.ClipOffline,
        errors.MediaNotFound,
        errors.MediaUnreadable,
        errors.MediaCorrupt,
        errors.MediaChanged,
        errors.SequenceGap,
    )

    def explained(self, refusal: ResilverError, clip: ClipState, state: State) -> ResilverError:
        """The host has found the media; a server on another machine may know it under another path, or not at all."""
        if not isinstance(refusal, errors.MediaNotFound) or not state.client.endpoint().encrypted:
            return refusal
        remedy = "the server is on another machine, and has to see the file under the same path"
        return errors.MediaNotFound(refusal.what, where=refusal.where, remedy=remedy)


class ValidateRange(ClipValidator):
    """The clip, with the handles that its transitions show, inside its media."""

    label = "Range inside the media"
    order = ValidatorOrder + 0.01
    reasons = (errors.RangeOutsideMedia,)


class ValidateRate(ClipValidator):
    """Frames that stand for even steps of time, each for one moment."""

    label = "Constant rate"
    order = ValidatorOrder + 0.02
    reasons = (errors.VariableFrameRate, errors.InterlacedMedia)

    def explained(self, refusal: ResilverError, clip: ClipState, state: State) -> ResilverError:
        if not isinstance(refusal, errors.InterlacedMedia):
            return refusal
        return errors.InterlacedMedia(
            "its frames are interlaced: each shows two moments",
            where=clip.clip.name,
            remedy="let it be deinterlaced, or relink it to a progressive copy",
        )


class ValidateEffects(ClipValidator):
    """Nothing on the clip that cannot be carried over."""

    label = "No unsupported effect"
    order = ValidatorOrder + 0.03
    reasons = (errors.ClipUnsupported,)


class ValidateRecipe(PlanValidator):
    """Stages, parameters and profile that this server knows."""

    label = "Recipe valid for this server"
    order = ValidatorOrder + 0.04
    reasons = (
        errors.InvalidRecipe,
        errors.UnknownStage,
        errors.UnknownPreset,
        errors.UnknownProfile,
        errors.InvalidRate,
        errors.InvalidMatte,
        errors.InvalidKeyFrame,
    )


class ValidateModels(PlanValidator):
    """Models that the recipe loads are there, and may be used."""

    label = "Models installed"
    order = ValidatorOrder + 0.05
    reasons = (
        errors.ModelNotInstalled,
        errors.LicenceNotAccepted,
        errors.ModelUnknown,
        errors.ModelDigestMismatch,
        errors.ModelUnreadable,
    )

    def explained(self, error: ResilverError, state: State) -> ResilverError:
        """``where`` stays the model's id: repairs read it."""
        model = next((model for model in state.client.models() if model.id == error.where), None)
        if model is None or not isinstance(error, errors.ModelNotInstalled | errors.LicenceNotAccepted):
            return error
        closed = model.state == catalogue_pb2.MODEL_STATE_LICENCE_NEEDED
        if closed and model.id not in state.asked.accepted_licences:
            return errors.LicenceNotAccepted(
                f"the weights of {model.title} are under {model.weights_licence}, which restricts their use",
                where=model.id,
                remedy="read the licence and accept it, or choose another model",
            )
        return errors.ModelNotInstalled(
            f"{model.title} is not installed on the server ({sized(model.size)} to download)",
            where=model.id,
            remedy="let it be installed, or choose another model",
        )


class ValidateRoom(PlanValidator):
    """A folder that can be written to, with room for all results."""

    label = "Room on disk"
    order = ValidatorOrder + 0.06
    reasons = (errors.DiskFull, errors.OutputUnwritable, errors.OutputExists)

    def process(self, context: Context) -> None:
        super().process(context)
        state = state_of(context)
        if state.plan is None or state.request is None:
            return
        needed, free = state.plan.needed_bytes, state.plan.free_bytes
        if needed > free:
            raise errors.DiskFull(
                f"the job needs about {sized(needed)} on disk, and {sized(free)} are free",
                where=state.request.output_folder,
                remedy="free some space, or choose another output folder or a smaller profile",
            )


class ValidateTarget(InstancePlugin):
    """The place above the clip is free. Previews, takes, files, new timelines and refused clips need none."""

    label = "Target track free"
    order = ValidatorOrder + 0.07
    families: ClassVar[list[str]] = ["shot"]

    def process(self, instance: Instance) -> None:
        state, known = state_of(instance.context), clip_of(instance)
        order, clip = state.asked, known.clip
        needs_a_place = order.layout in (Layout.OVERLAY, Layout.REPLACE) and not order.preview_frames
        if not needs_a_place or order.occupied is not Occupied.REFUSE:
            return
        if known.refusals:
            return
        taken = state.session.in_the_way(clip, order.layout)
        if taken:
            raise errors.TargetOccupied(
                f"the place for the restored clip is taken: {taken}",
                where=clip.name,
                remedy="move that away, let room be made, or use the next free track above",
            )


class ValidateOtherRefusals(InstancePlugin):
    """What no other validator speaks of; and a clip of which the server says nothing at all."""

    label = "Clip accepted by the server"
    order = ValidatorOrder + 0.4
    families: ClassVar[list[str]] = ["shot"]

    def process(self, instance: Instance) -> None:
        state, clip = state_of(instance.context), clip_of(instance)
        for refusal in clip.refusals:
            if not isinstance(refusal, _OF_CLIPS):
                raise refusal
        if state.plan is not None and clip.plan is None and not clip.refusals:
            raise errors.ClipUnsupported(
                "the server does not find it in the timeline",
                where=clip.clip.name,
                remedy="check that it, and all that it lies in, is not muted",
            )


class ValidateOtherErrors(ContextPlugin):
    """A reason without a validator of its own stops a publication all the same."""

    label = "Accepted by the server"
    order = ValidatorOrder + 0.41

    def process(self, context: Context) -> None:
        error = state_of(context).plan_error
        if error is not None and not isinstance(error, _OF_PLANS):
            raise error


VALIDATORS = (
    ValidateMedia,
    ValidateRange,
    ValidateRate,
    ValidateEffects,
    ValidateRecipe,
    ValidateModels,
    ValidateRoom,
    ValidateTarget,
    ValidateOtherRefusals,
    ValidateOtherErrors,
)
_OF_CLIPS: Reasons = ValidateMedia.reasons + ValidateRange.reasons + ValidateRate.reasons + ValidateEffects.reasons
_OF_PLANS: Reasons = ValidateRecipe.reasons + ValidateModels.reasons + ValidateRoom.reasons


def sized(size: int) -> str:
    """Bytes for people: ``1_500_000_000`` as ``1.5 GB``."""
    amount, unit = float(size), "bytes"
    for bigger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, bigger
    return f"{amount:.0f} {unit}" if amount >= 100 or unit == "bytes" else f"{amount:.1f} {unit}"
