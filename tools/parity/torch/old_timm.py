"""Writes a whole EfficientNet as an old timm pickles it, with its answer: `python old_timm.py OUT.pt`.

That timm is first on PYTHONPATH; OUT.x.npy holds the pictures, OUT.y.npy gets the answer.
timm 0.4 imports a module that today's torch has dropped; it is given here under its old name.
"""

import collections.abc
import sys
import types
from pathlib import Path

import numpy as np
import torch

six = types.ModuleType("torch._six")
six.container_abcs = collections.abc  # type: ignore[attr-defined]
six.string_classes, six.int_classes = (str,), (int,)  # type: ignore[attr-defined]
sys.modules.setdefault("torch._six", six)
sys.path.insert(0, str(Path(__file__).resolve().parent))
import torchvision_names  # isort: skip  # noqa: E402, F401 - before timm
import timm  # isort: skip  # noqa: E402


def main() -> None:
    """Save the module and its answer to one picture beside it."""
    out = Path(sys.argv[1])
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_b0", num_classes=8)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.7, 1.3)
            torch.nn.init.normal_(module.bias, 0.0, 0.2)
            module.momentum = None
    picture = torch.from_numpy(np.load(out.with_suffix(".x.npy")))
    with torch.no_grad():
        network.train()(picture)
        network.eval()
        network.classifier.weight *= 3 / network(picture).std()
        answer = network(picture)
    network.classifier = torch.nn.Sequential(network.classifier)
    torch.save(network, out)
    np.save(out.with_suffix(".y.npy"), answer.numpy())
    print(timm.__version__)


if __name__ == "__main__":
    main()
