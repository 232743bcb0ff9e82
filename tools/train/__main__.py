"""Train the default models and measure them: `python -m tools.train evaluate|train letters|digits --data …`."""

import argparse
import json
import os
from pathlib import Path

import numpy as np

from . import folds
from .curve import write_curve
from .details import TIME, details
from .evaluate import Answers, calibrated, declined_share, fitted_temperature, risk_coverage, score
from .features import rows_of_sequences, write_section
from .letters import DIGITS, LETTERS
from .network import Model, Values
from .poses import made_shelf, nothing_hands
from .synthesis import NOTHING, Scenes
from .together import with_earlier

NOISY = "signn-pool"
LEAST_ANSWERED = 0.9
LEAST_DECLINED = 0.87
MADE_IDLE = "synthetic hands that sign nothing"
THRESHOLDS = np.round(np.arange(0.3, 0.91, 0.05), 2)
IDLE_SEED = 20_000


def main() -> None:
    arguments = _parsed()
    recipe = folds.RECIPES[arguments.kind]
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.command == "evaluate":
        evaluate(recipe, arguments.data, arguments.out)
    else:
        train(recipe, arguments.data, arguments.out)


def evaluate(recipe: folds.Recipe, data: Path, out: Path) -> None:
    """Train without each group of persons, calibrate on what they were not trained on, print and keep the figures."""
    raw, models = folds.left_out_answers(recipe, out, data)
    temperature = _temperature(raw, recipe)
    answers = Answers(calibrated(raw.probabilities, temperature), raw.labels, raw.persons, raw.sources, raw.kinds)
    idle = {name: calibrated(values, temperature) for name, values in _idle_answers(recipe, models, data).items()}
    threshold = _threshold(answers, recipe, idle[MADE_IDLE])
    print(f"temperature {temperature:g}, threshold {threshold:g}")
    _print_persons(answers, recipe, threshold)
    _print_strokes(answers, recipe, threshold)
    for name, values in idle.items():
        shares = ", ".join(f"{declined_share(values, least):.3f} at {least:g}" for least in (0.0, threshold))
        print(f"declined of {name}: {shares} ({len(values)} answers of {len(models)} networks)")
    if recipe.kind == "letters":
        curve = risk_coverage(_reliable(answers), recipe.labels)
    else:
        curve = risk_coverage(answers, recipe.labels)
    write_curve(out / f"asl-{recipe.kind}-risk-coverage.svg", curve, threshold, f"asl-{recipe.kind}")
    text = json.dumps(details(recipe.kind, answers, temperature, threshold, idle), indent=2, ensure_ascii=False)
    (out / f"asl-{recipe.kind}.details.json").write_text(text + "\n")


def train(recipe: folds.Recipe, data: Path, out: Path) -> None:
    """Train on everybody; write the network, its pipeline, its labels and its details for the converter."""
    name = f"asl-{recipe.kind}"
    model = folds.trained(recipe, recipe.corpus(out, data), out / f"{recipe.kind}-everybody.keras")
    if recipe.kind == "letters":
        model = with_earlier(model)
    model.save(out / f"{name}.keras")
    write_section(recipe.kind, out / f"{name}.pipeline.json")
    (out / f"{name}.labels.txt").write_text("\n".join((*recipe.labels, NOTHING)) + "\n")
    print(f"{name}: {model.count_params()} parameters, window {TIME['window_s']} s, in {out}")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.train", description=__doc__)
    parser.add_argument("command", choices=("evaluate", "train"))
    parser.add_argument("kind", choices=tuple(folds.RECIPES))
    parser.add_argument("--data", type=Path, default=_default_data(), help="folder with letters.npz and pictures.npz")
    parser.add_argument("--out", type=Path, required=True, help="folder for networks and figures")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("name the data: --data FOLDER, or SIGN_TESTDATA with a folder `keypoints`")
    return arguments


def _default_data() -> Path | None:
    root = os.environ.get("SIGN_TESTDATA")
    return Path(root) / "keypoints" if root else None


def _reliable(answers: Answers) -> Answers:
    """Held clips of all but the pool of unknown persons, whose labels and landmarks are noisy."""
    return answers.only((answers.persons != NOISY) & (answers.kinds == "held"))


