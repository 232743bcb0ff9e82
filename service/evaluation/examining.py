"""Examining: what a model gives for labeled clips, and what the service would answer to that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.analysis.clip import ClipRequest
from service.analysis.predict import candidates
from service.context import AppContext
from service.evaluation.data import LabeledClip
from service.registry.manifest import Manifest, Output
from service.registry.registry import ServedModel
from service.registry.scores import probabilities, votes
from service.track import FloatArray
from service.workers.deadline import Deadline

Indices = npt.NDArray[np.intp]
Doubles = npt.NDArray[np.float64]

NOTHING = -1
"""The answer for a clip that shows nothing which the model could judge."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A clip's true label and, for each window that might answer, the R × N numbers of the rows that vote for it."""

    truth: int
    windows: tuple[FloatArray, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the service says of K clips. Indices are of the model's labels.

    truth, top: K, the true and the most probable label, NOTHING where nothing was judged. confidence: K, of the most
    probable one. true_share: K, the true label's probability, 0 where nothing was judged. answered: K, whether it is
    said rather than declined.
    """

    truth: Indices
    top: Indices
    confidence: Doubles
    true_share: Doubles
    answered: npt.NDArray[np.bool_]
    is_sign: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.truth)


async def examine(
    clip: LabeledClip, truth: int, model: ServedModel, context: AppContext, *, mirrored: bool
) -> Examined:
    """Look at a clip as /predict does. Raises SignError and OSError."""
    with clip.medium(context.spool) as medium:
        scores = await candidates(
            ClipRequest(
                medium=medium,
                deadline=Deadline.after(context.settings.request_timeout_s),
                model=model,
                start_s=clip.start_s,
                duration_s=clip.duration_s,
                mirrored=mirrored,
            ),
            context,
        )
    return Examined(truth, tuple(entry.outputs for entry in scores if len(entry.outputs)))


def answers(examined: Sequence[Examined], manifest: Manifest, output: Output) -> Answers:
    """What the service would answer with this temperature and threshold: the vote of the surest window."""
    idle = np.array([label in manifest.idle_labels for label in manifest.labels or ()], bool)
    truth = np.array([one.truth for one in examined], np.intp)
    top = np.full(len(examined), NOTHING, np.intp)
    confidence, true_share = np.zeros(len(examined)), np.zeros(len(examined))
    shares = _window_shares(examined, output)
    start = 0
    for place, one in enumerate(examined):
        own = shares[start : start + len(one.windows)]
        start += len(one.windows)
        if not len(own):
            continue
        surest = own[int(np.argmax(own[:, ~idle].max(axis=1)))]
        top[place] = int(np.argmax(surest))
        confidence[place] = float(surest.max())
        true_share[place] = float(surest[one.truth])
    answered = (top != NOTHING) & (confidence >= output.threshold) & ~idle[top]
    return Answers(truth, top, confidence, true_share, answered, ~idle[truth])


def _window_shares(examined: Sequence[Examined], output: Output) -> FloatArray:
    """W × C probabilities of all windows of all clips, one after the other, by the vote that answers."""
    windows = [rows for one in examined for rows in one.windows]
    if not windows:
        return np.zeros((0, 1), np.float32)
    rows, lengths = np.concatenate(windows), [len(window) for window in windows]
    if len(rows) == len(windows):  # a row alone is its window's answer: all at once, as thousands of pictures are
        return probabilities(rows, output)
    return votes(rows, lengths, output)
