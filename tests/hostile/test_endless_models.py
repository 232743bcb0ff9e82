"""A store with a graph that does not end: the service answers beside it, and ends when it is told to."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.registry.store import Store
from tests.running import ROOT, SAMPLES, RunningService, running_service, wait_until

FILES = Path(__file__).parent / "files"
GRACE_S = 10.0
LETTER = SAMPLES / "letter_a_right_light.mp4"


def _publish(store: Path, name: str, case: str) -> None:
    """The graph, put into the store by hand as a model of asl-letters' hands would be."""
    hands = [{"part": f"{side}_hand", "points": "all", "axes": ["x", "y", "z"]} for side in ("left", "right")]
    section = {
        "kind": "keypoints",
        "source": "hands",
        "layout": hands,
        "sampling": {"every": 1},
        "length": {"length": 20, "pad": "pre", "truncate": "pre"},
    }
    Store(store).publish(
        {
            "name": name,
            "title": name,
            "task": "sign",
            "labels": ["a", "b", "c"],
            "pipeline": section,
            "time": {"window_s": 0.667, "stride_s": 0.167},
            "inputs": [{"name": "x", "dtype": "float32", "shape": ["n", 20, 126], "from": "track"}],
            "output": {"name": "y", "shape": ["n", 3], "activation": "probabilities"},
            "license": "MIT",
            "created": "2026-12-01T00:00:00Z",
        },
        {"model.onnx": (FILES / case).read_bytes()},
    )


@pytest.fixture
def hostile_service(tmp_path: Path) -> Iterator[RunningService]:
    """asl-letters, and beside it a graph that does not end."""
    store = tmp_path / "store"
    shutil.copytree(ROOT / "model_store" / "asl-letters", store / "asl-letters")
    _publish(store, "loop-data", "loop_data.onnx")
    changes = {"SIGN_MODEL_STORE": str(store), "SIGN_SLOTS": "2", "SIGN_GRACE_S": str(GRACE_S)}
    with running_service(tmp_path, **changes) as service:
        yield service


@pytest.mark.timeout(360)
def test_other_models_answer_while_a_graph_does_not_end_and_it_is_given_up(hostile_service: RunningService) -> None:
    for seconds in range(3, 20):  # more each time: on a busy machine, reading the video takes some of it
        asked = {"model": "loop-data", "timeout_s": seconds}
        endless = threading.Thread(target=hostile_service.predict, args=(LETTER,), kwargs=asked)
        endless.start()
        assert hostile_service.predict(LETTER).json()["predicted_class_name"] == "A"
        endless.join()
        refused = hostile_service.predict(LETTER, model="loop-data", timeout_s=0.1)
        if "is refused" in refused.text:
            break
    assert refused.json()["code"] == "model-failed"
    assert hostile_service.predict(LETTER).status_code == 200


def test_sigterm_ends_the_service_within_its_grace_whatever_runs(hostile_service: RunningService) -> None:
    running = threading.Thread(target=_ask, args=(hostile_service,), daemon=True)
    running.start()
    seen = 'sign_stage_seconds_count{stage="observe"}'
    wait_until(lambda: hostile_service.metric(seen) >= 1, 90, "the video is not read")
    began = time.monotonic()
    hostile_service.stop(GRACE_S + 5)
    assert time.monotonic() - began < GRACE_S + 1


def _ask(service: RunningService) -> None:
    """A request that the end of the service cuts off."""
    try:
        service.predict(LETTER, model="loop-data")
    except httpx.HTTPError:
        return
