"""Converted heads behind POST /highlights: the tension is what the original says of the author's own arithmetic."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xgboost

from convert.graph.reference.evaluate import evaluate
from service.media.upright import Pixels
from service.spotting.tension import tension_windows
from tests.convert.heads_made import CHANNELS, SIDE, publish_affect
from tests.convert.keras.test_heads import lstm_head_with_a_mask
from tests.convert.running import command, read
from tests.convert.xgboost.made import rows_with_holes, saved
from tests.media_made import drawn_face, film
from tests.running import RunningService, running_service

STEPS, RATE = 12, 2.0
FACES = {
    "kind": "face_affect", "resize": {"w": SIDE, "h": SIDE, "library": "pillow"}, "layout": "nhwc", "scale": 1 / 255,
    "margin": 0.5, "sampling": {"rate": RATE},
}  # fmt: skip
Floats = npt.NDArray[np.float32]

pytestmark = pytest.mark.filterwarnings("ignore")  # what MediaPipe's imports and protobuf warn of is not ours


def forest() -> xgboost.Booster:
    """Learnt from statistics that lie where the film's do."""
    rows = np.nan_to_num(rows_with_holes(400)) * 0.2
    wanted = rows[:, 0] + rows[:, 15] > 0
    return xgboost.train({"objective": "binary:logistic", "max_depth": 4, "seed": 1}, xgboost.DMatrix(rows, wanted), 30)


@pytest.fixture(scope="module")
def booster() -> xgboost.Booster:
    return forest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("heads")


@pytest.fixture(scope="module")
def service(folder: Path, booster: xgboost.Booster) -> Iterator[RunningService]:
    store = folder / "store"
    publish_affect(store, pipeline=FACES)
    kept = Path(__file__).parents[1] / "data" / "torch" / "lstm_packed.pt"
    heads = {
        "forest": ("xgboost", saved(booster, folder / "head.ubj"), "--pipeline", "highlight-stats", "--window-s", "6"),
        "masked": ("keras", lstm_head_with_a_mask(folder / "head.h5", "bool")),
        "packed": ("torch", kept, "--readout", "hidden", "--masked", "--activation", "sigmoid",
                   "--golden", kept.with_suffix(".npz"), "--set", f"length.length={STEPS}"),
    }  # fmt: skip
    for name, arguments in heads.items():
        result = command(*arguments, "--name", name, "--store", store, "--requires", "affect")
        assert result.exit_code == 0, result.stderr
    with running_service(folder, SIGN_MODEL_STORE=str(store), SIGN_DEFAULT_MODEL="forest", SIGN_SLOTS="1") as running:
        yield running


def face_that_speaks(path: Path) -> Path:
    """Ten seconds: a face before a background that changes, and none from the seventh second on."""

    def paint(frame: int) -> Pixels:
        shade = int(40 + 180 * (0.5 + 0.5 * np.sin(frame / 4)))
        behind = np.full((240, 320, 3), (shade, 110, 255 - shade), np.uint8)
        return behind if frame >= 28 else drawn_face(mouth=frame % 8 * 2.0, on=behind)

    return film(path, paint, frames=40, rate=4)


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    return face_that_speaks(folder / "clip.mp4")


def asked(service: RunningService, clip: Path, model: str) -> dict[str, Any]:
    response = service.client.post(
        "/highlights", content=clip.read_bytes(), params={"model": model, "return_series": "true"}
    )
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def samples(service: RunningService, clip: Path) -> tuple[list[float], list[Floats | None]]:
    """(times, what the affect model said of each sample, None without a face)."""
    series = asked(service, clip, "affect")["series"]
    rows = [
        np.array([sample["values"][name] for name in CHANNELS], np.float32) if sample["values"] else None
        for sample in series
    ]
    return [sample["time"] for sample in series], rows


def windows_of(times: list[float], rows: list[Floats | None], seconds: float) -> Iterator[list[Floats | None]]:
    for window in tension_windows(times, seconds, RATE):
        yield [row for time_s, row in zip(times, rows, strict=True) if window.start_s <= time_s < window.end_s]


def test_a_forests_tension_is_xgboosts_of_the_windows_statistics(
    service: RunningService, clip: Path, booster: xgboost.Booster
) -> None:
    times, rows = samples(service, clip)
    body = asked(service, clip, "forest")
    seen = 0
    for point, window in zip(body["tension"], windows_of(times, rows, 6.0), strict=True):
        faces = [row for row in window if row is not None]
        if len(faces) < min(3, len(window)):
            assert point["value"] is None
            continue
        exact = np.stack(faces).astype(np.float64)
        row = np.concatenate([exact.mean(0), exact.std(0), exact.max(0), exact.min(0)]).astype(np.float32)[None]
        assert point["value"] == pytest.approx(float(booster.predict(xgboost.DMatrix(row))[0]), abs=1e-6)
        seen += 1
    values = [point["value"] for point in body["tension"] if point["value"] is not None]
    assert seen >= 12
    assert None in [point["value"] for point in body["tension"]]
    assert max(values) - min(values) > 0.05


def test_a_masked_heads_tension_is_its_own_of_the_padded_series(
    service: RunningService, clip: Path, folder: Path
) -> None:
    graph = read(folder / "head.h5")
    times, rows = samples(service, clip)
    body = asked(service, clip, "masked")
    compared = 0
    for point, window in zip(body["tension"], windows_of(times, rows, STEPS / RATE), strict=True):
        if point["value"] is None or window[0] is None:
            continue
        values, real = np.zeros((1, STEPS, 10), np.float32), np.zeros((1, STEPS), np.float32)
        held = window[0]
        for step, row in enumerate(window):
            held = held if row is None else row
            values[0, step], real[0, step] = held, 1
        assert point["value"] == pytest.approx(float(evaluate(graph, [values, real])[0][0, 0]), abs=1e-6)
        compared += 1
    assert compared >= 12


def test_a_pytorch_head_answers_where_faces_are(service: RunningService, clip: Path) -> None:
    body = asked(service, clip, "packed")
    values = [point["value"] for point in body["tension"]]
    assert values[0] is not None
    assert values[-1] is None
    assert all(value is None or 0 <= value <= 1 for value in values)
    assert body["evidence"]["face_samples"] == 14
