"""Sentences in time: words and letters that a small model knows from single clips, found where they are signed."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from service.observe.landmarkers import Landmarkers
from service.track import Track
from tests.fitted import HELD_FROM, LETTERS, WORDS, publish_letters, publish_words, seen_in
from tests.running import SAMPLES, RunningService, running_service
from tests.sentences_made import Change, Shown, WayBack, changed, retimed, sentence

Kind = Literal["letters", "words"]

BEFORE_S = AFTER_S = 0.3
IDLE_S = 0.1
STRIDE_S = 0.1
CHANGES = {
    "as it is": Change(),
    "slower, at 60 fps": Change(speed=0.8, rate=60),
    "faster, cropped": Change(speed=1.25, crop=(0.12, 0.0, 0.9, 0.94)),
}
MORE: dict[str, tuple[Kind, tuple[str, ...], WayBack]] = {
    "more-letters": ("letters", ("y", "f"), "fade"),
    "more-words": ("words", ("time", "welcome"), "lower"),
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A video, what it shows, and the single clips of the same signs."""

    name: str
    kind: Kind
    video: Path
    shown: tuple[Shown, ...]
    clips: dict[str, Path]


@dataclass(frozen=True, slots=True)
class Studio:
    """A service with a model fitted for each sentence, and what is seen in the single clips."""

    service: RunningService
    sentences: dict[str, Sentence]
    tracks: dict[Path, Track]


def _kept(testdata: Path) -> Iterator[Sentence]:
    """All sentences of the test data."""
    for truth in sorted((testdata / "videos" / "sentences").glob("*.json")):
        labels: list[dict[str, Any]] = json.loads(truth.read_text())["labels"]
        clips = {entry["label"]: testdata / "videos" / entry["clip"] for entry in labels}
        kind: Kind = "letters" if labels[0]["clip"].startswith("avatar/letters/") else "words"
        shown = tuple(
            Shown(e["label"], e["clip_start"], e["motion_start"], e["sign_end"], e["idle_from"]) for e in labels
        )
        yield Sentence(truth.stem, kind, truth.with_suffix(".mp4"), shown, clips)


def _made(testdata: Path, folder: Path) -> Iterator[Sentence]:
    """More sentences, of clips that those do not use."""
    for name, (kind, signs, way_back) in MORE.items():
        clips = {sign: testdata / "videos" / "avatar" / kind / f"{sign}.mp4" for sign in signs}
        video = folder / f"{name}.mp4"
        yield Sentence(name, kind, video, tuple(sentence(video, list(clips.values()), way_back)), clips)


@pytest.fixture(scope="module")
def studio(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder, store = tmp_path_factory.mktemp("sentences"), tmp_path_factory.mktemp("store")
    found = {one.name: one for one in (*_kept(testdata), *_made(testdata, folder))}
    landmarkers = Landmarkers()
    tracks: dict[Path, Track] = {}
    for one in found.values():
        section = LETTERS if one.kind == "letters" else WORDS
        for clip in one.clips.values():
            if clip not in tracks:
                tracks[clip] = seen_in(clip, section, landmarkers)
        publish = publish_letters if one.kind == "letters" else publish_words
        publish(store, _model(one), {label: tracks[clip] for label, clip in one.clips.items()})
    landmarkers.close()
    settings = {"SIGN_MODEL_STORE": str(store), "SIGN_DEFAULT_MODEL": _model(next(iter(found.values())))}
    with running_service(folder, SIGN_SLOTS="2", **settings) as service:
        yield Studio(service, found, tracks)


def _model(one: Sentence) -> str:
    return one.name.replace("_", "-")


@pytest.mark.timeout(900)
def test_each_sign_of_a_sentence_is_found_where_it_is_signed(studio: Studio, tmp_path: Path) -> None:
    """Also slower, faster, at another rate and cut to a part of the picture; and in sentences made here."""
    asked = [(one, change) for one in studio.sentences.values() for change in CHANGES if one.name not in MORE]
    asked += [(studio.sentences[name], "as it is") for name in MORE]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda entry: _timeline(studio, entry[0], entry[1], tmp_path), asked))
    lines: list[str] = []
    wrong: list[str] = []
    for (one, change), segments in zip(asked, answers, strict=True):
        truth = retimed(one.shown, CHANGES[change].speed)
        found, expected = [entry["class_name"] for entry in segments], [shown.label for shown in truth]
        if found != expected:
            wrong.append(f"{one.name}, {change}: {found} instead of {expected}")
            continue
        for segment, shown in zip(segments, truth, strict=True):
            least, most = _bounds(studio, one, shown, CHANGES[change].speed)
            start_s, end_s = segment["start_time"], segment["end_time"]
            fine = least[0] <= start_s <= most[0] and least[1] <= end_s <= most[1]
            line = (
                f"{one.name}, {change}, {shown.label}: starts {start_s:.2f} ({start_s - shown.motion_s:+.2f} after the "
                f"motion; {least[0]:.2f} to {most[0]:.2f}), ends {end_s:.2f} ({end_s - shown.end_s:+.2f} after the "
                f"sign; {least[1]:.2f} to {most[1]:.2f})"
            )
            lines.append(line)
            if not fine:
                wrong.append(line)
    if os.environ.get("SIGN_SHOW"):
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert not wrong, "\n".join(wrong)


