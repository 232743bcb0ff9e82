"""Who is left out together, and how networks are trained with and without them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import network
from .corpus import Corpus, kept_corpus, word_windows
from .data import DIGIT_LABELS, LETTER_LABELS, Clip, digit_clips, letter_clips, other_hands, word_hands
from .evaluate import Answers, answers_for, inputs_of
from .features import STEPS, rows_of_sequences, rows_of_stills
from .together import earlier_weights, with_earlier

LETTER_FOLDS = (
    (
        *("boris", "abdullah", "aslhg-P1", "aslhg-P2", "aslhg-P5", "aslhg-P6"),
        *("faseehakr", "traduttore-1", "traduttore-2"),
        *("avanishgarg", "akash", "ISmokeData", "fowl"),
    ),
    (
        *("maham", "glyph", "signn-pool", "aslhg-P3", "aslhg-P4", "aslhg-P7", "aslhg-P8"),
        *("Techyrushi", "traduttore-3"),
        *("electronicaddict", "ilker", "yunlisa96", "rab-session1", "rab-session2", "rab-session3"),
    ),
)
DIGIT_FOLDS = 2
NEWCOMERS = ("faseehakr", "Techyrushi", "traduttore-1", "traduttore-2", "traduttore-3")
WINDOWS_OF_WORDS = 400


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is trained: the labels, how many sequences a label of one person, how long, from which seed."""

    kind: str
    labels: tuple[str, ...]
    each: int
    epochs: int
    seed: int = 1

    def clips(self, folder: Path) -> list[Clip]:
        return letter_clips(folder) if self.kind == "letters" else digit_clips(folder)

    def measures(self, person: str) -> bool:
        """Whether no network that is asked was trained on this person: the letters' version 1 knows all but these."""
        return self.kind == "digits" or person in NEWCOMERS

    def corpus(self, out: Path, folder: Path) -> Corpus:
        corpus = kept_corpus(out / f"{self.kind}-corpus.npz", self.kind, folder, self.each, self.seed)
        return corpus.with_more_strokes(self.labels)

    def folds(self, folder: Path) -> tuple[tuple[str, ...], ...]:
        """Groups of persons who are left out together: stricter than one at a time."""
        if self.kind == "letters":
            return LETTER_FOLDS
        persons = sorted({clip.person for clip in self.clips(folder)}) + signing_words(folder)
        return tuple(tuple(persons[start::DIGIT_FOLDS]) for start in range(DIGIT_FOLDS))


RECIPES = {
    "letters": Recipe("letters", LETTER_LABELS, each=16, epochs=3),
    "digits": Recipe("digits", DIGIT_LABELS, each=30, epochs=10),
}


def trained(recipe: Recipe, corpus: Corpus, kept_at: Path) -> network.Model:
    """The network at this path; trained and written there where it is not there yet."""
    if not kept_at.exists():
        start = earlier_weights(corpus.values.shape[2]) if recipe.kind == "letters" else None
        taught = network.train(corpus.lesson, recipe.epochs, recipe.seed, start)
        model = network.as_keras(taught, corpus.values.shape[1])
        model.save(kept_at)
    return network.load(kept_at)


def left_out_answers(recipe: Recipe, out: Path, folder: Path) -> tuple[Answers, list[network.Model]]:
    """Every clip's answer by the network that has not seen its person, and these networks."""
    clips = recipe.clips(folder)
    corpus = recipe.corpus(out, folder)
    parts, models = [], []
    for number, persons in enumerate(recipe.folds(folder)):
        print(f"without {', '.join(persons[:5])}{' …' if len(persons) > 5 else ''}", flush=True)
        model = trained(recipe, corpus.without(persons), out / f"{recipe.kind}-fold{number}.keras")
        if recipe.kind == "letters":
            model = with_earlier(model)
        mine = [clip for clip in clips if clip.person in persons and recipe.measures(clip.person)]
        parts.append(answers_for(mine, network.probabilities(model, inputs_of(recipe.kind, mine))))
        models.append(model)
    return Answers.joined(parts), models


def left_out_of_words(recipe: Recipe, models: list[network.Model], folder: Path) -> network.Values:
    """Answers for windows of people who sign words, each by the network that has seen none of that person."""
    rng, parts = np.random.default_rng(recipe.seed), []
    for persons, model in zip(LETTER_FOLDS, models, strict=True):
        mine = [hand for hand in word_hands(folder) if hand.person in persons]
        windows = rows_of_sequences(recipe.kind, word_windows(mine, WINDOWS_OF_WORDS, rng))
        parts.append(network.probabilities(model, windows))
    return np.concatenate(parts)


def signing_words(folder: Path) -> list[str]:
    """Everybody who signs words or idles."""
    return sorted({hand.person for hand in word_hands(folder)})


def left_out_of_hands(recipe: Recipe, models: list[network.Model], folder: Path) -> network.Values:
    """Answers for single hands of people who sign words, each by the network that has seen none of that person."""
    hands, whose = other_hands(folder)
    parts = []
    for persons, model in zip(recipe.folds(folder), models, strict=True):
        rows = rows_of_stills(recipe.kind, hands[np.isin(whose, persons)])
        parts.append(network.probabilities(model, np.repeat(rows[:, None], STEPS, axis=1)))
    return np.concatenate(parts)


def answers_of_all(models: list[network.Model], hands: network.Values) -> network.Values:
    """The answers of all fold networks for the same inputs, one after the other."""
    return np.concatenate([network.probabilities(model, hands) for model in models])
