"""Methods that Resolve has and the double does not model.

They are in `dir()`, as in Resolve; calling one raises `Unmodelled` (or opens the dialog of the free edition), so that
nothing is guessed. A line is a method with its parameters, what it fails with, and the first version that has it,
"studio" where the free edition lacks it. Versions are those of Blackmagic's text, by `fusionscript-stubs`' history.
"""

import inspect
from typing import Any, Callable, Iterator, List, Tuple, Type, TypeVar

from .handles import ALWAYS, Api, Entry, Unmodelled

ApiClass = TypeVar("ApiClass", bound=Type[Api])

RESOLVE = """
LoadLayoutPreset(presetName) bool
UpdateLayoutPreset(presetName) bool
ExportLayoutPreset(presetName, presetFilePath) bool
DeleteLayoutPreset(presetName) bool
SaveLayoutPreset(presetName) bool
ImportLayoutPreset(presetFilePath, presetName) bool
Quit() none
ImportRenderPreset(presetPath) bool
ExportRenderPreset(presetName, exportPath) bool
ImportBurnInPreset(presetPath) bool
ExportBurnInPreset(presetName, exportPath) bool
GetKeyframeMode() none 19
SetKeyframeMode(keyframeMode) bool 19
GetFairlightPresets() list 21
DisableBackgroundTasksForCurrentResolveSession() none 21
"""

PROJECT_MANAGER = """
ArchiveProject(projectName, filePath, isArchiveSrcMedia, isArchiveRenderCache, isArchiveProxyMedia) bool
DeleteProject(projectName) bool
CreateFolder(folderName) bool
DeleteFolder(folderName) bool
GetProjectsInCurrentFolder() dict
GetFolderListInCurrentFolder() list
GetFoldersInCurrentFolder() dict
GotoRootFolder() bool
GotoParentFolder() bool
GetCurrentFolder() none
OpenFolder(folderName) bool
ImportProject(filePath, projectName) bool
ExportProject(projectName, filePath, withStillsAndLUTs) bool
RestoreProject(filePath, projectName) bool
GetCurrentDatabase() none
GetDatabaseList() list
SetCurrentDatabase(dbInfo) bool
CreateCloudProject(cloudSettings) none
LoadCloudProject(cloudSettings) none 19.1
ImportCloudProject(filePath, cloudSettings) bool
RestoreCloudProject(folderPath, cloudSettings) bool
"""

PROJECT = """
GetGallery() none
SetName(projectName) bool
GetPresetList() list
GetPresets() dict
SetPreset(presetName) bool
AddRenderJob() none
DeleteRenderJob(jobId) bool
DeleteRenderJobByIndex(idx) bool
DeleteAllRenderJobs() bool
GetRenderJobList() list
GetRenderJobs() dict
GetRenderPresetList() list
GetRenderPresets() dict
StartRendering(idxs) bool
StopRendering() none
IsRenderingInProgress() bool
LoadRenderPreset(presetName) bool
SaveAsNewRenderPreset(presetName) bool
DeleteRenderPreset(presetName) bool 19.1
SetRenderSettings(settings) bool
GetRenderJobStatus(idx) none
GetQuickExportRenderPresets() list 19.1
RenderWithQuickExport(preset_name, param_dict) none 19.1
GetRenderFormats() dict
GetRenderCodecs(renderFormat) dict
GetCurrentRenderFormatAndCodec() none
SetCurrentRenderFormatAndCodec(format, codec) bool
GetCurrentRenderMode() none
SetCurrentRenderMode(renderMode) bool
GetRenderResolutions(format, codec) list
RefreshLUTList() bool
InsertAudioToCurrentTrackAtPlayhead(mediaPath, startOffsetInSamples, durationInSamples) bool
LoadBurnInPreset(presetName) bool
ExportCurrentFrameAsStill(filePath) bool
GetColorGroupsList() list 19
AddColorGroup(groupName) none 19
DeleteColorGroup(colorGroup) bool 19
ApplyFairlightPresetToCurrentTimeline(name) bool 21
ResetIntellisearchAnalysis() bool 21 studio
GenerateSpeech(speechGenerationSettings, timecode) none 21 studio
"""

