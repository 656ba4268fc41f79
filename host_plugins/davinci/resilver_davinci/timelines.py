"""``new_timeline``: a timeline with settings of its own, filled with restored clips and the edit's own sound."""

from typing import TYPE_CHECKING, AbstractSet, Any, Callable, List, NamedTuple

from . import api, importing, keeping, placing, rates, requests, sounds, tracks
from .refused import refused_by_resolve
from .requests import Json
from .undoing import Undo, all_or_nothing
from .work import Work

if TYPE_CHECKING:
    from fusionscript import Project, Resolve, Timeline

BY_HAND = "make a timeline with these settings by hand, open it, and lay the restored clips there"


class Setting(NamedTuple):
    """A setting of a timeline: how it is set and read, and when two of its values are the same."""

    what: str
    key: str
    value: str
    same: Callable[[Any, Any], bool]


def new_timeline(resolve: "Resolve", arguments: Json) -> Json:
    """The answer to ``new_timeline``. Raises Refused, and then there is no new timeline, or the error says so."""
    project = api.open_project(resolve, arguments["project"])
    with keeping.as_it_was(resolve, project) as notes:
        keeping.edit_page(resolve)
        with all_or_nothing(resolve, project) as undo:
            work = _made(resolve, project, arguments, undo)
            start = api.whole(work.timeline.GetStartFrame(), "where the new timeline starts")
            clips = requests.clips(arguments, start)
            tracks.up_to(work.timeline, api.VIDEO, max([clip.place.track for clip in clips] or [1]))
            placing.require_room(work, clips, (), {})
            media = importing.bring_all(work.pool, arguments["bin"], [clip.file for clip in clips], undo)
            heard = sounds.Sounds(requests.sounds(arguments, start), notes)
            laid = placing.lay_all(work, clips, media, undo, notes, lambda: heard.lay(work))
            work = work.fresh()
            heard.settle(work)
            return {
                "timeline": _said(work.timeline),
                "placed": [placing.placed(clip, one) for clip, one in zip(clips, laid)],
                "notes": notes,
            }


def _made(resolve: "Resolve", project: "Project", arguments: Json, undo: Undo) -> Work:
    """The new timeline, empty, open, with the settings asked for. Raises Refused."""
    pool, before = api.media_pool(project), project.GetCurrentTimeline()
    taken = {api.text(timeline.GetName()) for timeline in api.timelines(project)}
    name = free_name(arguments["name"], taken)
    ids = {api.identity(timeline) for timeline in api.timelines(project)}
    undo.add('the new timeline "{}"'.format(name), lambda: _deleted(project, name, ids, before))
    timeline = pool.CreateEmptyTimeline(name)
    if not timeline or api.text(timeline.GetName()) != name:
        raise refused_by_resolve("Resolve does not make a new timeline", name)
    work = Work(resolve, project, pool, timeline, api.identity(timeline)).fresh()
    _set(work.timeline, arguments)
    return work.fresh()


def free_name(name: str, taken: AbstractSet[str]) -> str:
    """The name, or with the first number after it that makes it free: Resolve makes none of a name that is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = "{} {}".format(name, number)
    return free


def _set(timeline: "Timeline", arguments: Json) -> None:
    """Set size, rate and start, in this order, and read them back. Raises Refused where one is not as asked."""
    timeline.SetSetting("useCustomSettings", "1")
    for setting in _settings(arguments):
        timeline.SetSetting(setting.key, setting.value)
    wrong = [_wrong(timeline, setting) for setting in _settings(arguments)]
    start = arguments["start_timecode"]
    timeline.SetStartTimecode(start)
    said = api.text(timeline.GetStartTimecode())
    if said.replace(";", ":") != start.replace(";", ":"):
        wrong.append("a start at {} instead of {}".format(said or "an unknown timecode", start))
    wrong = [one for one in wrong if one]
    if wrong:
        what = "Resolve does not give a new timeline the settings it was asked for, but " + ", ".join(wrong)
        raise refused_by_resolve(what, api.text(timeline.GetName()), BY_HAND)


def _settings(arguments: Json) -> List[Setting]:
    return [
        Setting("a width of {}", "timelineResolutionWidth", str(arguments["width"]), _same_number),
        Setting("a height of {}", "timelineResolutionHeight", str(arguments["height"]), _same_number),
        Setting("a rate of {}", "timelineFrameRate", arguments["rate"], _same_rate),
    ]


def _same_number(one: Any, other: Any) -> bool:
    return api.whole_or_none(one) == api.whole_or_none(other)


def _same_rate(said: Any, asked: Any) -> bool:
    return rates.same(said, asked) and (rates.drop_frame(asked) or not rates.drop_frame(said))


def _wrong(timeline: "Timeline", setting: Setting) -> str:
    said = timeline.GetSetting(setting.key)
    if setting.same(said, setting.value):
        return ""
    return "{} instead of {}".format(setting.what.format(api.text(said) or "unknown size"), setting.value)


def _deleted(project: "Project", name: str, before_ids: AbstractSet[str], before: "Timeline") -> List[str]:
    """Delete what was made; what remains, for people. A timeline that is open is left first."""
    new = [one for one in api.timelines(project) if api.identity(one) not in before_ids and one.GetName() == name]
    if before:
        project.SetCurrentTimeline(before)
    if new:
        api.media_pool(project).DeleteTimelines(new)
    remain = [one for one in api.timelines(project) if api.identity(one) not in before_ids and one.GetName() == name]
    return ['the new timeline "{}"'.format(name)] if remain else []


def _said(timeline: "Timeline") -> Json:
    name = api.text(timeline.GetName())
    return {
        "id": api.identity(timeline),
        "name": name,
        "start": api.whole(timeline.GetStartFrame(), "where the timeline starts", name),
        "rate": api.text(timeline.GetSetting("timelineFrameRate")),
        "width": api.whole(timeline.GetSetting("timelineResolutionWidth"), "how wide the timeline is", name),
        "height": api.whole(timeline.GetSetting("timelineResolutionHeight"), "how high the timeline is", name),
    }
