"""Live frames over a real WebSocket."""

import pytest

from tests.running import SAMPLES, RunningService
from tests.streaming import encoded, frames_of, streaming

FLY = SAMPLES / "word_fly_right_tan.mp4"


def test_a_spelled_sample_is_read_live_as_by_timeline(service: RunningService) -> None:
    file = service.client.post("/timeline", content=FLY.read_bytes()).json()
    with streaming(service) as client:
        ready = client.start()
        assert ready["model"] == {"name": "asl-letters", "version": 2}
        for seq, (time_s, pixels) in enumerate(frames_of(FLY)):
            client.frame(seq, time_s, encoded(pixels, compress_level=1))
            if seq % 2 == 0:
                client.answer_to(seq)
        client.say("stop")
        summary = client.until("summary")
        assert client.closed()[0] == 1000
    assert summary["transcript"] == file["transcript"] == "FLY"
    for live, filed in zip(summary["segments"], file["segments"], strict=True):
        assert (live["start_time"], live["end_time"]) == (filed["start_time"], filed["end_time"])
        assert live["confidence"] == pytest.approx(filed["confidence"], abs=1e-5)  # batches round differently
    assert [message["transcript"] for message in client.of("segment")] == ["F", "FL", "FLY"]
    assert (summary["frames"], summary["processed"], summary["skipped"]) == (102, 51, 51)


def test_an_unknown_model_is_refused_by_its_code(service: RunningService) -> None:
    with streaming(service) as client:
        client.say("start", model="no-such-model")
        code, reason = client.closed()
    assert code == 4404
    assert "no-such-model" in reason


def test_no_more_sessions_than_slots(service: RunningService) -> None:
    with streaming(service) as first, streaming(service) as second, streaming(service) as third:
        first.start()
        second.start()
        third.say("start")
        assert third.closed()[0] == 1013
        assert service.predict(SAMPLES / "letter_a_right_light.mp4").status_code == 200