def _timeline(studio: Studio, one: Sentence, change: str, folder: Path) -> list[dict[str, Any]]:
    video = one.video
    if change != "as it is":
        video = changed(folder / f"{one.name} {change}.mp4", video, CHANGES[change])
    params: dict[str, str | float] = {"model": _model(one), "stride": STRIDE_S}
    response = studio.service.client.post("/timeline", content=video.read_bytes(), params=params)
    assert response.status_code == 200, response.text
    segments: list[dict[str, Any]] = response.json()["segments"]
    return segments


def _bounds(
    studio: Studio, one: Sentence, shown: Shown, speed: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The earliest and the latest start and end of a sign."""
    track = studio.tracks[one.clips[shown.label]]
    hand_s = shown.clip_s + float(track.times_s[track.present][0]) / speed
    reached_s = shown.clip_s + HELD_FROM * (shown.end_s - shown.clip_s)
    latest_s = (reached_s if one.kind == "letters" else hand_s) + AFTER_S
    return (shown.motion_s - BEFORE_S, shown.end_s - BEFORE_S), (latest_s, shown.idle_s + IDLE_S)


def test_what_a_jobs_chunks_find_is_what_is_found_at_once(studio: Studio) -> None:
    one = next(one for one in studio.sentences.values() if one.kind == "letters")
    at_once = _timeline(studio, one, "as it is", one.video.parent)
    from tests.jobs_made import ended, job_of, result, submit  # noqa: PLC0415

    location = job_of(submit(studio.service, one.video, model=_model(one), stride=STRIDE_S))
    assert ended(studio.service, location)["state"] == "succeeded"
    in_chunks = result(studio.service, location)["segments"]
    assert [entry["class_name"] for entry in in_chunks] == [entry["class_name"] for entry in at_once]
    for found, expected in zip(in_chunks, at_once, strict=True):
        assert abs(found["start_time"] - expected["start_time"]) <= STRIDE_S + 1e-6
        assert abs(found["end_time"] - expected["end_time"]) <= STRIDE_S + 1e-6


@pytest.mark.parametrize("clip", sorted(SAMPLES.glob("word_*.mp4")), ids=lambda clip: clip.stem)
def test_a_spelled_sample_is_found_in_its_true_times(service: RunningService, clip: Path) -> None:
    truth: Sequence[dict[str, Any]] = json.loads(clip.with_suffix(".json").read_text())["segments"]
    found = service.client.post("/timeline", content=clip.read_bytes(), params={"stride": STRIDE_S}).json()["segments"]
    assert [entry["class_name"] for entry in found] == [entry["label"] for entry in truth]
    times = [(entry["start_time"], entry["end_time"]) for entry in found]
    true_times = [(entry["start_time"], entry["end_time"]) for entry in truth]
    for (_, end_s), (_, true_s) in zip(times[:-1], true_times[:-1], strict=True):
        assert abs(end_s - true_s) <= AFTER_S
    for (start_s, _), (true_s, _) in zip(times[1:], true_times[1:], strict=True):
        assert abs(start_s - true_s) <= AFTER_S
