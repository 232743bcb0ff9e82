"""The default highlight model is what its tool makes, and says what its formula says."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipelines.face_geometry import CHANNELS
from service.registry.store import Store

ROOT = Path(__file__).parents[2]
STORED = ROOT / "model_store" / "face-motion" / "1"


def made_in(store: Path) -> str:
    command = [sys.executable, "-m", "tools.face_motion", "--store", str(store)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


def test_the_tool_makes_the_model_that_is_shipped_and_nothing_twice(tmp_path: Path) -> None:
    assert "version 1 is in" in made_in(tmp_path)
    made, shipped = (Store(root).read("face-motion", 1) for root in (tmp_path, ROOT / "model_store"))
    assert made.graph.read_bytes() == shipped.graph.read_bytes()
    assert made.manifest == shipped.manifest
    assert "is the same already" in made_in(tmp_path)


def test_it_says_that_it_is_a_heuristic_and_no_measure_of_feelings() -> None:
    manifest = Store(ROOT / "model_store").read("face-motion", 1).manifest
    assert manifest.task == "highlight"
    assert isinstance(manifest.description, dict)
    for word in ("heuristic", "no measure of the signer's feelings", "grammar"):
        assert word in manifest.description["en"]
    assert "문법" in manifest.description["ko"]


@pytest.fixture(scope="module")
def tension() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(STORED / "model.onnx"))


def given_by(session: onnxruntime.InferenceSession, **values: float) -> float:
    x = np.array([[values.get(name, 0.0) for name in CHANNELS]], np.float32)
    (answer,) = session.run(None, {"x": x})
    return float(answer[0, 0])


@given(
    mouth=st.floats(-1, 1),
    smile=st.floats(-1, 1),
    brows=st.floats(-1, 1),
    eyes=st.floats(-1, 1),
    head=st.floats(0, 5),
)
def test_the_graph_is_the_documented_formula(
    tension: onnxruntime.InferenceSession, mouth: float, smile: float, brows: float, eyes: float, head: float
) -> None:
    effort = abs(mouth) / 0.20 + abs(smile) / 0.12 + abs(brows) / 0.06 + max(0.0, eyes) / 0.06 + head / 0.80
    answer = given_by(
        tension,
        mouth_opening_deviation=mouth,
        smile_width_deviation=smile,
        brow_raise_deviation=brows,
        eye_opening_deviation=eyes,
        head_motion=head,
    )
    assert answer == pytest.approx(1 - np.exp(-effort), abs=1e-5)


def test_a_face_at_rest_has_no_tension_however_it_looks(tension: onnxruntime.InferenceSession) -> None:
    assert given_by(tension, mouth_opening=0.4, smile_width=0.7, brow_raise=0.4, eye_opening=0.1) == 0.0
    assert given_by(tension, eye_opening_deviation=-0.1) == 0.0  # a blink
