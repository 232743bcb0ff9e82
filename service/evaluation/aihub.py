"""AI-Hub folders: videos, and beside each the morphemes that are signed in it, as the Korean sign corpus has them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.evaluation.data import DataError, LabeledClip, LabeledData

LABELS: Final = "label"
VIDEOS: Final = "video"
ENDING: Final = "_morpheme.json"


class _Named(BaseModel):
    name: str


class _Entry(BaseModel):
    """One sign and its time, in seconds."""

    model_config = ConfigDict(allow_inf_nan=False)

    start: float = Field(ge=0)
    end: float
    attributes: list[_Named]


class _Morphemes(BaseModel):
    """What a file of labels holds; its other fields say nothing about the clips."""

    data: list[_Entry]


def is_aihub(folder: Path) -> bool:
    """Whether there are files of morphemes."""
    return next(_label_files(folder), None) is not None


def read_aihub(folder: Path) -> LabeledData:
    """Each entry of each file as a clip of its video, named like it; its label is the first attribute's name."""
    videos = {path.stem: path for path in sorted((folder / VIDEOS).rglob("*")) if path.is_file()}
    clips: list[LabeledClip] = []
    left_out: dict[str, str] = {}
    for file in sorted(_label_files(folder)):
        name = file.relative_to(folder).as_posix()
        video = videos.get(file.name.removesuffix(ENDING))
        if video is None:
            left_out[name] = f"there is no video of its name below {VIDEOS}/."
            continue
        try:
            entries = _Morphemes.model_validate_json(file.read_bytes()).data
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            left_out[name] = f"{place or 'the file'}: {first['msg']}."
            continue
        for number, entry in enumerate(entries):
            clip = f"{video.name} {entry.start:g}–{entry.end:g} s ({number})"
            if not entry.attributes or entry.end <= entry.start:
                left_out[clip] = "it has no name, or no length."
                continue
            label = entry.attributes[0].name
            clips.append(LabeledClip(clip, label, video, start_s=entry.start, duration_s=entry.end - entry.start))
    if not clips:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(left_out.items())[:3])
        raise DataError(f"{folder} holds no labeled part of a video. {why}".rstrip())
    return LabeledData(folder.resolve().name, tuple(clips), left_out)


def _label_files(folder: Path) -> Iterator[Path]:
    return (folder / LABELS).rglob(f"*{ENDING}")