MEDIA_STORAGE = """
GetMountedVolumeList() list
GetMountedVolumes() dict
GetSubFolderList(folderPath) list
GetSubFolders(folderPath) dict
GetFileList(folderPath) list
GetFiles(folderPath) dict
RevealInStorage(path) bool
AddItemsToMediaPool(items) dict
AddClipMattesToMediaPool(mediaPoolItem, paths, stereoEye) bool
AddTimelineMattesToMediaPool(paths) list
"""

MEDIA_POOL = """
RefreshFolders() bool
ImportFolderFromFile(filePath, sourceClipsPath) bool
MoveFolders(folders, targetFolder) bool
GetClipMatteList(mediaPoolItem) list
GetTimelineMatteList(folder) list
DeleteClipMattes(mediaPoolItem, paths) bool
RelinkClips(mediaPoolItem, folderPath) bool
UnlinkClips(mediaPoolItem) bool
ExportMetadata(fileName, clips) bool
CreateStereoClip(LeftMediaPoolItem, RightMediaPoolItem) none studio
AutoSyncAudio(MediaPoolItems, audioSyncSettings) bool 19.1
"""

FOLDER = """
GetClips() dict
GetSubFolders() dict
GetIsFolderStale() bool
Export(filePath) bool
TranscribeAudio(useSpeakerDetection) bool studio
ClearTranscription() bool studio
PerformAudioClassification() bool 21 studio
ClearAudioClassification() bool 21 studio
RemoveMotionBlur(deblurOption) list 21 studio
AnalyzeForIntellisearch(identifyFaces, isBetterMode) bool 21 studio
AnalyzeForSlate(markerColor) bool 21 studio
"""

MEDIA_POOL_ITEM = """
GetFlags() dict
LinkProxyMedia(proxyMediaFilePath) bool
LinkFullResolutionMedia(fullResMediaPath) bool 20
UnlinkProxyMedia() bool
ReplaceClip(filePath) bool
ReplaceClipPreserveSubClip(filePath) bool 20
TranscribeAudio(useSpeakerDetection) bool studio
ClearTranscription() bool studio
PerformAudioClassification() bool 21 studio
ClearAudioClassification() bool 21 studio
GetAudioMapping() none 19
MonitorGrowingFile() bool 20
RemoveMotionBlur(deblurOption) none 21 studio
AnalyzeForIntellisearch(identifyFaces, isBetterMode) bool 21 studio
AnalyzeForSlate(markerColor) bool 21 studio
"""

TIMELINE = """
GetItemsInTrack(trackType, index) dict
GetCurrentClipThumbnailImage() none
CreateCompoundClip(timelineItems, clipInfo) none
CreateFusionClip(timelineItems) none
ImportIntoTimeline(filePath, importOptions) bool
InsertGeneratorIntoTimeline(generatorName) none
InsertFusionGeneratorIntoTimeline(generatorName) none
InsertFusionCompositionIntoTimeline() none
InsertOFXGeneratorIntoTimeline(generatorName) none
InsertTitleIntoTimeline(titleName) none
InsertFusionTitleIntoTimeline(titleName) none
GrabStill() none
GrabAllStills(stillFrameSource) list
CreateSubtitlesFromAudio(autoCaptionSettings) bool studio
DetectSceneCuts() bool studio
ConvertTimelineToStereo() bool studio
GetNodeGraph() none 19
AnalyzeDolbyVision(timelineItems, analysisType) bool 19 studio
GetVoiceIsolationState(trackIndex) none 20
SetVoiceIsolationState(trackIndex, voiceIsolationState) bool 20 studio
"""

