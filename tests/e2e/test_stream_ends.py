"""How live sessions end: each close code of the contract, and that nobody else notices."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.running import SAMPLES, RunningService, running_service, wait_until
from tests.streaming import encoded, frames_of, grey, streaming

IDLE_S = 2.0
SESSION_S = 5.0
MAX_FPS = 60
LETTER = SAMPLES / "letter_a_right_light.mp4"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose limits are reached soon."""
    limits = {
        "SIGN_STREAM_SLOTS": "3",
        "SIGN_STREAM_IDLE_S": str(IDLE_S),
        "SIGN_STREAM_SESSION_S": str(SESSION_S),
        "SIGN_STREAM_MAX_FPS": str(MAX_FPS),
        "SIGN_STREAM_FRAME_BYTES": "100000",
        "SIGN_STREAM_PIXELS": str(640 * 480),
    }
    with running_service(tmp_path_factory.mktemp("strict"), SIGN_SLOTS="1", **limits) as running:
        yield running


@pytest.fixture(autouse=True)
def _others_are_unharmed(strict: RunningService) -> Iterator[None]:
    """Beside whatever a test does, another session goes on; afterwards all slots are free again."""
    wait_until(lambda: strict.metric("sign_stream_sessions") == 0, 20, "a session of the test before still runs")
    with streaming(strict) as neighbor:
        neighbor.start()
        neighbor.frame(1, 0.0, grey())
        assert neighbor.answer_to(1)["hands"] == []
        yield


def test_who_sends_nothing_is_told_that_he_is_idle(strict: RunningService) -> None:
    with streaming(strict) as client:
        client.start()
        code, reason = client.closed()
    assert code == 4408
    assert "2 s" in reason
    assert client.of("summary")


def test_who_never_starts_is_idle(strict: RunningService) -> None:
    with streaming(strict) as client:
        assert client.closed()[0] == 4408


def test_a_session_that_lasts_too_long_ends_with_its_summary(strict: RunningService) -> None:
    with streaming(strict) as client:
        client.start()
        began = time.monotonic()
        for seq in range(200):
            time.sleep(0.1)  # a camera of ten frames a second
            client.frame(seq, seq * 0.2, grey())
            if not client.is_answered(seq):
                break
        assert client.closed()[0] == 4409
        assert SESSION_S - 0.5 < time.monotonic() - began < SESSION_S + 5
    assert client.of("summary")


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ('{"type": "start", "model": "no-such-model"}', 4404),
        ('{"type": "start", "model": "asl-letters", "version": 99}', 4404),
        ('{"type": "start", "model": "face-motion"}', 4422),
        ('{"type": "start", "windows_s": 1}', 4422),
        ('{"type": "start", "window_s": -1}', 4422),
        ('{"type": "start", "mirrored": "yes"}', 4422),
        ('{"type": "stop"}', 4422),
        ("{", 4422),
        ("[" * 5000, 4422),
        (b"\xff\xd8\xff", 4422),
    ],
)
def test_a_start_that_cannot_be_followed_is_refused(strict: RunningService, first: str | bytes, code: int) -> None:
    with streaming(strict) as client:
        client.socket.send(first)
        found, reason = client.closed()
    assert (found, len(reason) > 10) == (code, True)
    assert client.of("error")


@pytest.mark.parametrize("text", ["hello", "{}", '{"type": "start"}', '{"type": "frame"}', '{"type": "stop", "x": 1}'])
def test_text_that_does_not_belong_ends_the_session(strict: RunningService, text: str) -> None:
    with streaming(strict) as client:
        client.start()
        client.socket.send(text)
        assert client.closed()[0] == 1003


