"""ELAN's annotations (EAF): each one on a tier is a clip of the video that the document links to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pympi import Elan

from service.evaluation.data import DataError, LabeledClip, LabeledData
from service.export.eaf import SIGNS_TIER

ENDING: Final = ".eaf"
_VIDEO_ENDINGS: Final = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m4v")


@dataclass(frozen=True, slots=True)
class _Annotation:
    """A label and its time in the document; None where a time slot has none."""

    start_ms: int | None
    end_ms: int | None
    label: str


class _DocumentError(Exception):
    """Why a document is left out."""


def is_elan(path: Path) -> bool:
    """Whether it is such a document, or a folder that has some."""
    return next(_documents(path), None) is not None


def read_elan(path: Path, tier: str | None = None) -> LabeledData:
    """Each annotation of the tier as a clip, named like its video and time.

    tier: its name; else the service's own one, else the only one with annotations that have times of their own.
    Raises DataError where no annotation can be used.
    """
    clips: list[LabeledClip] = []
    left_out: dict[str, str] = {}
    for file in _documents(path):
        name = file.name if path.is_file() else file.relative_to(path).as_posix()
        try:
            document = _open(file)
            video, origin_s = _video(file, document)
            annotations = _annotations(document, tier)
        except _DocumentError as error:
            left_out[name] = str(error)
            continue
        for number, one in enumerate(annotations):
            label = one.label.strip()
            if one.start_ms is None or one.end_ms is None or one.end_ms <= one.start_ms or not label:
                left_out[f"{name} ({number})"] = "it has no label, or no time of its own."
                continue
            start_s, end_s = one.start_ms / 1000, one.end_ms / 1000
            clip = f"{name} {start_s:g}–{end_s:g} s ({number})"
            at_s = start_s + origin_s
            clips.append(LabeledClip(clip, label, video, start_s=at_s, duration_s=end_s - start_s))
    if not clips:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:3])
        raise DataError(f"{path} holds no annotation of a video. {why}".rstrip())
    return LabeledData(path.resolve().stem, tuple(clips), left_out)


def _documents(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(file for file in path.rglob(f"*{ENDING}") if not file.name.startswith("."))
    elif path.suffix.lower() == ENDING and path.is_file():
        yield path


def _open(file: Path) -> Elan.Eaf:
    try:
        return Elan.Eaf(str(file), suppress_version_warning=True)
    except Exception as error:
        raise _DocumentError("it is no annotation that ELAN could open.") from error


def _annotations(document: Elan.Eaf, tier: str | None) -> list[_Annotation]:
    aligned = {name: parts[0] for name, parts in document.tiers.items() if parts[0]}
    chosen = aligned.get(_choose(tier, aligned))
    if chosen is None:
        known = ", ".join(sorted(aligned)) or "none"
        wanted = "--tier says which tier has the labels" if tier is None else f"there is no such tier: {tier}"
        raise _DocumentError(f"{wanted}; with annotations of their own times: {known}.")
    slots = document.timeslots
    return [_Annotation(slots.get(start), slots.get(end), label) for start, end, label, _ in chosen.values()]


def _choose(tier: str | None, aligned: Mapping[str, object]) -> str:
    if tier is not None:
        return tier
    return SIGNS_TIER if SIGNS_TIER in aligned or len(aligned) != 1 else next(iter(aligned))


def _video(file: Path, document: Elan.Eaf) -> tuple[Path, float]:
    """The first medium that is there, and what ELAN adds to the document's times to find them in it, in seconds."""
    named: list[str] = []
    for link in document.get_linked_files():
        for address in (link.get("RELATIVE_MEDIA_URL"), link.get("MEDIA_URL")):
            for path in _places(file, address or ""):
                if path.is_file():
                    return path, int(link.get("TIME_ORIGIN") or 0) / 1000
        named.append(link.get("MEDIA_URL") or link.get("RELATIVE_MEDIA_URL") or "")
    for ending in _VIDEO_ENDINGS:
        if (beside := file.with_suffix(ending)).is_file():
            return beside, 0.0
    raise _DocumentError(f"its video is not there: {', '.join(named) or 'it names none'}.")


def _places(file: Path, address: str) -> Iterator[Path]:
    """Where the address may point, as it is written and percent-decoded; last, its name beside the document."""
    for written in dict.fromkeys((address, unquote(address))):
        path = written.removeprefix("file://") if urlsplit(written).scheme == "file" else written
        if path.startswith("/") and path[2:3] == ":":
            path = path[1:]  # file:///C:/…
        if path:
            yield file.parent / path
            yield file.parent / Path(path).name
