"""Testing: what a taught model answers to other takes, window by window as the service asks it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.teaching.examples import Example
from service.teaching.network import logits, softmax
from service.teaching.training import TaughtModel
from service.teaching.windows import surest_window, window_features
from service.track import FloatArray


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one take. sign: the most probable sign, "" where nothing is seen; answered: whether it is said
    rather than declined. confidence: its probability, beside the other signs and unknown."""

    example: Example
    sign: str
    confidence: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Tested:
    """Answers to takes of taught signs, and to takes of anything else, which should be declined."""

    known: tuple[Answer, ...]
    others: tuple[Answer, ...]

    @property
    def accuracy(self) -> float | None:
        """How many of the taught signs' takes are most probably what they are, whatever the threshold."""
        return _share([one.sign == one.example.label for one in self.known])

    @property
    def answered_rightly(self) -> float | None:
        """How many of them are answered with it."""
        return _share([one.answered and one.sign == one.example.label for one in self.known])

    @property
    def answered_falsely(self) -> float | None:
        """How many of the others are answered with a sign."""
        return _share([one.answered for one in self.others])


def measure_on(taught: TaughtModel, examples: Sequence[Example]) -> Tested:
    """What the model answers to these takes."""
    answers = [answer(taught, example) for example in examples]
    known = tuple(one for one in answers if one.example.label in taught.signs)
    return Tested(known, tuple(one for one in answers if one.example.label not in taught.signs))


def answer(taught: TaughtModel, example: Example) -> Answer:
    """The surest window's answer, as /predict gives it."""
    features = window_features(example.track, taught.window_s, has_body=taught.has_body)
    if len(features) == 0:
        return Answer(example, "", 0.0, answered=False)
    surest = surest_window(probabilities(taught, features))
    best = int(surest[:-1].argmax())
    confidence = float(surest[best])
    answered = confidence >= taught.fitted.threshold and confidence >= float(surest[-1])
    return Answer(example, taught.signs[best], confidence, answered)


def probabilities(taught: TaughtModel, features: FloatArray) -> FloatArray:
    """W × (signs and unknown), as the service makes them of the graph's answers."""
    answers = np.mean([np.log(np.maximum(softmax(logits(one, features)), 1e-30)) for one in taught.networks], axis=0)
    return softmax(answers / np.float32(taught.fitted.temperature))


def _share(right: Sequence[bool]) -> float | None:
    return float(np.mean(right)) if right else None