TIMELINE_ITEM = """
GetFusionCompCount() none
GetFusionCompByIndex(compIndex) none
GetFusionCompNameList() list
GetFusionCompNames() dict
GetFusionCompByName(compName) none
GetFlags() dict
AddFusionComp() none
ImportFusionComp(path) none
ExportFusionComp(path, compIndex) bool
DeleteFusionCompByName(compName) bool
LoadFusionCompByName(compName) none
RenameFusionCompByName(oldName, newName) bool
AddVersion(versionName, versionType) bool
GetCurrentVersion() dict
DeleteVersionByName(versionName, versionType) bool
LoadVersionByName(versionName, versionType) bool
RenameVersionByName(oldName, newName, versionType) bool
GetVersionNameList(versionType) list
GetVersionNames(versionType) dict
GetStereoConvergenceValues() dict studio
GetStereoLeftFloatingWindowParams() dict studio
GetStereoRightFloatingWindowParams() dict studio
GetNumNodes() none
SetLUT(nodeIndex, lutPath) bool
GetLUT(nodeIndex) none
SetCDL(cdlMap) bool
CopyGrades(tgtTimelineItems) bool
UpdateSidecar() bool
LoadBurnInPreset(presetName) bool
GetNodeLabel(nodeIndex) none
CreateMagicMask(mode) bool studio
RegenerateMagicMask() bool studio
Stabilize() bool
SmartReframe() bool studio
GetNodeGraph(layerIdx) none 19
GetColorGroup() none 19
AssignToColorGroup(colorGroup) bool 19
RemoveFromColorGroup() bool 19
ExportLUT(exportType, path) bool 19
GetSourceAudioChannelMapping() none 19
GetIsColorOutputCacheEnabled() none 19.1
GetIsFusionOutputCacheEnabled() none 19.1
SetColorOutputCache(cache_value) bool 19.1
SetFusionOutputCache(cache_value) bool 19.1
GetVoiceIsolationState() none 20
SetVoiceIsolationState(voiceIsolationState) bool 20 studio
ResetAllNodeColors() bool 21
SetSpeed(speed) bool 21.1
GetFades() dict 21.1
SetFades(fades) bool 21.1
GetProperties() dict 21.1
SetProperties(properties) bool 21.1
AddTransition(transition) bool 21.1
"""


def rows(table: str) -> Iterator[Tuple[str, Entry]]:
    """Name and entry of every line of a table."""
    for line in table.split("\n"):
        if line:
            head, _, rest = line.partition(") ")
            name, _, parameters = head.partition("(")
            returns, *marks = rest.split()
            versions = [tuple(int(part) for part in mark.split(".")) for mark in marks if mark != "studio"]
            function = refusing(name, [part for part in parameters.split(", ") if part])
            yield name, Entry(function, returns, (versions or [ALWAYS])[0], None, "studio" in marks)


def refusing(name: str, parameters: List[str]) -> Callable[..., Any]:
    """A function of that signature that says it is not modelled."""

    def refuse(*_: Any) -> Any:
        raise Unmodelled("the double does not model " + name)

    kinds = inspect.Parameter
    taken = [kinds("self", kinds.POSITIONAL_OR_KEYWORD)]
    for parameter in parameters:
        star = parameter.startswith("*")
        kind, default = (kinds.VAR_POSITIONAL, kinds.empty) if star else (kinds.POSITIONAL_OR_KEYWORD, None)
        taken.append(kinds(parameter.lstrip("*"), kind, default=default))
    vars(refuse).update(__signature__=inspect.Signature(taken), unmodelled=True)
    return refuse


def unmodelled(table: str) -> Callable[[ApiClass], ApiClass]:
    """Give a class the methods of a table."""

    def widen(cls: ApiClass) -> ApiClass:
        for name, entry in rows(table):
            if hasattr(cls, name):
                raise AssertionError("modelled all the same: " + name)
            vars(entry.function)["entry"] = entry
            setattr(cls, name, entry.function)
        return cls

    return widen
