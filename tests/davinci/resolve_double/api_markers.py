"""Markers, flags and colours: alike on timelines, items and clips of the media pool."""

from typing import Any, Dict, List

from .handles import Api, Refusal, method, number, text
from .model import Marker

MARKER_COLORS = (
    *("Blue", "Cyan", "Green", "Yellow", "Red", "Pink", "Purple", "Fuchsia"),
    *("Rose", "Lavender", "Sky", "Mint", "Lemon", "Sand", "Cocoa", "Cream"),
)
CLIP_COLORS = (
    *("Orange", "Apricot", "Yellow", "Lime", "Olive", "Green", "Teal", "Navy"),
    *("Blue", "Purple", "Violet", "Pink", "Tan", "Beige", "Brown", "Chocolate"),
)


class Marked(Api):
    """Markers of a record that has a list of them."""

    @method("bool")
    def AddMarker(self, frameId: Any, color: Any, name: Any, note: Any, duration: Any, customData: Any = "") -> bool:
        frame = float(number(frameId))
        if text(color) not in MARKER_COLORS or number(duration) < 1 or self.marker_at(frame):
            return False
        marker = Marker(frame, color, text(name), text(note), float(duration), text(customData))
        self.model.markers = sorted([*self.model.markers, marker], key=lambda one: one.frame)
        return True

    @method("dict")
    def GetMarkers(self) -> Dict[float, Dict[str, Any]]:
        return {marker.frame: described(marker) for marker in self.model.markers}

    @method("dict")
    def GetMarkerByCustomData(self, customData: Any) -> Dict[float, Dict[str, Any]]:
        found = [marker for marker in self.model.markers if marker.custom == text(customData)]
        return {marker.frame: described(marker) for marker in found[:1]}

    @method("bool")
    def UpdateMarkerCustomData(self, frameId: Any, customData: Any) -> bool:
        for marker in self.marker_at(float(number(frameId))):
            marker.custom = text(customData)
            return True
        return False

    @method()
    def GetMarkerCustomData(self, frameId: Any) -> str:
        return "".join(marker.custom for marker in self.marker_at(float(number(frameId))))

    @method("bool")
    def DeleteMarkersByColor(self, color: Any) -> bool:
        return self.drop_markers([one for one in self.model.markers if color in (one.color, "All")])

    @method("bool")
    def DeleteMarkerAtFrame(self, frameNum: Any) -> bool:
        return self.drop_markers(self.marker_at(float(number(frameNum))))

    @method("bool")
    def DeleteMarkerByCustomData(self, customData: Any) -> bool:
        return self.drop_markers([one for one in self.model.markers if one.custom == text(customData)][:1])

    def marker_at(self, frame: float) -> List[Marker]:
        """The one marker at a frame, or none."""
        return [marker for marker in self.model.markers if marker.frame == frame]

    def drop_markers(self, markers: List[Marker]) -> bool:
        """Take these away; whether there were any."""
        self.model.markers = [marker for marker in self.model.markers if marker not in markers]
        return bool(markers)


class Coloured(Api):
    """Colour and flags of an item or a clip."""

    @method("bool")
    def SetClipColor(self, colorName: Any) -> bool:
        if text(colorName) not in CLIP_COLORS:
            raise Refusal("no colour of a clip")
        if getattr(self.model, "kind", "") != "generator":
            self.model.color = colorName
        return True

    @method()
    def GetClipColor(self) -> str:
        return str(self.model.color)

    @method("bool")
    def ClearClipColor(self) -> bool:
        self.model.color = ""
        return True

    @method("bool")
    def AddFlag(self, color: Any) -> bool:
        if text(color) not in MARKER_COLORS:
            return False
        self.model.flags.append(color)
        return True

    @method("list")
    def GetFlagList(self) -> List[str]:
        return list(self.model.flags)

    @method("bool")
    def ClearFlags(self, color: Any) -> bool:
        kept = [flag for flag in self.model.flags if color not in (flag, "All")]
        dropped = len(kept) < len(self.model.flags)
        self.model.flags = kept
        return dropped


def described(marker: Marker) -> Dict[str, Any]:
    """A marker as scripts get it."""
    return {
        "color": marker.color,
        "duration": marker.duration,
        "note": marker.note,
        "name": marker.name,
        "customData": marker.custom,
    }
