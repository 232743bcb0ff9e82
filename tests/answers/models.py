"""The models that a release is asked with: ours, small ones whose answers are simple sums, and converted files.

Each kind of pipeline and each task has at least one. The small ones are published as tests publish them; files are
converted by the release's own command line.
"""

import shutil
from pathlib import Path

import numpy as np

from service.pipelines.face_geometry import CHANNELS
from service.registry.store import Store
from tests.answers.commands import convert
from tests.answers.conversions import CONVERSIONS
from tests.answers.media import Media
from tests.convert.heads_made import publish_affect
from tests.convert.keras.test_heads import lstm_head_with_a_mask
from tests.convert.xgboost.made import saved
from tests.e2e.test_heads import FACES, forest
from tests.highlights_made import publish_measures, publish_planted_head, publish_statistics_head
from tests.pixel_models import AFFECT, COLORS, publish_clip_means, publish_clip_models, publish_emotions, publish_means
from tests.running import ROOT
from tests.service.registry.graphs import draft, linear

_EIGHT = {"w": 8, "h": 8, "method": "area", "library": "opencv"}
_IMAGE: dict[str, object] = {"kind": "image", "resize": _EIGHT, "scale": 1 / 25.5}
_HAND: dict[str, object] = {"kind": "hand_crop", "resize": _EIGHT, "scale": 1 / 25.5}
_CLIP: dict[str, object] = {"sampling": {"uniform": 4}, "side": 16, "crop": 16, "scale": 1 / 25.5}
_ORDER = ("first", "second", "third", "fourth")
_LABELS = {
    "five-signs": ["무한", "미국", "수학", "월세", "일요일"],
    "slr": list("ABCDEFGHIKLMNOPQRSTUVWXY"),
    "angles": ["come", "away", "spin"],
    "smnist": list("ABCDEFGHIJKLMNOPQRSTUVWXY"),
    "asl27": list("_ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "tm": list("xyz"),
    "fer": ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"],
    "moods": ["calm", "neutral", "tense"],
}


def make_models(folder: Path, tree: Path, testdata: Path) -> None:
    """All models, in `folder/store`; what is converted, by the tree's converter."""
    files, store = folder / "files", folder / "store.part"
    files.mkdir(parents=True)
    for name, labels in _LABELS.items():
        (files / f"{name}.txt").write_text("\n".join(labels))
    saved(forest(), files / "forest.ubj")
    lstm_head_with_a_mask(files / "masked.h5", "bool")
    shutil.copytree(ROOT / "model_store", store)
    _publish_pixels(store)
    _publish_faces(store)
    for name, arguments in CONVERSIONS.items():
        done = convert(tree, name, arguments, Media(folder, testdata), store)
        if done.returncode:
            raise RuntimeError(f"{name} cannot be converted: {done.stdout}{done.stderr}")
    store.rename(folder / "store")


def copy_models(folder: Path, store: Path) -> None:
    """A store of the models that were not converted, for conversions."""
    names = [path.name for path in (folder / "store").iterdir() if path.is_dir()]
    for name in names:
        if name not in CONVERSIONS:
            shutil.copytree(folder / "store" / name, store / name)


def _publish_pixels(store: Path) -> None:
    publish_means(store, "colors", _IMAGE, (8, 8, 3))
    publish_means(store, "counted", {**_IMAGE, "sampling": {"every": 3, "fps": 30}}, (8, 8, 3))
    publish_means(store, "hand", {**_IMAGE, "crop": "hand", "whole_up_to": 64}, (8, 8, 3))
    publish_means(store, "white", _HAND, (8, 8, 3))
    publish_means(store, "drawn", {**_HAND, "draw": "cvzone", "color": "bgr"}, (8, 8, 3))
    lying = {**_IMAGE, "resize": {"w": 2, "h": 2}, "orientation": "as_stored"}
    publish_means(store, "lying", lying, (2, 2, 3))
    publish_clip_models(store)
    publish_clip_means(store, "times", {**_CLIP, "scale": 1 / 25}, 2, _ORDER)
    publish_clip_means(store, "clips", _CLIP, 1, COLORS)
    publish_clip_means(store, "averaged", {**_CLIP, "clips": 3}, 1, COLORS)
    publish_clip_means(store, "many", {**_CLIP, "sampling": {"uniform": 300}}, 1, COLORS)


def _publish_faces(store: Path) -> None:
    publish_affect(store, pipeline=FACES)
    publish_emotions(store)
    publish_emotions(store, "everyone", faces="mean")
    publish_emotions(store, "small", whole_up_to=64, layout="nchw")
    publish_emotions(store, "features", features=True)
    publish_planted_head(store, "valence", 0.3)
    publish_measures(store)
    publish_statistics_head(store, "measures", CHANNELS, "mouth_opening", 0.08)
    publish_statistics_head(store, "emotions", AFFECT, "arousal", 0.01)
    blue = np.array([[0], [0], [1], [0], [0]], np.float32)
    for emotions in ("logits", "softmax"):
        fields = draft(
            f"head-{emotions}",
            labels=list(AFFECT),
            pipeline={"kind": "series", "statistics": ["mean"], "emotions": emotions},
            requires={"name": "emotions", "version": 1},
            inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", 5], "from": "track"}],
            output={"name": "y", "shape": ["batch", 5], "activation": "none"},
        )
        Store(store).publish(fields, {"model.onnx": linear(np.eye(5, dtype=np.float32))})
        fields |= {"name": f"tension-{emotions}", "task": "highlight", "labels": None}
        fields["output"] = {"name": "y", "shape": ["batch", 1], "activation": "none"}
        Store(store).publish(fields, {"model.onnx": linear(blue)})
