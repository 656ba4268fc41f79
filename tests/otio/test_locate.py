"""Where clips lie in media that has been probed: every reading of a source range, spelled out."""

from __future__ import annotations

from fractions import Fraction as F
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilver_client.errors import MediaUnreadable, RangeOutsideMedia
from resilver_otio.collect import collect
from resilver_otio.locate import locate, on_grid
from resilver_otio.times import snap, snap_rate
from resilver_otio.types import ClipRequest, Located
from support.edits import Cut, edit, movie

HOUR = F(3600)


def request(
    start: F | None = F(0),
    duration: F | None = F(1),
    available: F | None = None,
    frames: int | None = None,
    media_rate: F | None = None,
    speed: F = F(1),
    timeline: F = F(24),
    **more: object,
) -> ClipRequest:
    length = None if frames is None or media_rate is None else frames / media_rate
    fixed = ("0/0", "shot", "V1", "/film/a.mov")
    return ClipRequest(*fixed, start, duration, available, length, media_rate, timeline, F(0), speed, **more)  # type: ignore[arg-type]


class TestOrigin:
    def test_absolute(self) -> None:
        """3605 s on media from 3600 s: 5 s in."""
        assert locate(request(HOUR + 5, available=HOUR, frames=240, media_rate=F(24)), F(24), 240).start == 5

    def test_zero_based_though_the_media_has_a_timecode(self) -> None:
        assert locate(request(F(5), available=HOUR, frames=240, media_rate=F(24)), F(24), 240).start == 5

    def test_timecode_of_the_file_where_the_timeline_says_nothing(self) -> None:
        assert locate(request(HOUR + 5), F(24), 240, HOUR).start == 5
        assert locate(request(F(5)), F(24), 240, HOUR).start == 5

    def test_absolute_wins_where_both_fit(self) -> None:
        """Media from 2 s to 12 s, range 5 s to 6 s: absolute is 3 s in, 0-based would be 5 s in."""
        assert locate(request(F(5), available=F(2), frames=240, media_rate=F(24)), F(24), 240).start == 3

    def test_whole_media(self) -> None:
        place = locate(request(None, None), F(25), 100)
        assert (place.start, place.duration) == (0, 4)

    def test_frame_range_from_metadata(self) -> None:
        """Frames 24 to 48 played at 16 a second: from 1.5 s, for 1.5 s."""
        place = locate(_ranged(), F(24), 480)
        assert (place.start, place.duration, place.rate) == (F(3, 2), F(3, 2), 16)

    def test_outside_names_clip_and_both_ranges(self) -> None:
        with pytest.raises(RangeOutsideMedia) as caught:
            locate(request(F(9), F(2)), F(24), 240)
        assert caught.value.where == "shot (/film/a.mov)"
        assert "9.000 s to 11.000 s" in caught.value.what
        assert "0.000 s to 10.000 s (240 frames)" in caught.value.what

    def test_frame_range_outside(self) -> None:
        with pytest.raises(RangeOutsideMedia):
            locate(_ranged(), F(24), 40)

    def test_hosts_may_round_up_by_a_frame_and_no_more(self) -> None:
        """10 s of media; 241 timeline frames of 24 are 10.0417 s, 242 are 10.083 s."""
        assert locate(request(F(0), F(241, 24)), F(24), 240).duration == F(241, 24)
        with pytest.raises(RangeOutsideMedia):
            locate(request(F(0), F(242, 24)), F(24), 240)

    def test_empty_media(self) -> None:
        with pytest.raises(MediaUnreadable):
            locate(request(), F(24), 0)


def _ranged() -> ClipRequest:
    return ClipRequest(
        "0/0", "shot", "V1", "/film/a.mov", None, None, None, None, None, F(24), F(0), play_rate=F(16), frames=(24, 48)
    )


RATES = [F(24000, 1001), F(24), F(25), F(30000, 1001), F(60)]


class TestExactStart:
    """``metadata.resilver.start`` and ``duration``: what a host knows exactly comes through a file of floats."""

    @given(
        st.sampled_from(RATES),
        st.sampled_from([F(16), F(18), *RATES]),
        st.integers(0, 2000),
        st.integers(0, 3000),
        st.integers(1, 500),
        st.sampled_from([1, -1]),
    )
    def test_through_otio(self, scene: F, media: F, trim: int, cut: int, count: int, sign: int) -> None:
        """A conformed strip trimmed by ``trim`` media frames and ``cut`` frames of its scene."""
        start = trim / media + cut / scene
        asked = {"start": str(start), "duration": str(count / scene)}
        shown = edit(
            float(scene), [Cut(movie(Path("/film/a.mov")), (float(start * scene), count), speed=sign, resilver=asked)]
        )
        (clip,) = collect(str(otio.adapters.read_from_string(shown, "otio_json").to_json_string())).clips
        if sign < 0 and start + (1 - count) / scene < -1 / (2 * media):
            with pytest.raises(RangeOutsideMedia):
                locate(clip, media, 1_000_000)
            return
        assert locate(clip, media, 1_000_000) == Located(start, count / scene, F(sign), media)

    def test_before_the_source_range_and_whatever_the_timecode(self) -> None:
        asked = request(HOUR + 5, F(1), available=HOUR, frames=240, media_rate=F(24), exact_start=F(7, 1000))
        assert locate(asked, F(24), 240, HOUR).start == F(7, 1000)

    def test_what_is_shown_backwards(self) -> None:
        """From frame 60 on, 41 frames: the last one shown is frame 20, the dissolve before it lies above."""
        asked = request(None, F(41, 24), speed=F(-1), exact_start=F(60, 24), head=F(5, 24))
        place = locate(asked, F(24), 240)
        assert (place.start * 24, place.duration * 24) == (65, 46)

    def test_without_a_duration_to_the_end_of_the_media(self) -> None:
        assert locate(request(None, None, exact_start=F(1, 48)), F(24), 240).duration == 10 - F(1, 48)
        assert locate(request(None, None, exact_start=F(1, 48), speed=F(-1)), F(24), 240).duration == F(3, 48)

    def test_a_freeze(self) -> None:
        assert locate(request(None, F(2), exact_start=F(7, 24), speed=F(0)), F(24), 240) == Located(
            F(7, 24), F(2), F(0), F(24)
        )

    @pytest.mark.parametrize("start", [F(-1, 1000), F(10), F(9) + F(2, 24)])
    def test_outside(self, start: F) -> None:
        with pytest.raises(RangeOutsideMedia):
            locate(request(None, F(1), exact_start=start), F(24), 240)


