"""What the manifest says of a model besides its pipeline: for the converter's --details."""

from typing import Any

import numpy as np

from .data import DIGIT_LABELS, LETTER_LABELS
from .evaluate import Answers, declined_share, score
from .synthesis import NOTHING

TIME = {"window_s": 0.8, "stride_s": 0.2, "min_duration_s": 0.2, "merge_gap_s": 0.15, "whole_clip": True}
LOW = 0.9
# so few clips are left out of the figures: photographs read as if they moved
FEWEST = 5

_MIT_LETTERS = (
    "Hand landmarks: borisgraudt/asl-ai, (c) 2024 Boris Graudt, MIT",
    "Hand landmarks: Mahamfatima17/Sign_languange_detector, (c) 2026 Mahamfatima17, MIT",
    "Hand landmarks: Flexcrit/Glyph-Real-Time-Sign-Language-Translator, (c) 2026 Sameer Abrar, MIT",
    "Hand landmarks: Abdullah-Khan9653/sign-language-detector-python, (c) 2023 Computer vision developer, MIT",
    (
        "Hand landmarks: AriAlavi/SigNN (A. Alavi, V. Barseghyan, R. Trinidad, G. Deep, K. Yip, J. Kirchner, D. Lohn, "
        "C. O'Brien), Apache-2.0; repacked (float16, cut, filtered)"
    ),
)
_ASLHG = "Landmarks made from photographs of ASL-HG (Pranto et al., DOI 10.1016/j.dib.2026.112492), CC BY 4.0; changed"
_ANKARA = (
    "Landmarks made from photographs of ardamavi/Sign-Language-Digits-Dataset (Z. Dikle, A. Mavi and pupils of Ankara "
    "Ayranci Anadolu High School, arXiv:2011.08927), Apache-2.0; changed"
)
_MORE_LETTERS = (
    "Hand landmarks: faseehakr/Sign-Language-Detection-Model-Using-OpenCV, (c) 2025 faseehakr, MIT",
    "Hand landmarks: Techyrushi/Sign_To_Text_Conversion, (c) 2023 Rushikesh Chavan, MIT",
    "Hand landmarks: traduttore/traduttore-model, letters and words, (c) 2022 traduttore, MIT",
)
_WORDS = (
    "Hand landmarks of words: akashcodes23/Realtime-Sign-LanguageDetection, (c) 2025 Akash G Patil, MIT",
    "Hand landmarks of words: IlkerDEMIR-s/SignLanguageDetectionFromWebcam, (c) 2023 İlker DEMİR, MIT",
    "Hand landmarks of words: FowlDeadPool/sign-sentence-net, (c) 2025 fowldeadpool, MIT",
    "Hand landmarks of words: electronicaddict/Jupyter, (c) 2024 Ryan Luke Karan Lobo, MIT",
    "Hand landmarks of words: avanishgarg/Code, MIT by its README",
    "Hand landmarks of words: ISmokeData/SignLanguageDetectionUsingMediapipe, MIT by its README",
    "Hand landmarks of words: rabBit64/Sign-language-recognition-with-RNN-and-Mediapipe, Apache-2.0; changed",
    "Hand landmarks of words: yunlisa96/hand-sign-recognition, Apache-2.0; changed",
)
SOURCES = {"letters": (*_MIT_LETTERS, *_MORE_LETTERS, *_WORDS, _ASLHG), "digits": (_ASLHG, _ANKARA)}
TITLES = {
    "letters": {"en": "American Sign Language fingerspelling, 26 letters", "ko": "미국 수어 지문자 26자"},
    "digits": {"en": "American Sign Language digits, 0 to 9", "ko": "미국 수어 숫자 0–9"},
}


def evaluation_entries(answers: Answers, names: tuple[str, ...], threshold: float) -> list[dict[str, Any]]:
    """One entry a recorded person, one for the photographed persons of each source; answers are calibrated."""
    entries = []
    for dataset in sorted(set(answers.sources)):
        mine = answers.only(answers.sources == dataset)
        for kind, what in (("held", "held"), ("stroke", "J and Z as strokes")):
            part = mine.only(mine.kinds == kind)
            if len(part.labels) < FEWEST:
                continue
            figures = score(part, names, threshold)
            entries.append(
                {
                    "dataset": f"{dataset}, {what}",
                    "protocol": "persons left out of the training; mean over labels of the clips' accuracy",
                    "persons": len(set(part.persons)),
                    "clips": figures.clips,
                    "accuracy": round(figures.accuracy, 4),
                    "coverage": round(figures.answered, 4),
                    "per_class": {name: round(value, 3) for name, value in figures.per_label.items()},
                    "note": f"accuracy and per_class: the most probable sign, without a threshold; at the threshold "
                    f"{threshold:g} a share of {figures.right_answered:.3f} is answered rightly and "
                    f"{figures.precision:.3f} of the answers are right",
                }
            )
    return entries


def description(kind: str, answers: Answers, names: tuple[str, ...], threshold: float, idle: dict[str, float]) -> str:
    """What the model does, and how well for whom; the labels one by one stand in the evaluation."""
    what = (
        "Reads the 26 letters of the ASL alphabet from one hand in pictures and video; J and Z only as movements."
        if kind == "letters"
        else "Reads the one-handed ASL digits 0 to 9 from pictures and video."
    )
    sentences = [
        what,
        "Trained on landmarks of a few persons and on a kinematic hand; measured on persons left out of the training.",
        "Temperature and threshold were fitted on these same persons: strangers may fare worse.",
    ]
    held = answers.only(answers.kinds == "held")
    for dataset in sorted(set(held.sources)):
        part = held.only(held.sources == dataset)
        figures = score(part, names, threshold)
        weak = [name for name, value in figures.per_label.items() if value < LOW]
        below = f" (below {LOW}: {', '.join(weak)})" if weak else ""
        sentences.append(f"{dataset}: {figures.accuracy:.3f}{below}.")
    strokes = answers.only(answers.kinds == "stroke")
    for person in sorted(set(strokes.persons)):
        part = strokes.only(strokes.persons == person)
        if len(part.labels) < FEWEST:
            continue
        figures = score(part, names, threshold)
        rates = ", ".join(f"{name} {value:.2f}" for name, value in figures.per_label.items())
        sentences.append(f"Strokes of {person}: {rates}.")
    sentences += [f"Declined of {name}: {share:.2f}." for name, share in idle.items()]
    if kind == "letters":
        sentences.append("Digits are read as letters of like shape (0 as O, 2 as V, 6 as W, 9 as F): use asl-digits.")
    else:
        sentences.append("Letters of like shape are read as digits (O as 0, V as 2, W as 6, F as 9): use asl-letters.")
    return " ".join(sentences)


def details(
    kind: str, answers: Answers, temperature: float, threshold: float, idle: dict[str, np.ndarray]
) -> dict[str, Any]:
    """The manifest's further fields; `answers` and `idle` are calibrated."""
    names = LETTER_LABELS if kind == "letters" else DIGIT_LABELS
    shares = {name: declined_share(values, threshold) for name, values in idle.items()}
    return {
        "title": TITLES[kind],
        "description": description(kind, answers, names, threshold, shares),
        "unit": "letter",
        "time": TIME,
        "language": "ase",
        "evaluation": evaluation_entries(answers, names, threshold),
        "attribution": list(SOURCES[kind]),
        "license": "MIT AND Apache-2.0 AND CC-BY-4.0" if kind == "letters" else "Apache-2.0 AND CC-BY-4.0",
        "idle_labels": [NOTHING],
        "temperature": temperature,
        "threshold": threshold,
    }