def test_the_third_broken_frame_in_a_row_ends_the_session(strict: RunningService) -> None:
    with streaming(strict) as client:
        client.start()
        client.socket.send(b"garbage")
        assert client.until("error")["code"] == "request-malformed"
        client.frame(1, 0.0, grey()[:200])
        assert client.until("error") == {
            "type": "error",
            "code": "media-corrupt",
            "detail": "The file begins as a jpeg picture, but cannot be decoded: it is damaged or cut off.",
            "seq": 1,
        }
        client.frame(2, 0.2, grey())
        client.answer_to(2)  # a good one begins the count anew
        for seq in (3, 4):
            client.frame(seq, 0.2 * seq, grey()[:200])
            client.until("error")
        client.socket.send(b"")
        code, reason = client.closed()
    assert code == 1007
    assert "broken frames in a row" in reason


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), -1.0, 1e12])
def test_a_time_that_cannot_be_is_a_broken_frame(strict: RunningService, time_s: float) -> None:
    with streaming(strict) as client:
        client.start()
        for seq in range(3):
            client.frame(seq, time_s, grey())
        assert client.closed()[0] == 1007


def test_a_clock_that_goes_back_is_broken_unless_reset_comes_first(strict: RunningService) -> None:
    with streaming(strict) as client:
        client.start()
        client.frame(1, 100.0, grey())
        client.answer_to(1)
        client.frame(2, 50.0, grey())
        assert "reset" in client.until("error")["detail"]
        client.say("reset")
        client.frame(3, 50.0, grey())
        client.answer_to(3)
        client.frame(4, 49.99, grey())
        client.frame(5, 50.1, grey())
        assert client.answer_to(5)["dropped"] == 1
        client.say("stop")
        summary = client.until("summary")
    assert (summary["frames"], summary["processed"], summary["dropped"], summary["broken"]) == (5, 3, 1, 1)


@pytest.mark.parametrize("size", [150_000, 1_000_000], ids=["beyond the limit", "far beyond"])
def test_a_frame_of_too_many_bytes_ends_the_session(strict: RunningService, size: int) -> None:
    with streaming(strict) as client:
        client.start()
        client.frame(1, 0.0, grey() + b"\x00" * size)
        assert client.closed()[0] == 1009


def test_a_frame_of_too_many_pixels_ends_the_session(strict: RunningService) -> None:
    with streaming(strict) as client:
        client.start()
        client.frame(1, 0.0, encoded(np.zeros((481, 640, 3), np.uint8)))
        code, reason = client.closed()
    assert code == 1009
    assert "307200" in reason


def test_who_writes_too_fast_is_cut_off(strict: RunningService) -> None:
    picture = grey()
    with streaming(strict) as client:
        client.start()
        for seq in range(4 * MAX_FPS):
            client.frame(seq, seq / 1000, picture)
        code, reason = client.closed()
    assert code == 1008
    assert "60" in reason


def test_a_process_that_is_killed_costs_its_sessions_and_is_replaced(strict: RunningService) -> None:
    with streaming(strict) as client:
        client.start()
        for pid in strict.workers():
            os.kill(pid, signal.SIGKILL)
        client.frame(1, 0.0, grey())
        assert client.closed()[0] == 1011
    with streaming(strict) as client:
        client.start()
        client.frame(1, 0.0, grey())
        client.answer_to(1)
    assert strict.metric('sign_slot_restarts_total{reason="died"}') >= 1


def test_sigterm_brings_the_summary_and_ends_the_process_within_its_grace(tmp_path: Path) -> None:
    frames = [encoded(pixels, "JPEG", quality=90) for _, pixels in frames_of(LETTER)[::2]]
    grace_s = 6.0
    with (
        running_service(tmp_path, SIGN_SLOTS="1", SIGN_STREAM_SLOTS="2", SIGN_GRACE_S=str(grace_s)) as service,
        streaming(service) as client,
        streaming(service) as silent,
    ):
        client.start()
        silent.start()
        for seq, picture in enumerate(frames):
            client.frame(seq, seq / 15, picture)
            client.answer_to(seq)
        with streaming(service) as mute:
            began = time.monotonic()
            service.process.send_signal(signal.SIGTERM)
            assert client.closed()[0] == silent.closed()[0] == mute.closed()[0] == 1012
        assert service.process.wait(grace_s + 2) is not None
        assert time.monotonic() - began < grace_s
    summary = client.of("summary")[0]
    assert summary["processed"] == len(frames)
    assert summary["transcript"] == "A"
    assert silent.of("summary")[0]["frames"] == 0
