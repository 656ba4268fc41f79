"""The edit's own sound on a new timeline. A piece that does not lie exactly is left out and named."""

from typing import TYPE_CHECKING, Dict, List, Optional, Sequence

from . import api, importing, laying, reading, tracks
from .laying import Piece
from .refused import Refused
from .requests import Sound
from .work import Work

if TYPE_CHECKING:
    from fusionscript import MediaPoolItem


class Sounds(object):
    """Pieces of sound on their way onto one timeline."""

    def __init__(self, wanted: Sequence[Sound], notes: List[str]) -> None:
        self._wanted = wanted
        self._notes = notes
        self._pieces: List[Piece] = []
        self._ids: List[str] = []

    def lay(self, work: Work) -> None:
        """Lay every piece; what cannot be laid is told and left out."""
        media: "Dict[str, Optional[MediaPoolItem]]" = {}
        for sound in sorted(self._wanted, key=lambda one: one.place):
            if sound.media not in media:
                media[sound.media] = importing.find_media(work.pool.GetRootFolder(), sound.media)
            found = media[sound.media]
            if found is None:
                self._left_out(sound.name, "it is no longer in the media pool")
            else:
                self._lay(work, sound, found)

    def _lay(self, work: Work, sound: Sound, media: "MediaPoolItem") -> None:
        piece = Piece(
            sound.name, api.AUDIO, media, sound.media, sound.place, sound.source_start, sound.source_end, None
        )
        try:
            tracks.up_to(work.timeline, api.AUDIO, sound.place.track)
            self._ids.append(self._laid(work, piece))
            self._pieces.append(piece)
        except Refused as refused:
            self._left_out(sound.name, refused.what)

    def _laid(self, work: Work, piece: Piece) -> str:
        """Its id. Whatever came of a piece that is refused is taken away. Raises Refused."""
        laid = laying.Laid(work, api.AUDIO, [piece])
        try:
            return laying.lay(work, piece, laid.known)
        except Refused:
            for remains in laid.take_away():
                self._notes.append("{} could not be removed again".format(remains))
            raise

    def settle(self, work: Work) -> None:
        """Look for them once the project is saved, and lay again, once, what has vanished."""
        missing = self._missing(work)
        for index in missing:
            try:
                self._ids[index] = self._laid(work, self._pieces[index])
            except Refused:
                continue
        if missing:
            reading.saved(work.resolve)
            for index in self._missing(work.fresh()):
                self._left_out(self._pieces[index].name, "it vanished when the project was saved")

    def _missing(self, work: Work) -> List[int]:
        found = laying.found(work.timeline, self._pieces, self._ids)
        return [index for index in range(len(self._pieces)) if index not in found]

    def _left_out(self, name: str, why: str) -> None:
        self._notes.append('the sound "{}" was left out: {}'.format(name, why))
