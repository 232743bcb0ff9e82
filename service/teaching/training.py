"""train: examples of signs → a model that can be published, with what is known of how good it is."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from service.teaching.advice import Advice, advise, look_alike
from service.teaching.augmentation import Take, Variety, make_take
from service.teaching.body import WIDTH
from service.teaching.examples import Example, ExampleError
from service.teaching.network import Schedule, Shape, Weights, initial_weights, logits, softmax, train_network
from service.teaching.validation import MOST_FOLDS, Figures, Fitted, Indices, LeftOut, fit, folds_of, measure
from service.teaching.views import Views, make_views
from service.teaching.windows import surest_window, window_features, window_of
from service.track import FloatArray

Phase = Literal["reading", "testing", "training", "finishing"]
Tell = Callable[[float], None]
OnProgress = Callable[[Phase, float], None]
"""Told the phase and how much of the whole is done, 0 to 1; what it raises ends the training: so it is cancelled."""

_SEED: Final = 20261201
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How a model is made. by_teacher: whether its figures are of one teacher left out after the other.

    networks: how many are trained and published together; schedule: of each of them. trial: of those that answer for
    takes that are left out. folds: how many of those at most where takes and not teachers are left out, 0 for none.
    """

    by_teacher: bool = False
    folds: int = MOST_FOLDS
    variety: Variety = field(default_factory=Variety)
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=300))
    trial: Schedule = field(default_factory=lambda: Schedule(steps=160))
    networks: int = 3
    seed: int = _SEED


@dataclass(frozen=True, slots=True)
class TaughtModel:
    """A model that was made of examples. signs: its labels, in order of first use; the last class is `unknown`.

    networks: their log-probabilities are averaged. has_body: whether signs are measured by the shoulders, else by the
    hands alone. window_s: how long a window of the medium is. digest: SHA-256 of the
    examples.
    """

    signs: tuple[str, ...]
    networks: tuple[Weights, ...]
    has_body: bool
    window_s: float
    fitted: Fitted
    figures: Figures
    advice: tuple[Advice, ...]
    takes: dict[str, int]
    teachers: tuple[str, ...]
    digest: str


def train(
    examples: Sequence[Example],
    options: TrainOptions | None = None,
    on_progress: OnProgress = lambda _phase, _share: None,
) -> TaughtModel:
    """Make a model of examples; pure, some seconds of one core. ExampleError where `advise` finds what blocks it."""
    options = options or TrainOptions()
    found = check(examples)
    on_progress("reading", 0.0)
    lesson = _Lesson.of(examples, options)
    left_out = _answers_of_left_out(lesson, options, _between(lambda share: on_progress("testing", share), 0.02, 0.5))
    fitted = fit(left_out)
    protocol = "one teacher left out after the other" if options.by_teacher else "one take of each sign left out"
    figures = measure(left_out, fitted, lesson.signs, protocol)
    everything = np.arange(len(lesson.takes))
    training = _between(lambda share: on_progress("training", share), 0.5, 0.98)
    networks = tuple(
        _train_on(lesson, everything, options, options.schedule, _nth(training, number, options.networks), number)
        for number in range(options.networks)
    )
    on_progress("finishing", 0.98)
    return TaughtModel(
        signs=lesson.signs,
        networks=networks,
        has_body=lesson.has_body,
        window_s=lesson.window_s,
        fitted=fitted,
        figures=figures,
        advice=(*found, *look_alike(figures.confusions)),
        takes={sign: int((lesson.truth == place).sum()) for place, sign in enumerate(lesson.signs)},
        teachers=tuple(sorted({one.teacher for one in examples if one.teacher and not one.is_nothing})),
        digest=_digest(examples),
    )


def check(examples: Sequence[Example]) -> tuple[Advice, ...]:
    """What would make a model of these examples better; ExampleError where none can be made of them."""
    found = advise(examples)
    if blocking := [advice.text for advice in found if advice.blocks]:
        raise ExampleError(" ".join(blocking))
    return found


@dataclass(frozen=True, slots=True)
class _Lesson:
    """Examples as they are learned from. truth: N, the sign of each take; windows: what the
    network is given for each, window by window."""

    signs: tuple[str, ...]
    takes: list[Take]
    truth: Indices
    teachers: list[str]
    views: Views
    has_body: bool
    window_s: float
    windows: list[FloatArray]

    @classmethod
    def of(cls, examples: Sequence[Example], options: TrainOptions) -> "_Lesson":
        shown = [one for one in examples if not one.is_nothing]
        signs = tuple(dict.fromkeys(one.label for one in shown))
        truth = np.array([signs.index(one.label) for one in shown], np.intp)
        takes = [make_take(one.track) for one in shown]
        nothings = [make_take(one.track) for one in examples if one.is_nothing]
        has_body = 2 * sum(take.has_body for take in takes) >= len(takes)
        if not has_body:
            takes, nothings = [take.hands_alone for take in takes], [take.hands_alone for take in nothings]
        views = make_views(takes, truth, nothings, options.variety, np.random.default_rng(options.seed))
        window_s = window_of(takes)
        windows = [window_features(one.track, window_s, has_body=has_body) for one in shown]
        return cls(signs, takes, truth, [one.teacher for one in shown], views, has_body, window_s, windows)


def _answers_of_left_out(lesson: _Lesson, options: TrainOptions, tell: Tell) -> LeftOut:
    """Each take, as a network that has not seen it answers; of one that its sign has no other of, none."""
    folds = folds_of(lesson.truth, lesson.teachers if options.by_teacher else None, options.folds)
    truth, answers = [np.zeros(0, np.intp)], [np.zeros((0, len(lesson.signs) + 1), np.float32)]

    for number, fold in enumerate(folds):
        kept = np.setdiff1d(np.arange(len(lesson.takes)), fold)
        if len(np.unique(lesson.truth[kept])) < len(lesson.signs):
            continue
        network = _train_on(lesson, kept, options, options.trial, _nth(tell, number, len(folds)))
        seen = fold[[len(lesson.windows[place]) > 0 for place in fold]]
        truth.append(lesson.truth[seen])
        answers += [_surest(network, lesson.windows[place]) for place in seen]
    return LeftOut(np.concatenate(truth), np.concatenate(answers))


def _surest(network: Weights, windows: FloatArray) -> FloatArray:
    """1 × classes: the log-probabilities of the window that answers."""
    return np.log(np.maximum(surest_window(softmax(logits(network, windows))), _TINY))[None]


def _train_on(
    lesson: _Lesson,
    places: Indices,
    options: TrainOptions,
    schedule: Schedule,
    tell: Tell,
    number: int = 0,
) -> Weights:
    """A network that has learned from these takes; number: which of several that begin from other weights."""
    rng = np.random.default_rng([options.seed, number])
    classes = len(lesson.signs) + 1
    weights = initial_weights(Shape(WIDTH, classes), rng)
    return train_network(weights, lesson.views.batches(places, classes, rng), schedule, rng, tell)


def _between(tell: Tell, start: float, end: float) -> Tell:
    """What a part of the work tells its share to, where all of it goes from start to end of the whole."""
    return lambda share: tell(start + (end - start) * share)


def _nth(tell: Tell, number: int, count: int) -> Tell:
    """The same of the n-th of so many equal parts."""
    return _between(tell, number / count, (number + 1) / count)


def _digest(examples: Sequence[Example]) -> str:
    digest = hashlib.sha256()
    for one in examples:
        digest.update(f"{one.label}\0{one.teacher}\0".encode())
        digest.update(np.ascontiguousarray(one.track.values, np.float32).tobytes())
    return digest.hexdigest()
