"""`python -m tools.train.spelling --out OUT`: trains the spelling network and writes what the converter needs."""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import onnx

from tools.train.features import SECTIONS
from tools.train.spelling.corpus import Taught, taught
from tools.train.spelling.export import as_onnx
from tools.train.spelling.movement import with_movement
from tools.train.spelling.network import PAST, STEPS, train
from tools.train.spelling.strings import CLASSES, RESTING, SIGNING, TRANSITION

NAME = "asl-spelling"
COUNT, CORPUS_SEED, NETWORK_SEED = 9000, 3000, 31
STORE = Path(__file__).parents[3] / "model_store"
RATE = 15


def details(letters: Path) -> dict[str, object]:
    """The manifest's fields that the graph does not tell."""
    stored = json.loads((letters / "manifest.json").read_text())
    return {
        "title": {"en": "American Sign Language fingerspelling over time", "ko": "미국 수어 지문자 철자"},
        "description": "Says which letter is spelled at each moment, from the 1.4 s before it and the half second "
        "after it, and where the hand signs words or rests. A hand that is carried is on its way.",
        "unit": "letter",
        "language": "ase",
        "idle_labels": [TRANSITION, SIGNING, RESTING],
        "time": {"window_s": STEPS / RATE, "stride_s": 1 / RATE, "answers_at_s": (PAST + 1) / RATE},
        "decoder": {
            "states": {TRANSITION: "spelling", SIGNING: "signing", RESTING: "resting"},
            "change_cost": 0.7,
            "lag_s": 0.2,
            "begins_as": {"J": ["I"], "Z": ["D"]},
        },
        "threshold": 0.55,
        "license": stored["license"],
        "attribution": stored["attribution"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train.spelling", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SIGN_TESTDATA", ".")) / "keypoints")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--left-out", nargs="*", default=(), help="persons of letters or words, to measure on")
    parser.add_argument("--letters", type=Path, default=STORE / "asl-letters" / "2", help="names still letters too")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    kept = asked.out / "spelling-corpus.npz"
    if not kept.exists():
        made = taught(asked.data, COUNT, CORPUS_SEED, tuple(asked.left_out))
        np.savez(kept, rows=made.rows, classes=made.classes, counts=made.counts)
    with np.load(kept, allow_pickle=False) as stored:
        network = train(Taught(stored["rows"], stored["classes"], stored["counts"]), asked.epochs, NETWORK_SEED)
    onnx.save(with_movement(as_onnx(network, onnx.load(asked.letters / "model.onnx"))), asked.out / f"{NAME}.onnx")
    section = SECTIONS["letters"].model_dump(mode="json") | {"length": {"length": STEPS, "in_time": True}}
    (asked.out / f"{NAME}.pipeline.json").write_text(json.dumps(section, indent=2) + "\n")
    (asked.out / f"{NAME}.labels.txt").write_text("\n".join(CLASSES) + "\n")
    told = json.dumps(details(asked.letters), indent=2, ensure_ascii=False)
    (asked.out / f"{NAME}.details.json").write_text(told + "\n")


if __name__ == "__main__":
    main()
