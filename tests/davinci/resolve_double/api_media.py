"""`MediaPoolItem`, `Folder` and `MediaStorage`."""

import re
from typing import Any, Dict, List

from .api_markers import Coloured, Marked
from .handles import Api, method, number, text
from .model import describe_rate
from .rates import exact, timecode_of
from .unmodelled import FOLDER, MEDIA_POOL_ITEM, MEDIA_STORAGE, unmodelled

KNOWN_METADATA = (
    "Description",
    "Comments",
    "Keywords",
    "Scene",
    "Shot",
    "Take",
    "Angle",
    "Move",
    "Camera #",
    "Roll/Card #",
)
WINDOWS_FORWARD = re.compile(r"[A-Za-z]:/")
"""On Windows, paths with forward slashes are not found here."""
SETTABLE = ("Super Scale", "Data Level", "Input Color Space", "PAR", "Alpha mode", "Clip Name", "Start TC")


@unmodelled(MEDIA_POOL_ITEM)
class MediaPoolItem(Coloured, Marked):
    """A clip of the media pool."""

    kind = "MediaPoolItem"

    def present(self) -> bool:
        """Whether the media pool still has it."""
        return self.double.project.media_of(self.model.id) is self.model

    @method()
    def GetName(self) -> str:
        return str(self.model.name)

    @method("bool", since=(20, 2))
    def SetName(self, name: Any) -> bool:
        self.model.name = text(name)
        return True

    @method()
    def GetUniqueId(self) -> str:
        return str(self.model.id)

    @method()
    def GetMediaId(self) -> str:
        return "media-" + str(self.model.id)

    @method()
    def GetClipProperty(self, propertyName: Any = None) -> Any:
        values = self.properties()
        return values if propertyName is None else values.get(propertyName, "")

    def properties(self) -> Dict[str, Any]:
        """All of them, each as text or number as this version writes it."""
        media, words = self.model, self.double.profile.numbers_as_text
        values = {
            "File Path": media.path,
            "File Name": "" if media.timeline else media.path.replace("\\", "/").rpartition("/")[2],
            "Clip Name": media.name,
            "FPS": describe_rate(media.rate, words),
            "Frames": str(media.frames) if words else media.frames,
            "Start": str(media.first_number or 0) if words else media.first_number or 0,
            "End": str((media.first_number or 0) + media.frames - 1),
            "Start TC": media.timecode(0),
            "End TC": media.timecode(media.frames),
            "Duration": timecode_of(media.frames, media.rate),
            "Resolution": "" if media.type == "Audio" else "{}x{}".format(media.width, media.height),
            "Type": media.type,
            "Video Codec": "",
            "PAR": "Square",
            "Reel Name": "",
            "Proxy": "None",
            "Proxy Media Path": "",
            "Online Status": "Online" if media.online else "Offline",
            "Usage": str(self.double.project.used(media)),
            "Super Scale": "1",
            "Data Level": "Auto",
            "Input Color Space": "",
        }
        values.update(media.properties)
        return values

    @method("bool")
    def SetClipProperty(self, propertyName: Any, propertyValue: Any) -> bool:
        if propertyName == "FPS":
            return self.set_rate(propertyValue)
        if propertyName == "Reel Name":
            return True
        if propertyName not in SETTABLE:
            return False
        self.model.properties[propertyName] = text(propertyValue)
        return True

    def set_rate(self, value: object) -> bool:
        """The rate of a clip that is in use stays."""
        try:
            rate = exact(text(value)) if text(value) else None
        except ValueError:
            return False
        if rate is None:
            return False
        if self.double.project.used(self.model):
            return bool(self.double.faults.fps_set_answers_true)
        self.model.rate = rate
        return True

    @method(since=(21, 0, 4))
    def GetTimeline(self) -> Any:
        found = [timeline for timeline in self.double.project.timelines if timeline.id == self.model.timeline]
        return self.double.handle(found[0]) if found else None

    @method("bool")
    def SetMetadata(self, metadataType: Any, metadataValue: Any = None) -> bool:
        given = metadataType if isinstance(metadataType, dict) else {metadataType: metadataValue}
        if not given or not set(given) <= set(KNOWN_METADATA):
            return False
        self.model.metadata.update({key: text(value) for key, value in given.items()})
        return True

    @method("dict")
    def GetMetadata(self, metadataType: Any = None) -> Any:
        return dict(self.model.metadata) if metadataType is None else self.model.metadata.get(metadataType, "")

    @method("bool", since=(19,))
    def SetThirdPartyMetadata(self, metadataType: Any, metadataValue: Any = None) -> bool:
        given = metadataType if isinstance(metadataType, dict) else {metadataType: metadataValue}
        self.model.third_party.update({text(key): text(value) for key, value in given.items()})
        return True

    @method("dict", since=(19,))
    def GetThirdPartyMetadata(self, metadataType: Any = None) -> Any:
        return dict(self.model.third_party) if metadataType is None else self.model.third_party.get(metadataType, "")

    @method("dict", since=(19, 1))
    def GetMarkInOut(self) -> Dict[str, Dict[str, int]]:
        return marks_of(self.model.mark_in, self.model.mark_out)

    @method("bool", since=(19, 1))
    def SetMarkInOut(self, mark_in: Any, mark_out: Any, type: Any = "all") -> bool:
        first, last = int(number(mark_in)), int(number(mark_out))
        if not 0 <= first <= last < self.model.frames:
            return False
        self.model.mark_in, self.model.mark_out = first, last
        return True

    @method("bool", since=(19, 1))
    def ClearMarkInOut(self, type: Any = "all") -> bool:
        self.model.mark_in = self.model.mark_out = None
        return True


def marks_of(first: Any, last: Any) -> Dict[str, Dict[str, int]]:
    """In and out as scripts get them: keys are missing where nothing is set."""
    marks = {key: value for key, value in (("in", first), ("out", last)) if value is not None}
    return {"video": dict(marks), "audio": dict(marks)} if marks else {}


@unmodelled(FOLDER)
class Folder(Api):
    """A bin."""

    kind = "Folder"

    def present(self) -> bool:
        """Whether the media pool still has it."""
        return self.model in self.double.project.folders

    @method("list")
    def GetClipList(self) -> List[Any]:
        return [self.double.handle(media) for media in self.double.project.media if media.folder == self.model.id]

    @method("list")
    def GetSubFolderList(self) -> List[Any]:
        folders = self.double.project.folders
        return [self.double.handle(folder) for folder in folders if folder.parent == self.model.id]

    @method()
    def GetName(self) -> str:
        return str(self.model.name)

    @method()
    def GetUniqueId(self) -> str:
        return str(self.model.id)


@unmodelled(MEDIA_STORAGE)
class MediaStorage(Api):
    """Folders of the machine."""

    kind = "MediaStorage"
    lasting = True

    @method("list")
    def AddItemListToMediaPool(self, item1: Any, *args: Any) -> List[Any]:
        paths = item1 if isinstance(item1, list) else [item1, *list(args)]
        if any(WINDOWS_FORWARD.match(text(path)) for path in paths):
            return []
        found = [self.double.import_file(path) for path in paths]
        return [self.double.handle(media) for media in found if media is not None]