class TestSpeed:
    @pytest.mark.parametrize(
        ("speed", "first", "last"),
        [
            (F(1), 20, 60),
            (F(2), 20, 100),
            (F(1, 2), 20, 40),
            (F(-1), 60, 20),
            (F(-2), 100, 20),
            (F(-1, 2), 40, 20),
            (F(0), 20, 20),
        ],
    )
    def test_frames_of_41_record_frames(self, speed: F, first: int, last: int) -> None:
        """From frame 20, 41 record frames at 24. Forwards the k-th shows 20 + k * speed, so the 41st 20 + 40 * speed;
        backwards the same frames in the opposite order (Resolve's reverse: 20 + 41 plays 60 down to 20)."""
        place = locate(request(F(20, 24), F(41, 24), speed=speed), F(24), 240)
        assert place.start * 24 == first
        assert (place.start + place.speed * F(40, 24)) * 24 == last

    def test_reverse_takes_its_dissolve_from_above(self) -> None:
        """Backwards, what comes before the first frame shown lies after it in the media."""
        place = locate(request(F(20, 24), F(41, 24), speed=F(-1), head=F(5, 24), tail=F(3, 24)), F(24), 240)
        assert (place.start * 24, place.duration * 24, place.head * 24, place.tail * 24) == (65, 49, 5, 3)

    def test_dissolve_beyond_the_media_is_left_out(self) -> None:
        place = locate(request(F(1, 24), F(1), head=F(5, 24), tail=F(5, 24)), F(24), 30)
        assert (place.head * 24, place.tail * 24, place.start * 24) == (0, 5, 1)

    def test_still(self) -> None:
        place = locate(request(F(86400), F(10)), F(24), 1)
        assert place == Located(F(0), F(10), F(0), F(24))


class TestPlayingRate:
    def test_reinterpreted_movie(self) -> None:
        """A file of 160 frames at 16 that the timeline counts as 160 at 24: the editor plays it faster."""
        place = locate(request(F(2), F(1), F(0), 160, F(24)), F(16), 160)
        assert (place.rate, place.start * place.rate) == (24, 48)

    def test_range_written_in_another_rate(self) -> None:
        """160 frames at 16 are 10 s; 240 at 24 are the same 10 s, so it is only another way to write it."""
        place = locate(request(F(2), F(1), F(0), 240, F(24)), F(16), 160)
        assert (place.rate, place.start * place.rate) == (16, 32)

    def test_sequence_takes_the_timelines(self) -> None:
        assert locate(request(F(1), F(1), F(0), 100, F(18), is_sequence=True), F(24), 100).rate == 18

    def test_asked_rate_wins(self) -> None:
        assert locate(request(F(1), F(1), F(0), 100, F(18), is_sequence=True, play_rate=F(20)), F(24), 100).rate == 20


class TestGrid:
    def test_neighbours_share_their_cut(self) -> None:
        """A cut at 7/24 s = 17.5 frames of 60: both sides meet at frame 18, the second starts 1/120 s in."""
        first = request(F(0), F(7, 24))
        second = ClipRequest(
            "0/1", "b", "V1", "/film/a.mov", F(0), F(7, 24), None, None, None, F(24), F(7, 24), grid_start=F(7, 24)
        )
        assert on_grid(first, locate(first, F(24), 100), F(60)) == (18, 0)
        assert on_grid(second, locate(second, F(24), 100), F(60)) == (17, F(1, 120))

    @given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.sampled_from([F(60), F(60000, 1001), F(50)]))
    def test_no_gaps(self, lengths: list[int], rate: F) -> None:
        total, counted = F(0), 0
        for length in lengths:
            clip = request(F(0), F(length, 24), grid_start=total)
            frames, offset = on_grid(clip, locate(clip, F(24), 100), rate)
            assert total + offset == counted / rate
            counted += frames
            total += F(length, 24)
        assert 0 <= counted / rate - total < 1 / rate


class TestNumbers:
    @pytest.mark.parametrize(
        ("written", "exact"),
        [
            (23.976, F(24000, 1001)), (23.98, F(24000, 1001)), (23.976024627685547, F(24000, 1001)),
            (29.97, F(30000, 1001)), (59.94, F(60000, 1001)), (59.94005994005994, F(60000, 1001)),
            (47.952, F(48000, 1001)), (24.0, F(24)), (25.0, F(25)), (16.0, F(16)), (18.0, F(18)),
            (12.5, F(25, 2)), (119.88, F(120000, 1001)), (24.000001, F(24)),
        ],
    )  # fmt: skip
    def test_rates(self, written: float, exact: F) -> None:
        assert snap_rate(written) == exact

    def test_snap(self) -> None:
        assert snap(F("0.24"), F(24)) == F("0.24")
        assert snap(F(20, 24) + F(1, 10**9), F(24)) == F(20, 24)
