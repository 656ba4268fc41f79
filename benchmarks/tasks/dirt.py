"""Dust and dirt of one to three frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from resilver_server.domain.recipes import StageSettings
from resilver_server.lab.age import AgeSettings, age

from ..clips import FAST, SHORT, Clip, Planes, grey, present, taken
from ..figures import BORDER, Flags, changed, psnr, share
from ..ours import alike
from ..task import RATE, Asked, Case, Figure, Measures, Task, mine, nothing, peer, varied

COUNT, WIDTH, SEED, SEEN, END = 18, 448, 31, 12, 3
GRAIN, SMOOTH, CLEAN = "with grain", "without grain", "no dirt"
_AGE = replace(AgeSettings(), lost=0, repeated=0, scratches=0, dirt=8.0)


def cases() -> Sequence[Case]:
    clips = present(SHORT)
    dirty = [_dirty(clip, group) for group in (GRAIN, SMOOTH) for clip in clips]
    return [*dirty, *(_clean(clip) for clip in present(FAST))]


def _dirty(clip: Clip, group: str) -> Case:
    """After deflicker, which is decided by the dirty clip and done to its truths alike."""
    settings = replace(_AGE, grain=_AGE.grain if group == GRAIN else 0.0)
    frames = taken(clip, COUNT, WIDTH)
    aged = list(age(frames, settings, SEED))
    without = [film.frame for film in age(frames, replace(settings, dirt=0), SEED)]
    clean = [film.frame for film in age(frames, replace(settings, dirt=0, grain=0), SEED)]
    films = (grey([film.frame for film in aged]), grey(without), grey(clean))
    given, same, smooth = alike(films[0], films[1:], RATE, (StageSettings("deflicker"),))
    dirt = np.stack([film.dirt_mask for film in aged])
    return Case(group, clip.name, clip.tuning, given, lambda made: _measured(made, given, same, smooth, dirt))


def _measured(made: Planes, given: Planes, same: Planes, smooth: Planes, dirt: Flags) -> Measures:
    apart = np.abs(given.astype(np.int16) - same) >= SEEN
    seen, other = (dirt & apart)[BORDER], changed(made, given)[BORDER]
    made, given, same, smooth = (planes[BORDER] for planes in (made, given, same, smooth))
    free, within, ends = ~dirt[BORDER], slice(END, -END), [*range(END), *range(-END, 0)]
    return {
        "inside": psnr(made[within], smooth[within], seen[within]),
        "same": psnr(made[within], same[within], seen[within]),
        "ends": psnr(made[ends], smooth[ends], seen[ends]),
        "found": share(other[within][seen[within]]),
        "found-ends": share(other[ends][seen[ends]]),
        "false": share(other[free]),
        "outside": psnr(made, given, free),
    }


def _clean(clip: Clip) -> Case:
    given = grey(taken(clip, COUNT, WIDTH))

    def measure(made: Planes) -> Measures:
        other = changed(made, given)[BORDER]
        return {"outside": psnr(made[BORDER], given[BORDER]), "false": share(other)}

    return Case(CLEAN, clip.name, False, given, measure)


TASK = Task(
    name="dirt",
    title="Dirt",
    how=(
        f"{COUNT} frames of {WIDTH} pixels' width, aged with 8 new blotches a frame (one to three frames each, "
        "over a third of all stay longer than one), weave, flicker, transfer noise and JPEG, with grain and "
        "without; then deflickered. The first and the last three frames count by themselves, since scripts "
        "cannot clean there. `no dirt`: clips as they are, in which something moves fast."
    ),
    wrong=(
        "- Dirt that stays for two frames on and beside somebody who comes near the camera is missed: there a "
        "median along the motion is far nearer to the truth.\n"
        "- Very fast limbs at few frames a second are nibbled at now and then.\n"
        "- Inside dirt, in shots that stand still, a median over five frames is as near to the clean frame or "
        "nearer: it takes half of the grain away as well, and changes nearly every pixel of the film.\n"
        "- A blotch of both polarities over a fifth of the frame spoils the motion it is judged by, and "
        "stays."
    ),
    figures=(
        Figure(
            "inside",
            "inside, dB",
            "PSNR in the pixels of dirt (12/255 or more off) against the film without dirt and grain",
        ),
        Figure("same", "with grain, dB", "the same against the grain that the dirt hides, which nobody can know"),
        Figure("ends", "ends, dB", f"as `inside`, in the first and the last {END} frames"),
        Figure("found", "found, %", "pixels of dirt that were changed", 1),
        Figure("found-ends", "found at ends, %", f"the same in the first and the last {END} frames", 1),
        Figure("false", "false, %", "pixels without dirt that were changed, in all frames", 3, more_is_better=False),
        Figure("outside", "outside, dB", "PSNR of these against the film as given, in all frames: 99 is untouched"),
    ),
    headline="inside",
    cases=cases,
    seeds=(SEED,),
    tools=(
        mine("Resilver", StageSettings("repair")),
        mine("Resilver, smooth fills", StageSettings("repair", {"grain": False}), groups=(GRAIN,)),
        peer("FFmpeg removegrain", "ffmpeg-removegrain", varied(mode=(1, 2, 3, 4, 11, 17))),
        peer("FFmpeg tmedian", "ffmpeg-median", varied(radius=(1, 2, 3))),
        peer("FluxSmoothST", "flux-smooth", varied(temporal=(7, 30, 100, 255), spatial=(-1, 7))),
        peer("RemoveDirt style", "remove-dirt", varied(motion=(4, 8, 16), repair=(1, 2, 16))),
        peer("RemoveDirtMC style", "remove-dirt-mc", varied(motion=(4, 8, 16, 255), repair=(1, 16), block=(8, 16))),
        peer("SpotLess style", "spotless", varied(radius=(1, 2, 3), block=(8, 16), sad=(2000, 10000))),
        nothing(),
    ),
    asked=(
        Asked("inside of dirt at least 1 dB above the best peer", "Resilver", "inside", SMOOTH, margin=1.0),
        Asked("the same under grain, with smooth fills", "Resilver, smooth fills", "inside", GRAIN, margin=1.0),
        Asked("at least 90 % of dirt found", "Resilver", "found", GRAIN, at_least=90.0),
        Asked("at most 0.1 % false", "Resilver", "false", GRAIN, at_most=0.1),
        Asked("at most 0.05 % changed where there is no dirt", "Resilver", "false", CLEAN, at_most=0.05),
    ),
)
