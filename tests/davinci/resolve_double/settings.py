"""Settings of projects and timelines: text, gated, and locked once something lies there."""

from typing import Any, Dict

from .handles import Api, method, text
from .model import Timeline, describe_rate
from .rates import rate_of

RATE, PLAYBACK, CUSTOM = "timelineFrameRate", "timelinePlaybackFrameRate", "useCustomSettings"
SIZES = ("timelineResolutionWidth", "timelineResolutionHeight")


class TimelineSettings(Api):
    """`GetSetting` and `SetSetting` of a timeline."""

    @method()
    def GetSetting(self, settingName: Any = None) -> Any:
        return answer(self, self.settings(), settingName)

    @method("bool")
    def SetSetting(self, settingName: Any, settingValue: Any) -> bool:
        key, value = text(settingName), text(settingValue)
        if key == CUSTOM and value in ("0", "1"):
            return self.gate(value == "1")
        if not self.model.custom or key == PLAYBACK or key not in self.settings() or not fitting(key, value):
            return False
        if key == RATE:
            return self.set_rate(value)
        self.model.settings[key] = value
        return True

    def gate(self, custom: bool) -> bool:
        """Settings of its own, or the project's again."""
        if not custom and not self.model.empty:
            return False
        self.model.custom = custom
        if not custom:
            self.model.settings.clear()
            move_rate(self.model, self.double.project.settings[RATE])
        return True

    def set_rate(self, value: str) -> bool:
        """A timeline's rate, as long as nothing lies on it."""
        if not self.model.empty:
            return False
        if not self.double.faults.rate_change_fails:
            move_rate(self.model, value)
        return True

    @method("dict", since=(21, 1))
    def GetSettings(self) -> Dict[str, Any]:
        return dict(answer(self, self.settings(), None))

    @method("bool", since=(21, 1))
    def SetSettings(self, settings: Any) -> bool:
        if not isinstance(settings, dict):
            return False
        return all([self.SetSetting(key, value) for key, value in settings.items()])

    def settings(self) -> Dict[str, str]:
        """The project's, and what the timeline has of its own."""
        values = dict(self.double.project.settings, **self.model.settings)
        values.update({RATE: self.model.rate_text, CUSTOM: "1" if self.model.custom else "0"})
        return values


class ProjectSettings(Api):
    """`GetSetting` and `SetSetting` of a project."""

    @method()
    def GetSetting(self, settingName: Any = None) -> Any:
        return answer(self, self.model.settings, settingName)

    @method("bool")
    def SetSetting(self, settingName: Any, settingValue: Any) -> bool:
        key, value = text(settingName), text(settingValue)
        if key == PLAYBACK or key not in self.model.settings or not fitting(key, value):
            return False
        if key == RATE and self.model.timelines:
            return False
        self.model.settings[key] = value
        return True


def answer(api: Api, settings: Dict[str, str], key: object) -> Any:
    """One setting, or all; rates are text or numbers by version, an unknown key is ""."""
    words = api.double.profile.numbers_as_text
    values: Dict[str, Any] = dict(settings)
    for name in (RATE, PLAYBACK):
        rate, drop = rate_of(settings[name])
        values[name] = settings[name] if drop else describe_rate(rate, words)
    return values if key is None else values.get(str(key), "")


def fitting(key: str, value: str) -> bool:
    """Whether a key takes such a value."""
    if key == RATE:
        try:
            rate_of(value)
        except ValueError:
            return False
        return not value.endswith(".0")
    return value.isdigit() and int(value) >= 16 if key in SIZES else True


def move_rate(timeline: Timeline, rate: str) -> None:
    """Another rate: the start timecode stays as it reads, the number of the first frame moves."""
    parts = timeline.start_timecode.replace(";", ":").split(":")
    drop = rate_of(rate)[1]
    timeline.rate_text = rate
    timeline.start_timecode = ":".join(parts[:3]) + (";" if drop else ":") + parts[3]