def _temperature(raw: Answers, recipe: folds.Recipe) -> float:
    part = _reliable(raw)
    truth = np.array([recipe.labels.index(label) for label in part.labels])
    weights = np.zeros(len(truth))
    for key in set(zip(part.persons, part.labels, strict=True)):
        here = (part.persons == key[0]) & (part.labels == key[1])
        weights[here] = 1 / here.sum()
    return fitted_temperature(part.probabilities, truth, weights)


def _threshold(answers: Answers, recipe: folds.Recipe, made: Values) -> float:
    """The lowest threshold that declines enough synthetic hands that sign nothing; lower if too few signs are answered.

    Enough signs means for every recorded person, and for the photographed of one source together.
    """
    part = _reliable(answers)
    groups = [part.only(part.sources == source) for source in sorted(set(part.sources))]
    chosen = float(THRESHOLDS[0])
    for least in map(float, THRESHOLDS):
        if any(score(group, recipe.labels, least).answered < LEAST_ANSWERED for group in groups):
            break
        chosen = least
        if declined_share(made, least) >= LEAST_DECLINED:
            break
    return chosen


def _idle_answers(recipe: folds.Recipe, models: list[Model], data: Path) -> dict[str, Values]:
    rng = np.random.default_rng(IDLE_SEED)
    ways = LETTERS if recipe.kind == "letters" else DIGITS
    scenes = Scenes(recipe.labels, nothing_hands(ways, 1500, rng), rng)
    shelf = made_shelf(ways, 60, rng)
    made = rows_of_sequences(recipe.kind, [scenes.idle(shelf) for _ in range(1500)])
    if recipe.kind == "letters":
        return {
            MADE_IDLE: folds.answers_of_all(models, made),
            "windows of people signing words": folds.left_out_of_words(recipe, models, data),
        }
    return {
        MADE_IDLE: folds.answers_of_all(models, made),
        "single hands of people signing words": folds.left_out_of_hands(recipe, models, data),
    }


def _print_persons(answers: Answers, recipe: folds.Recipe, threshold: float) -> None:
    held = answers.only(answers.kinds == "held")
    groups = [
        (person, held.persons == person) for person in sorted(set(held.persons)) if not person.startswith("ankara")
    ]
    groups += [
        (f"all of {source}", held.sources == source) for source in ("aslhg", "ankara") if (held.sources == source).any()
    ]
    if {"maham", "glyph"} <= set(held.persons):
        groups.append(("maham + glyph", np.isin(held.persons, ("maham", "glyph"))))
    header = f"{'person':16} {'clips':>6} {'accuracy':>9} {'answered':>9} {'right':>7} {'of answers':>11}  below 0.9"
    print(f"{header}\n{'':16} {'':6} {'(no thr.)':>9} {'':9} {'':7} {'right':>11}")
    for name, chosen in groups:
        part = held.only(chosen)
        figures = score(part, recipe.labels, threshold)
        weak = " ".join(
            f"{label} {value:.2f}{_mostly(part, recipe, label)}"
            for label, value in figures.per_label.items()
            if value < 0.9
        )
        print(
            f"{name:16} {figures.clips:6d} {figures.accuracy:9.3f} {figures.answered:9.3f} "
            f"{figures.right_answered:7.3f} {figures.precision:11.3f}  {weak}"
        )
    if recipe.kind == "letters":
        for name, chosen in groups:
            best = np.array(recipe.labels)[held.probabilities[chosen, :26].argmax(axis=1)]
            still = ~np.isin(held.labels[chosen], ("J", "Z"))
            print(f"still letters called J or Z, {name}: {np.isin(best[still], ('J', 'Z')).mean():.4f}")


def _mostly(part: Answers, recipe: folds.Recipe, label: str) -> str:
    best = np.array(recipe.labels)[part.probabilities[part.labels == label][:, : len(recipe.labels)].argmax(axis=1)]
    wrong, counts = np.unique(best[best != label], return_counts=True)
    return f">{wrong[counts.argmax()]}" if len(wrong) else ""


def _print_strokes(answers: Answers, recipe: folds.Recipe, threshold: float) -> None:
    for kind in ("stroke", "other"):
        for person in sorted(set(answers.persons)):
            part = answers.only((answers.kinds == kind) & (answers.persons == person))
            if len(part.labels):
                rates = score(part, recipe.labels, threshold)
                print(f"J/Z {kind} {person}: {rates.per_label}, answered {rates.answered:.3f}, {rates.clips} clips")


if __name__ == "__main__":
    main()
