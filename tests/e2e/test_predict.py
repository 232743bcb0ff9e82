"""A stranger's road: a medium goes in by HTTP, an answer comes out."""

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.running import ROOT, SAMPLES, RunningService

LETTERS = sorted(SAMPLES.glob("letter_*.mp4"))
A = SAMPLES / "letter_a_right_light.mp4"


def test_the_readmes_first_curl_prints_the_true_letter(service: RunningService) -> None:
    curl = re.search(r"curl -s --data-binary @(\S+) \S+(/\S*)", (ROOT / "README.md").read_text())
    assert curl is not None
    sample = ROOT / curl[1]
    answer = service.client.post(curl[2], content=sample.read_bytes()).json()
    assert answer["predicted_class_name"] == json.loads(sample.with_suffix(".json").read_text())["label"]


def test_an_answer_has_the_shape_of_the_contract(service: RunningService) -> None:
    response = service.predict(A)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {
        "model", "predicted_class_idx", "predicted_class_name", "confidence", "declined", "start_time", "end_time",
        "clip_duration", "top", "evidence", "media", "warnings",
    }  # fmt: skip
    assert body["model"]["name"] == "asl-letters"
    assert len(body["top"]) == 5
    assert body["top"][0]["class_idx"] == body["predicted_class_idx"]
    assert [entry["confidence"] for entry in body["top"]] == sorted(
        (entry["confidence"] for entry in body["top"]), reverse=True
    )
    assert body["evidence"]["hand_frames"] > 0.9 * body["evidence"]["frames_sampled"] > 0
    assert body["evidence"]["handedness"] == "right"
    assert body["media"]["kind"] == "video"
    assert body["media"]["format"] == "mp4"
    assert {"upload", "queue", "decode", "observe", "tensor", "inference"} <= {
        part.partition(";")[0] for part in response.headers["server-timing"].split(", ")
    }


def test_a_form_and_a_raw_body_give_the_same_answer(service: RunningService) -> None:
    by_body = service.predict(A, return_probabilities=True).json()
    by_form = service.client.post(
        "/predict", files={"file": ("a.mp4", A.read_bytes())}, data={"return_probabilities": "true"}
    ).json()
    assert by_form == by_body
    assert len(by_body["probabilities"]) == 26 or "nothing" in " ".join(by_body["probabilities"])
    assert sum(by_body["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("clip", LETTERS, ids=lambda clip: clip.stem)
def test_each_sample_letter_is_read(service: RunningService, clip: Path) -> None:
    label = json.loads(clip.with_suffix(".json").read_text())["label"]
    assert service.predict(clip).json()["predicted_class_name"] == label


def test_a_threshold_that_nothing_reaches_declines_and_keeps_the_ranked_answers(service: RunningService) -> None:
    body = service.predict(A, threshold=1.0).json()
    assert body["declined"]
    assert body["predicted_class_name"] is None
    assert body["top"][0]["class_name"] == "A"


def test_a_part_of_the_video_is_answered_with_its_times(service: RunningService) -> None:
    body = service.predict(A, start_time=0.5, clip_duration=1.0).json()
    assert (body["start_time"], body["end_time"], body["clip_duration"]) == pytest.approx((0.5, 1.5, 1.0))


def test_the_schema_describes_the_options_and_the_answer(service: RunningService) -> None:
    schema = service.client.get("/openapi.json").json()
    operation = schema["paths"]["/predict"]["post"]
    assert {entry["name"] for entry in operation["parameters"]} >= {"model", "start_time", "mirrored", "timeout_s"}
    assert "multipart/form-data" in operation["requestBody"]["content"]
    assert "PredictBody" in json.dumps(operation["responses"]["200"])


def test_a_callers_sane_request_id_comes_back_and_another_is_replaced(service: RunningService) -> None:
    assert service.client.get("/healthz", headers={"X-Request-ID": "mine-1"}).headers["x-request-id"] == "mine-1"
    assert service.client.get("/healthz", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


def test_health_readiness_models_and_metrics_answer(service: RunningService) -> None:
    assert service.client.get("/healthz").json() == {"status": "alive"}
    assert service.client.get("/readyz").json() == {"ready": True, "missing": []}
    assert "asl-letters" in service.client.get("/models").text
    assert service.metric('sign_slots{state="idle"}') >= 1
    assert service.client.get("/docs").status_code == 200


def test_labels_of_metrics_stay_bounded_whatever_callers_ask_for(service: RunningService) -> None:
    for path in ("/nothing/here", "/models/none-such", "/%00"):
        service.client.get(path)
    service.client.request("BREW", "/predict")
    text = service.client.get("/metrics").text
    assert "none-such" not in text
    assert "BREW" not in text
    assert 'route="other"' in text


def test_two_answers_of_one_clip_are_equal(service: RunningService) -> None:
    def answer() -> httpx.Response:
        return service.predict(A, return_probabilities=True)

    assert answer().json() == answer().json()
