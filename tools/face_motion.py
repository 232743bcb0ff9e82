"""The default highlight model `face-motion`: a formula, not a trained network, written as an ONNX graph.

    effort  = Σ rise · max(0, x) + fall · max(0, −x)      over the channels of `face_geometry`
    tension = 1 − exp(−effort)                            0 at rest, towards 1 the more a face moves

    python -m tools.face_motion [--store model_store]

Publishes it as the store's next version; where the newest is the same already, nothing happens.
"""

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from service.pipelines.face_geometry import CHANNELS, FaceGeometrySection
from service.registry.manifest import Manifest
from service.registry.store import Store

NAME: Final = "face-motion"
OPSET, IR_VERSION = 17, 9

# What moves the effort by 1: lengths in distances of the eyes' outer corners, head motion in these a second. Chosen by
# eye on films of faces, not fitted. A blink closes the eyes for no reason, so only eyes that open wider count.
RISES: Final = {
    "mouth_opening_deviation": 0.20,
    "smile_width_deviation": 0.12,
    "brow_raise_deviation": 0.06,
    "eye_opening_deviation": 0.06,
    "head_motion": 0.80,
}
FALLS: Final = {
    "mouth_opening_deviation": 0.20,
    "smile_width_deviation": 0.12,
    "brow_raise_deviation": 0.06,
}
THRESHOLD: Final = 0.4
TIME: Final = {"window_s": 2.0, "stride_s": 0.5, "min_duration_s": 1.0, "merge_gap_s": 1.0}

TITLE: Final = {"en": "How much a face moves", "ko": "얼굴 움직임의 크기"}
DESCRIPTION: Final = {
    "en": (
        "A heuristic on the visible movement of the face: no trained model, and no measure of the signer's feelings. "
        "It sees how far mouth, smile, brows and eyes are from their running median, and how fast the head moves, in "
        "distances of the eyes' outer corners (MediaPipe FaceMesh): tension = 1 - exp(-effort), effort = "
        "|mouth opening|/0.20 + |smile width|/0.12 + |brow raise|/0.06 + wider eyes/0.06 + head motion/0.80 a second. "
        "Speaking, laughing, nodding, turning away all count, and so does a cut to another face. In signing the face "
        "is grammar too (questions, negation, mouthings): high tension there is often nothing but language. Nobody's "
        "judgement of what is exciting was compared with it. Constants: tools/face_motion.py."
    ),
    "ko": (
        "눈에 보이는 얼굴 움직임을 재는 어림 규칙입니다. 학습한 모델도, 수어하는 사람의 감정을 재는 척도도 아닙니다. "
        "수어에서 얼굴은 문법이기도 합니다."
    ),
}


def weights() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """rise and fall: effort of a channel's unit above and below 0, in the order of CHANNELS."""
    rise = [1 / RISES[name] if name in RISES else 0.0 for name in CHANNELS]
    fall = [1 / FALLS[name] if name in FALLS else 0.0 for name in CHANNELS]
    return np.array(rise, np.float32), np.array(fall, np.float32)


def graph() -> bytes:
    """The formula: x (batch × CHANNELS) → tension (batch × 1)."""
    rise, fall = weights()
    nodes = [
        helper.make_node("Relu", ["x"], ["above"]),
        helper.make_node("Neg", ["x"], ["negative"]),
        helper.make_node("Relu", ["negative"], ["below"]),
        helper.make_node("Mul", ["above", "rise"], ["effort_of_rises"]),
        helper.make_node("Mul", ["below", "fall"], ["effort_of_falls"]),
        helper.make_node("Add", ["effort_of_rises", "effort_of_falls"], ["efforts"]),
        helper.make_node("ReduceSum", ["efforts", "channels"], ["effort"], keepdims=1),
        helper.make_node("Neg", ["effort"], ["exponent"]),
        helper.make_node("Exp", ["exponent"], ["calm"]),
        helper.make_node("Sub", ["one", "calm"], ["tension"]),
    ]
    stored = [
        numpy_helper.from_array(rise, "rise"),
        numpy_helper.from_array(fall, "fall"),
        numpy_helper.from_array(np.array([1], np.int64), "channels"),
        numpy_helper.from_array(np.array([1.0], np.float32), "one"),
    ]
    made = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", len(CHANNELS)])],
        [helper.make_tensor_value_info("tension", TensorProto.FLOAT, ["batch", 1])],
        stored,
        doc_string="tension = 1 - exp(-sum(rise * max(0, x) + fall * max(0, -x))); channels: " + ", ".join(CHANNELS),
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def formula(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same in NumPy, batch × 1."""
    rise, fall = (part.astype(np.float64) for part in weights())
    effort = (np.maximum(x, 0) * rise + np.maximum(-x.astype(np.float64), 0) * fall).sum(axis=1, keepdims=True)
    return np.asarray(1 - np.exp(-effort))


def parity(content: bytes) -> dict[str, object]:
    """How far the graph is from the formula on rows of plausible size."""
    x = np.random.default_rng(13).normal(0, 0.2, (64, len(CHANNELS))).astype(np.float32)
    outputs = ReferenceEvaluator(onnx.load_model_from_string(content)).run(None, {"x": x})
    assert isinstance(outputs, list)
    farthest = float(np.abs(outputs[0] - formula(x)).max())
    assert farthest <= 1e-6, farthest
    return {"reference": "numpy", "samples": len(x), "max_abs_diff": round(farthest, 9), "tolerance": 1e-6}


def fields(content: bytes) -> dict[str, object]:
    """The manifest without version and files."""
    return {
        "name": NAME,
        "title": TITLE,
        "description": DESCRIPTION,
        "task": "highlight",
        "pipeline": FaceGeometrySection().model_dump(mode="json"),
        "time": TIME,
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["batch", len(CHANNELS)], "from": "track"}],
        "output": {
            "name": "tension",
            "shape": ["batch", 1],
            "activation": "none",
            "threshold": THRESHOLD,
            "channels": ["tension"],
            "channel": "tension",
        },
        "parity": parity(content),
        "license": "MIT",
        "created": "2026-11-27T00:00:00Z",
    }


def newest(store: Store) -> Manifest | None:
    """The newest version in the store."""
    versions = [found.version for found in store.versions() if found.name == NAME]
    return store.read(NAME, max(versions)).manifest if versions else None


def main() -> None:
    """Publish the next version, unless the newest is the same."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("model_store"))
    store = Store(parser.parse_args().store)
    content = graph()
    known = newest(store)
    if known is not None:
        same = (
            Manifest.model_validate({"schema": 1, **fields(content), "version": known.version, "files": known.files})
            == known
            and content == (store.folder(NAME, known.version) / "model.onnx").read_bytes()
        )
        if same:
            print(f"{NAME} version {known.version} is the same already")
            return
    published = store.publish(fields(content), {"model.onnx": content})
    print(f"{NAME} version {published.version} is in {store.root}")


if __name__ == "__main__":
    main()
