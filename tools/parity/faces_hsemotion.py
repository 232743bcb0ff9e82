"""Runs in the environment of torch.sh, with Pillow 11 first on its path: HSEmotion's own steps.

python -m tools.parity.faces_hsemotion WORK: makes networks as HSEmotion's files hold them (real timm, pickled whole, a
head in a Sequential; random but well-scaled weights), and gives WORK/faces.npz to them as its HSEmotionRecognizer does:
torchvision's Resize, ToTensor and Normalize, the network without its head, and the head's weights by NumPy. Writes
WORK/models/*.pt and WORK/answers-hsemotion.npz: logits and measures, the features before the head, and under wrong/
what it would be with another resize, to show that the networks see the difference.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.parity.torch import torchvision_names  # noqa: F401 - must come before torchvision and timm

import numpy as np  # isort: skip
import PIL  # isort: skip
import timm  # isort: skip
import torch  # isort: skip
from PIL import Image  # isort: skip
from torch import nn  # isort: skip
from torchvision import transforms  # isort: skip

from convert.torch.synthetic_clips import synthesize_clips  # isort: skip
from convert.presets.networks import NETWORKS as NETWORKS_OF_OURS  # isort: skip
from convert.presets.networks import normalize_pixels  # isort: skip

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
NETWORKS = {
    "enet_b0_8_va_mtl": ("tf_efficientnet_b0", 10, 224, 3.0),
    "enet_b0_8_best_afew": ("tf_efficientnet_b0", 8, 224, 3.0),
    "enet_b2_7": ("tf_efficientnet_b2", 7, 260, 0.3),
}
"""Name → timm's name, outputs, pixels, and how far the answers spread: deeper random networks magnify rounding more."""


def prepared(side: int) -> transforms.Compose:
    """What HSEmotion does to a face's pixels."""
    steps = [transforms.Resize((side, side)), transforms.ToTensor(), transforms.Normalize(mean=MEAN, std=STD)]
    return transforms.Compose(steps)


def made(name: str, faces: list[np.ndarray]) -> nn.Module:
    """A network whose every layer matters for faces and for the gratings of the converter's proof."""
    architecture, classes, side, spread = NETWORKS[name]
    torch.manual_seed(len(name))
    network = timm.create_model(architecture, num_classes=classes)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.normal_(module.bias, 0.0, 0.2)
            module.momentum = None
    steps = prepared(side)
    batch = torch.stack([steps(Image.fromarray(face)) for face in faces])
    proof = np.concatenate(
        [synthesize_clips(count, 0, side, seed) for count, seed in ((len(faces), 7), (1, 1), (3, 3))]
    )
    striped = torch.from_numpy(normalize_pixels(proof, NETWORKS_OF_OURS[architecture]))
    with torch.no_grad():
        network.train()(torch.cat([batch, striped]))
        network.eval()
        of_faces, of_stripes = network(batch), network(striped)
        factor = spread / torch.cat([of_faces, of_stripes]).std(dim=0).mean()
        network.classifier.weight *= factor
        network.classifier.bias.copy_(-(of_faces - network.classifier.bias).mean(dim=0) * factor)
    network.classifier = nn.Sequential(network.classifier)
    return network


class Recognizer:
    """HSEmotion's way from a face to scores: the network gives features, NumPy does the last layer."""

    def __init__(self, file: Path, side: int) -> None:
        network = torch.load(file, map_location="cpu", weights_only=False)
        head = network.classifier[0] if isinstance(network.classifier, nn.Sequential) else network.classifier
        self.weights, self.bias = head.weight.detach().numpy(), head.bias.detach().numpy()
        network.classifier = nn.Identity()
        self.network = network.eval()
        self.steps = prepared(side)

    def features(self, face: Image.Image) -> np.ndarray:
        with torch.no_grad():
            given = self.network(self.steps(face).unsqueeze(0))
        return np.asarray(given.numpy()[0])

    def scores(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(features @ self.weights.T + self.bias)


def main() -> None:
    """Every face through every network."""
    work = Path(sys.argv[1])
    torch.set_num_threads(1)
    with np.load(work / "faces.npz") as stored:
        faces = {key: stored[key] for key in stored.files if not key.endswith("/boxes")}
    (work / "models").mkdir(exist_ok=True)
    answers: dict[str, Any] = {}
    for name, (_, _, side, _) in NETWORKS.items():
        file = work / "models" / f"{name}.pt"
        torch.save(made(name, list(faces.values())[:: max(1, len(faces) // 24)]), file)
        recognizer = Recognizer(file, side)
        for key, face in faces.items():
            features = recognizer.features(Image.fromarray(face))
            answers[f"features/{name}/{key}"] = features
            answers[f"{name}/{key}"] = recognizer.scores(features)
            coarse = Image.fromarray(face).resize((side, side), Image.Resampling.NEAREST)
            answers[f"wrong/{name}/{key}"] = recognizer.scores(recognizer.features(coarse))
    np.savez(work / "answers-hsemotion.npz", **answers)
    versions = {"torch": torch.__version__, "timm": timm.__version__, "torchvision": version("torchvision")}
    (work / "versions-hsemotion.json").write_text(json.dumps(versions | {"Pillow": PIL.__version__}), encoding="utf-8")
    print(f"{len(faces)} faces through {len(NETWORKS)} networks")


if __name__ == "__main__":
    main()
