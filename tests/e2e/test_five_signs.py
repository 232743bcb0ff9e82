"""A researcher's road: Keras files of a Korean keypoint LSTM are converted, served and asked in Korean."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT, running_service

LABELS = ["무한", "미국", "수학", "월세", "일요일"]
FILES = sorted((ROOT / "tests" / "data" / "keras").glob("five_signs_*.[hk][5e]*"))


def test_keras_2_and_3_files_of_the_five_sign_lstm_answer_a_real_video_in_korean(
    tmp_path: Path, testdata: Path
) -> None:
    assert [file.name for file in FILES] == [
        "five_signs_k2.h5", "five_signs_k2.keras", "five_signs_k3.h5", "five_signs_k3.keras",
    ]  # fmt: skip
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(LABELS), encoding="utf-8")
    store = tmp_path / "store"
    names = [file.name.replace("_", "-").replace(".", "-") for file in FILES]
    for file, name in zip(FILES, names, strict=True):
        command = [sys.executable, "-m", "convert", "keras", str(file), "--name", name, "--store", str(store)]
        subprocess.run(
            [*command, "--pipeline", "ksl-words", "--labels", str(labels), "--golden", str(file.with_suffix(".npz"))],
            cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
    video = testdata / "videos" / "avatar" / "words" / "computer.mp4"
    with running_service(tmp_path, SIGN_MODEL_STORE=str(store), SIGN_DEFAULT_MODEL=names[0], SIGN_SLOTS="1") as service:
        answers = [service.predict(video, model=name, return_probabilities=True).json() for name in names]
    for answer in answers:
        assert list(answer["probabilities"]) == LABELS
        assert sum(answer["probabilities"].values()) == pytest.approx(1.0, abs=1e-4)
        assert answer["predicted_class_name"] in LABELS
        assert answer["evidence"]["hand_frames"] > 0
    for one, other in (answers[:2], answers[2:]):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-5)
