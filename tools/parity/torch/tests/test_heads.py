"""Heads converted from their state_dict beside the heads themselves. Run by `make parity-torch`."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convert.parity import Session
from convert.torch.checkpoint.checkpoint import read_checkpoint
from convert.torch.heads.convert import HeadFlags, open_head
from tools.parity.torch.heads import HEADS, answered, made

ALLOWED = 1e-5


def flags_of(words: tuple[str, ...]) -> HeadFlags:
    """The flags that the command line makes of these words."""
    said: dict[str, Any] = {word.removeprefix("--"): following for word, following in pairwise((*words, ""))}
    return HeadFlags(said.get("readout"), said.get("hidden"), said.get("padding"), "--masked" in words)


@pytest.mark.parametrize("name", list(HEADS))
def test_a_converted_head_answers_as_pytorch_does(name: str, tmp_path: Path) -> None:
    for seed in range(3):
        head = made(name, seed)
        torch.save(head.state_dict(), tmp_path / "head.pt")
        folder = tmp_path / f"out-{seed}"
        folder.mkdir()
        checkpoint = read_checkpoint(tmp_path / "head.pt", folder)
        model = open_head(tmp_path / "head.pt", checkpoint, flags_of(HEADS[name].flags))
        known = answered(head, seed + 10)
        inputs = [known[key] for key in ("x0", "x1") if key in known]
        got = Session(model.exported.model.SerializeToString()).run(inputs)[0]
        assert got.shape == known["y0"].shape
        assert float(np.abs(got - known["y0"]).max()) <= ALLOWED
