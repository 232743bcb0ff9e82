"""A checkpoint that a real Lightning writes after a step of training, with all that people keep in theirs."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from tools.parity.torch.originals import CLIPS, original, shown  # isort: skip - brings torchvision's names

import pytorch_lightning as lightning  # isort: skip
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

from convert.draft import PublishOptions
from convert.parity import open_session
from convert.torch.architectures.settings import Flags
from convert.torch.convert import ExportOptions, convert_torch
from convert.torch.synthetic_clips import synthesize_clips
from service.registry.manifest import read_manifest

SIGNS = ("감사", "안녕", "나", "너", "우리")
"""The author's own order, which is no sorting."""
NETWORK = "efficient_x3d_xs"


class SignClassifier(lightning.LightningModule):
    """What a notebook of this field holds: a network with a new head, weighted loss, a metric with its state."""

    def __init__(self, model_name: str, learning_rate: float) -> None:  # noqa: ARG002 - hyper-parameters
        super().__init__()
        self.save_hyperparameters()
        self.model = original(NETWORK)
        self.model.projection.model = nn.Sequential(nn.Dropout(0.5), nn.Linear(2048, len(SIGNS)))
        self.criterion = nn.CrossEntropyLoss(weight=torch.linspace(0.5, 1.5, len(SIGNS)))
        self.accuracy = MulticlassAccuracy(len(SIGNS))
        self.accuracy.persistent(True)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _: int) -> torch.Tensor:
        clips, labels = batch
        scores = self.model(clips)
        self.accuracy(scores, labels)
        return self.criterion(scores, labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), self.hparams["learning_rate"])


class Clips(lightning.LightningDataModule):
    """A DataModule that keeps the labels and the clip among its hyper-parameters."""

    def __init__(self, class_names: list[str], num_frames: int, clip_duration: float) -> None:  # noqa: ARG002 - kept
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self) -> DataLoader[tuple[torch.Tensor, ...]]:
        clips = shown(2, *CLIPS[NETWORK], seed=4)
        return DataLoader(TensorDataset(clips, torch.tensor([1, 3])), batch_size=2)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SignClassifier]:
    folder = tmp_path_factory.mktemp("lightning")
    module = SignClassifier(NETWORK, 1e-4)
    trainer = lightning.Trainer(
        max_steps=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(module, datamodule=Clips(list(SIGNS), 4, 2.0))
    trainer.save_checkpoint(folder / "signs.ckpt")
    return folder / "signs.ckpt", module.eval()


def test_it_holds_what_this_test_is_about(trained: tuple[Path, SignClassifier]) -> None:
    stored = torch.load(trained[0], weights_only=False)
    assert {"criterion.weight", "accuracy.tp", "model.projection.model.1.weight"} <= set(stored["state_dict"])
    assert stored["datamodule_hyper_parameters"]["class_names"] == list(SIGNS)


def test_without_arch_and_labels_it_becomes_a_served_model(
    trained: tuple[Path, SignClassifier], tmp_path: Path
) -> None:
    file, module = trained
    report = convert_torch(file, PublishOptions(name="signs", store=tmp_path), Flags(), ExportOptions(layout="3d"))
    manifest = read_manifest(tmp_path / "signs" / "1" / "manifest.json")
    assert manifest.labels == SIGNS
    assert manifest.pipeline.kind == "clip"
    assert manifest.time is not None
    assert manifest.time.window_s == 2.0
    assert any("criterion.weight" in line and "accuracy" in line for line in report.lines)
    session = open_session((tmp_path / "signs" / "1" / "model.onnx").read_bytes(), 1)
    for batch in (1, 3):
        got = session.run(None, {"x": synthesize_clips(batch, *CLIPS[NETWORK], seed=batch)})[0]
        with torch.no_grad():
            wanted = copy.deepcopy(module.model)(shown(batch, *CLIPS[NETWORK], seed=batch)).numpy()
        assert np.abs(got - wanted).max() <= 1e-4
