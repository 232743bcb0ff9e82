"""One clip is read alike by /timeline, as a job, and live."""

import statistics
from pathlib import Path

import numpy as np
import pytest

from service.media.upright import Pixels
from tests.bench.agreement import Agreement, agreement, labels, longest
from tests.media_made import drawn_hand
from tests.running import SAMPLES, RunningService
from tests.streaming import Message, as_png, encoded, frames_of, streamed, streaming

FLY = SAMPLES / "word_fly_right_tan.mp4"
CLIPS = [FLY, SAMPLES / "digit_3_left_tan.mp4"]
AVATAR = ["c", "l"]


def check(one: Agreement) -> None:
    for other in (one.job, one.png):
        assert labels(other) == labels(one.timeline)
        offsets_s = one.offsets_s(other)
        assert max(offsets_s) <= one.stride_s + 1e-6
        assert statistics.median(offsets_s) <= one.frame_s + 1e-6
    assert one.predicted in (longest(one.png), None)  # a word has no one label


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.stem)
def test_a_sample_is_read_alike(service: RunningService, clip: Path) -> None:
    check(agreement(service, clip, "asl-digits" if clip.stem.startswith("digit") else "asl-letters", lossy=False))


@pytest.mark.parametrize("letter", AVATAR)
def test_a_clip_of_a_person_is_read_alike(service: RunningService, testdata: Path, letter: str) -> None:
    check(agreement(service, testdata / "videos" / "avatar" / "letters" / f"{letter}.mp4", lossy=False))


def test_fifteen_and_sixty_frames_a_second_give_the_same_answer(service: RunningService) -> None:
    frames = frames_of(FLY)[::2]
    pictures = [encoded(pixels, compress_level=1) for _, pixels in frames]
    at_15 = [(index / 15, picture) for index, picture in enumerate(pictures)]
    at_60 = [(index / 15 + part / 60, picture) for index, picture in enumerate(pictures) for part in range(4)]
    slow, fast = streamed(service, at_15), streamed(service, at_60)
    assert fast["segments"] == slow["segments"]
    assert fast["processed"] == slow["processed"] == len(frames)
    assert (fast["skipped"], slow["skipped"]) == (3 * len(frames), 0)


def test_a_mirrored_camera_gives_the_same_answer_in_the_picture_as_it_was_sent(service: RunningService) -> None:
    plain = [pixels for _, pixels in frames_of(FLY)[:31]]

    def heard(pictures: list[Pixels], *, mirrored: bool) -> list[Message]:
        with streaming(service) as client:
            client.start(mirrored=mirrored)
            client.play(((index / 30, encoded(one, compress_level=1)) for index, one in enumerate(pictures)), 15)
            client.stop()
        return client.of("frame")

    ours = heard(plain, mirrored=False)
    theirs = heard([np.ascontiguousarray(one[:, ::-1]) for one in plain], mirrored=True)
    assert ours[-1]["prediction"] == theirs[-1]["prediction"]
    (hand,), (other, *_) = ours[-1]["hands"], theirs[-1]["hands"]
    assert hand["handedness"] == other["handedness"] == "right"
    left, top, width, height = other["box"]
    assert [1 - left - width, top, width, height] == pytest.approx(hand["box"], abs=1e-4)
    mirrored_back = [[1 - x, y, z] for x, y, z in other["landmarks"]]
    assert np.array(mirrored_back) == pytest.approx(np.array(hand["landmarks"]), abs=1e-4)


def test_a_letter_held_is_one_and_released_and_made_again_two(service: RunningService) -> None:
    """The clip of L stands still for two seconds, the hand is away for one, and it comes again."""
    shown = encoded(frames_of(SAMPLES / "letter_l_left_tan.mp4")[30][1], compress_level=1)
    empty = encoded(np.full((480, 640, 3), 110, np.uint8), compress_level=1)
    held, away = [shown] * 30, [empty] * 15
    film = [(index / 15, picture) for index, picture in enumerate([*held, *away, *held])]
    summary = streamed(service, film)
    assert summary["transcript"] == "LL"
    first, second = summary["segments"]
    assert first["end_time"] == pytest.approx(2.0, abs=0.2)
    assert second["start_time"] == pytest.approx(3.0, abs=0.2)


def test_flush_finishes_the_segment_and_reset_forgets(service: RunningService) -> None:
    film = as_png(SAMPLES / "letter_l_left_tan.mp4")[::2]
    with streaming(service) as client:
        client.start()
        client.play(((index / 15, picture) for index, (_, picture) in enumerate(film[:20])), 15)
        assert client.of("interim")[-1]["transcript"] == "L"
        assert not client.of("segment")
        client.say("flush")
        assert client.until("segment")["transcript"] == "L"
        client.say("reset")
        client.play(((index / 15, picture) for index, (_, picture) in enumerate(film[:20])), 15)
        summary = client.stop()
    assert summary["transcript"] == "L"
    assert len(summary["segments"]) == 1
    assert summary["processed"] == 40


def test_a_phone_that_is_turned_begins_anew(service: RunningService) -> None:
    upright = encoded(drawn_hand(240, 320), compress_level=1)
    lying = encoded(drawn_hand(320, 240), compress_level=1)
    film = [(index / 15, upright if index < 15 else lying) for index in range(30)]
    summary = streamed(service, film)
    assert summary["processed"] == 30
    assert all(
        segment["end_time"] <= 1.0 + 1e-6 or segment["start_time"] >= 1.0 - 1e-6 for segment in summary["segments"]
    )


def test_landmarks_are_left_out_where_nobody_asks_for_them(service: RunningService) -> None:
    with streaming(service) as client:
        client.start(landmarks=False)
        client.frame(1, 0.0, encoded(drawn_hand(), compress_level=1))
        (hand,) = client.answer_to(1)["hands"]
    assert set(hand) == {"handedness", "score", "box"}
