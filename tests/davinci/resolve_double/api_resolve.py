"""`Resolve`, `ProjectManager`, `Project`, and what else the menu injects."""

from typing import Any, Dict, List

from .api_media import MediaStorage
from .api_pool import MediaPool
from .handles import Api, Handle, method, record_of, text
from .settings import ProjectSettings
from .unmodelled import PROJECT, PROJECT_MANAGER, RESOLVE, unmodelled

PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")


class Shortcuts(Api):
    """What 21.1 offers on `resolve` itself."""

    @method(since=(21, 1))
    def GetCurrentProject(self) -> Any:
        return self.double.project_handle()

    @method(since=(21, 1))
    def GetCurrentTimeline(self) -> Any:
        timeline = self.double.project.timeline() if self.double.has_project else None
        return None if timeline is None else self.double.handle(timeline)

    @method(since=(21, 1))
    def GetMediaPool(self) -> Any:
        return Handle(MediaPool(self.double)) if self.double.has_project else None

    @method("bool", since=(21, 1))
    def IsStudio(self) -> bool:
        return self.double.profile.studio


@unmodelled(RESOLVE)
class Resolve(Shortcuts):
    """The program."""

    kind = "Resolve"
    lasting = True

    @property
    def constants(self) -> Dict[str, Any]:
        """Enumerations, which live on the handle."""
        return dict(self.double.constants())

    @method()
    def Fusion(self) -> Any:
        return Handle(Fusion(self.double))

    @method()
    def GetMediaStorage(self) -> Any:
        return Handle(MediaStorage(self.double))

    @method()
    def GetProjectManager(self) -> Any:
        return Handle(ProjectManager(self.double))

    @method("bool")
    def OpenPage(self, pageName: Any) -> bool:
        if pageName not in PAGES + (("photo",) if self.has((21,)) else ()) or not self.double.has_project:
            return False
        self.double.page = pageName
        return True

    @method()
    def GetCurrentPage(self) -> Any:
        return self.double.page if self.double.has_project else None

    @method()
    def GetProductName(self) -> str:
        return self.double.profile.product

    @method("list")
    def GetVersion(self) -> List[Any]:
        return list(self.double.profile.version)

    @method()
    def GetVersionString(self) -> str:
        return self.double.profile.version_text


class App(Api):
    """`app` of the menu."""

    kind = "App"
    lasting = True

    @method()
    def GetResolve(self) -> Any:
        return self.double.resolve


class Fusion(Api):
    """`fusion`, `fu` and `bmd` of the menu: nothing that the plug-in needs."""

    kind = "Fusion"
    lasting = True

    @property
    def constants(self) -> Dict[str, Any]:
        """The kit for windows: None where the edition has none."""
        return {"UIManager": Handle(Fusion(self.double)) if self.double.profile.has_ui_manager else None}

    @method()
    def GetResolve(self) -> Any:
        return self.double.resolve


@unmodelled(PROJECT_MANAGER)
class ProjectManager(Api):
    """The project manager."""

    kind = "ProjectManager"
    lasting = True

    @method()
    def GetCurrentProject(self) -> Any:
        return self.double.project_handle()

    @method("list")
    def GetProjectListInCurrentFolder(self) -> List[str]:
        return sorted(self.double.saved)

    @method()
    def CreateProject(self, projectName: Any, mediaLocationPath: Any = None) -> Any:
        if not text(projectName) or projectName in self.double.saved:
            return None
        self.double.open_project(projectName)
        return self.double.project_handle()

    @method()
    def LoadProject(self, projectName: Any) -> Any:
        return self.double.project_handle() if self.double.load(text(projectName)) else None

    @method("bool")
    def SaveProject(self) -> bool:
        return self.double.save()

    @method("bool")
    def CloseProject(self, project: Any) -> bool:
        record_of(project, "Project")
        self.double.close_project()
        return True


@unmodelled(PROJECT)
class Project(ProjectSettings):
    """The open project."""

    kind = "Project"

    def present(self) -> bool:
        """Whether it is still open."""
        return self.double.has_project and self.double.project is self.model

    @method()
    def GetName(self) -> str:
        return str(self.model.name)

    @method()
    def GetUniqueId(self) -> str:
        return str(self.model.id)

    @method()
    def GetMediaPool(self) -> Any:
        return Handle(MediaPool(self.double))

    @method()
    def GetTimelineCount(self) -> int:
        return len(self.model.timelines)

    @method()
    def GetTimelineByIndex(self, idx: Any) -> Any:
        if isinstance(idx, bool) or not isinstance(idx, (int, float)) or not 1 <= idx <= len(self.model.timelines):
            return None
        return self.double.handle(self.model.timelines[int(idx) - 1])

    @method()
    def GetCurrentTimeline(self) -> Any:
        timeline = self.model.timeline()
        return None if timeline is None else self.double.handle(timeline)

    @method("bool")
    def SetCurrentTimeline(self, timeline: Any) -> bool:
        self.model.current_timeline = record_of(timeline, "Timeline").id
        return True
