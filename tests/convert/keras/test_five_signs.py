"""The 5-sign keypoint LSTM of real Keras 2 and 3, as .h5 and .keras (tools/parity/five_signs.py)."""

from pathlib import Path

import numpy as np
import pytest

from service.registry.manifest import read_manifest
from tests.convert.running import answer, read, session_of

FOLDER = Path(__file__).parents[2] / "data" / "keras"
SIGNS = ["무한", "미국", "수학", "월세", "일요일"]
FILES = ["five_signs_k2.h5", "five_signs_k2.keras", "five_signs_k3.h5", "five_signs_k3.keras"]


@pytest.mark.parametrize("name", FILES)
def test_all_four_files_say_what_keras_says(name: str) -> None:
    file = FOLDER / name
    session, kinds = session_of(read(file))
    with np.load(file.with_suffix(".npz")) as golden:
        got = session.run([golden["x0"].astype(np.float32)])[0]
        assert np.abs(got - golden["y0"]).max() <= 1e-5
    assert kinds.count("LSTM") == 2
    assert not {"Loop", "Scan"} & set(kinds)


@pytest.mark.parametrize("name", FILES[:1] + FILES[3:])
def test_they_are_published_with_their_preset_and_korean_labels(name: str, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(SIGNS), encoding="utf-8")
    golden = (FOLDER / name).with_suffix(".npz")
    report = answer(
        "keras", FOLDER / name, "--name", "five-signs", "--store", tmp_path / "store", "--pipeline", "ksl-words",
        "--labels", labels, "--golden", golden,
    )  # fmt: skip
    assert report["published"]["version"] == 1
    manifest = read_manifest(tmp_path / "store" / "five-signs" / "1" / "manifest.json")
    assert list(manifest.labels or ()) == SIGNS
    assert manifest.output.activation == "probabilities"
    assert manifest.time is not None
    assert manifest.time.whole_clip
    assert manifest.parity is not None
    assert manifest.parity.reference == "golden"
    assert manifest.parity.max_abs_diff <= 1e-5
    assert manifest.source is not None
    assert manifest.source.preset == "ksl-words"
    assert manifest.source.assumptions
