"""Switches of the double: what goes wrong now, and what is not known of Resolve."""

from typing import Any, Dict


class Faults(object):
    """Everything is as measured and nothing fails until a switch is set.

    Counters ("the next n") go down as they are used up.
    """

    def __init__(self) -> None:
        # What goes wrong
        self.modal_open = False
        """A dialog is open: every call answers False until it is closed."""
        self.block_seconds = 0.0
        """The next call takes this long, as with a dialog that holds it up."""
        self.failing: Dict[str, int] = {}
        """"Timeline.AddTrack" -> the next n calls fail and do nothing; -1: all."""
        self.first_import_empty = False
        """The next `ImportMedia` answers [] and imports nothing."""
        self.wrong_import_fps = 0.0
        """Imported media is taken at this rate instead of its own; 0: no."""
        self.lose_on_save = 0
        """The next n items appended look fine and vanish when the project is saved (a chunk whose call errored)."""
        self.append_error = False
        """The next append answers [], yet its items lie there until the project is saved."""
        self.drop_appends = 0
        """The next n clips appended come back as null items and are not placed."""
        self.delete_misses = 0
        """The next n calls of `Timeline.DeleteClips` answer True and delete nothing."""
        self.save_fails = False
        """`SaveProject` answers False."""
        self.export_writes_nothing = False
        """`Timeline.Export` answers True and writes no file."""
        # What differs between versions, or between those who measured
        self.inclusive_end = False
        """`endFrame` counts the frame itself too."""
        self.append_off_by = 0
        """Frames that every appended item is longer than the rules say (a version that counts otherwise)."""
        self.no_media_selected_append_fails = False
        """Before 20.3.2: an append fails while no clip of the media pool is selected."""
        self.refused_as_none = False
        """A locked or missing track answers [None] instead of []."""
        self.missing_method_answers_none = False
        """Calling a method that does not exist answers None instead of raising TypeError."""
        self.source_start_off_by = 0
        """Frames by which `GetSourceStartFrame` is off."""
        self.rate_change_fails = False
        """`SetSetting("timelineFrameRate")` of an empty timeline answers True and changes nothing (open question 2)."""
        self.fps_set_answers_true = False
        """`SetClipProperty("FPS")` on a used clip answers True; it changes nothing either way."""
        # What nobody has published
        self.take_changes_duration = False
        """Selecting a take of another rate changes the item's duration (open question 1)."""
        self.take_keeps_speed = False
        """A take plays at the item's speed; else at 100 %, and the first take at the item's."""
        self.add_take_selects = False
        """`AddTake` selects the take it adds."""
        self.mark_out_exclusive = False
        """`GetMarkInOut` says the frame after the last as "out" (open question 3)."""
        self.selected_backwards = False
        """`GetSelectedClips` answers in the order of clicks, last first, not of the timeline (open question 6)."""
        self.selection_without_audio = False
        """`GetSelectedClips` leaves linked audio out."""
        self.track_names_renumber = False
        """Tracks that no one has named are called by their place when tracks come or go."""
        self.add_folder_makes_current = False
        """`AddSubFolder` makes the new folder the current one."""
        self.import_rate_of_project = False
        """OTIO import takes the project's rate, not that of `global_start_time` (open question 4)."""
        self.sequence_import_fails = False
        """OTIO import of image sequences fails on 19 and later as it does on 18 (open question 5)."""
        self.freeze_as_schema = False
        """OTIO export writes FreezeFrame.1 instead of a LinearTimeWarp of 0 (open question 8)."""
        self.compound_as_stack = False
        """OTIO export writes compound clips as a nested Stack instead of a missing reference (open question 9)."""
        self.short_rates = False
        """OTIO export writes 23.976 instead of 24000/1001 (open question 10)."""
        self.default_track_names = False
        """OTIO export writes "Video 1" whatever a track is called."""
        self.bare_audio_effects = False
        """OTIO export writes no effects on audio (as one real export does)."""

    def fail(self, method: str, times: int = 1) -> None:
        """Let the next calls of a method ("Timeline.AddTrack") fail; -1: all of them."""
        self.failing[method] = times

    def take(self, counter: str) -> bool:
        """Use up one of a counter or a switch that works once; whether there was one."""
        left = getattr(self, counter)
        setattr(self, counter, False if isinstance(left, bool) else max(0, left - 1))
        return bool(left)

    def take_failure(self, method: str) -> bool:
        """Whether this call of the method is to fail."""
        left = self.failing.get(method, 0)
        if left > 0:
            self.failing[method] = left - 1
        return left != 0

    def to_dict(self) -> Dict[str, Any]:
        """For JSON."""
        return dict(vars(self))

    def update(self, values: Dict[str, Any]) -> None:
        """Set several switches. Raises KeyError for one that does not exist."""
        for name, value in values.items():
            vars(self)[name]
            setattr(self, name, value)
