"""Answers of a model that nobody ran."""

from typing import Any

import numpy as np

from service.evaluation.examining import NOTHING, Answers
from service.registry.manifest import Manifest
from tests.service.registry.graphs import draft


def answers_of(truth: list[int], top: list[int], confidence: list[float], threshold: float = 0.0) -> Answers:
    """Answers without idle labels; top −1 is a clip that shows nothing."""
    taken, sure = np.array(top), np.array(confidence)
    right = taken == np.array(truth)
    return Answers(
        truth=np.array(truth),
        top=taken,
        confidence=sure,
        true_share=np.where(right, sure, (1 - sure) / 2),
        answered=(taken != NOTHING) & (sure >= threshold),
        is_sign=np.ones(len(truth), bool),
    )


def manifest_with(**changes: Any) -> Manifest:
    """A manifest of three labels, the last of which is idle."""
    fields = draft(
        "made",
        labels=["A", "B", "rest"],
        idle_labels=["rest"],
        output={"name": "y", "shape": ["batch", 3], "activation": "softmax", **changes},
    )
    files = {"model.onnx": {"sha256": "0" * 64, "bytes": 1}}
    return Manifest.model_validate({**fields, "version": 1, "files": files})
