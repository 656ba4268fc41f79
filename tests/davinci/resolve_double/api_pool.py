"""`MediaPool`."""

import os
from typing import Any, Dict, List, Optional

from . import appending, otio_in
from .handles import Api, Handle, method, number, record_of, records_of, text
from .model import Folder, Media, Timeline
from .unmodelled import MEDIA_POOL, unmodelled


@unmodelled(MEDIA_POOL)
class MediaPool(Api):
    """The media pool of the open project."""

    kind = "MediaPool"

    @method()
    def GetRootFolder(self) -> Any:
        return self.double.handle(self.double.project.folders[0])

    @method()
    def GetUniqueId(self) -> str:
        return "pool-" + self.double.project.id

    @method()
    def GetCurrentFolder(self) -> Any:
        return self.double.handle(self.double.folder())

    @method("bool")
    def SetCurrentFolder(self, folder: Any) -> bool:
        self.double.project.current_folder = record_of(folder, "Folder").id
        return True

    @method()
    def AddSubFolder(self, folder: Any, name: Any) -> Any:
        parent, folders = record_of(folder, "Folder"), self.double.project.folders
        if not text(name) or any(one.parent == parent.id and one.name == name for one in folders):
            return None
        made = Folder(self.double.new_id(), name, parent.id)
        folders.append(made)
        if self.double.faults.add_folder_makes_current:
            self.double.project.current_folder = made.id
        return self.double.handle(made)

    @method("bool")
    def DeleteFolders(self, subfolders: Any) -> bool:
        gone = records_of(subfolders, "Folder")
        project = self.double.project
        if project.folders[0] in gone:
            return False
        project.folders = [one for one in project.folders if one not in gone]
        self.double.drop_media([one for one in project.media if one.folder in [folder.id for folder in gone]])
        if project.current_folder in [folder.id for folder in gone]:
            project.current_folder = project.folders[0].id
        return True

    @method("list")
    def ImportMedia(self, items: Any) -> List[Any]:
        if not isinstance(items, list) or self.double.faults.take("first_import_empty"):
            return []
        found = [self.imported(item) for item in items]
        return [self.double.handle(media) for media in found if media is not None]

    def imported(self, item: object) -> Optional[Media]:
        """One path, or the description of one sequence."""
        if isinstance(item, str):
            return self.double.import_file(item)
        if not isinstance(item, dict) or "FilePath" not in item:
            return None
        if "StartIndex" not in item or "EndIndex" not in item:
            return self.double.import_file(text(item["FilePath"]))
        first, last = int(number(item["StartIndex"])), int(number(item["EndIndex"]))
        return self.double.import_sequence(text(item["FilePath"]), first, last)

    @method("list", since=(19,))
    def GetSelectedClips(self) -> List[Any]:
        selected = self.double.project.selected_media
        return [self.double.handle(media) for media in self.double.project.media if media.id in selected]

    @method("bool", since=(19,))
    def SetSelectedClip(self, mediaPoolItem: Any) -> bool:
        self.double.project.selected_media = [record_of(mediaPoolItem, "MediaPoolItem").id]
        return True

    @method("bool")
    def DeleteClips(self, clips: Any) -> bool:
        gone = records_of(clips, "MediaPoolItem")
        if any(media.timeline for media in gone):
            return False
        self.double.drop_media(gone)
        return True

    @method("bool")
    def MoveClips(self, clips: Any, targetFolder: Any) -> bool:
        target = record_of(targetFolder, "Folder")
        for media in records_of(clips, "MediaPoolItem"):
            media.folder = target.id
        return True

    @method()
    def CreateEmptyTimeline(self, name: Any) -> Any:
        timeline = self.double.make_timeline(text(name))
        return None if timeline is None else self.double.handle(timeline)

    @method()
    def CreateTimelineFromClips(self, name: Any, clip1: Any, *args: Any) -> Any:
        timeline = self.double.make_timeline(text(name))
        if timeline is None:
            return None
        wide = [dict(info, trackIndex=1) for info in clip_infos((clip1, *args))]
        appending.append(self.double, timeline, wide)
        return self.double.handle(timeline)

    @method("list")
    def AppendToTimeline(self, clip1: Any, *args: Any) -> List[Any]:
        timeline = self.double.project.timeline()
        return [] if timeline is None else appending.append(self.double, timeline, clip_infos((clip1, *args)))

    @method()
    def ImportTimelineFromFile(self, filePath: Any, importOptions: Any = None) -> Any:
        path = text(filePath)
        options: Dict[str, Any] = {} if importOptions is None else importOptions
        if not isinstance(options, dict) or not path.endswith(".otio") or not os.path.isfile(path):
            return None
        with open(path, encoding="utf-8") as stream:
            written = stream.read()
        name = options.get("timelineName") or os.path.splitext(os.path.basename(path))[0]
        timeline = otio_in.read(self.double, written, name, options.get("importSourceClips", True))
        return None if timeline is None else self.double.handle(timeline)

    @method("bool")
    def DeleteTimelines(self, timeline: Any) -> bool:
        gone: List[Timeline] = records_of(timeline, "Timeline")
        for one in gone:
            self.double.drop_timeline(one)
        return True


def clip_infos(arguments: Any) -> List[Dict[str, Any]]:
    """The clips of a call in one of its three forms: clips, a list of clips, a list of dicts."""
    given = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else list(arguments)
    return [
        one if isinstance(one, dict) else {"mediaPoolItem": one} for one in given if isinstance(one, (dict, Handle))
    ]
