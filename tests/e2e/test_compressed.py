"""Answers are compressed for those who ask for it; what is compressed already, and what must not wait, is not."""

from tests.running import SAMPLES, RunningService

GZIP = {"Accept-Encoding": "gzip"}


def test_the_page_its_files_and_answers_are_compressed_and_mean_the_same(service: RunningService) -> None:
    plain = service.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    packed = service.client.get("/openapi.json", headers=GZIP)
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert packed.json() == plain.json()
    assert service.client.get("/", headers=GZIP).headers["content-encoding"] == "gzip"
    asked = {"return_windows": "true", "stride": "0.02"}
    clip = (SAMPLES / "word_fly_right_tan.mp4").read_bytes()
    answer = service.client.post("/timeline", content=clip, params=asked, headers=GZIP)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["transcript"] == "FLY"


def test_a_long_problem_is_compressed_too(service: RunningService) -> None:
    problem = service.client.post("/predict", content=b"", params={"top_k": "x" * 2000}, headers=GZIP)
    assert problem.status_code == 422
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.headers.get("content-encoding") == ("gzip" if len(problem.content) >= 1000 else None)


def test_a_jobs_events_are_not_held_back_for_compression(service: RunningService) -> None:
    clip = (SAMPLES / "letter_a_right_light.mp4").read_bytes()
    job = service.client.post("/jobs/predict", content=clip, headers=GZIP).json()
    with service.client.stream("GET", f"/jobs/{job['id']}/events", headers=GZIP) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in events.headers
        assert "event: end" in "".join(events.iter_text())
    service.client.delete(f"/jobs/{job['id']}")
