"""Class folders: a folder for each label, with its media in it."""

from pathlib import Path

from service.errors import SignError
from service.evaluation.data import FORMS, DataError, LabeledClip, LabeledData
from service.media.sniff import HEAD_BYTES, sniff


def read_class_folders(folder: Path) -> LabeledData:
    """All media below the folder's folders, whose names are the labels; hidden files and folders are passed over."""
    clips: list[LabeledClip] = []
    left_out: dict[str, str] = {}
    for of_label in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for path in sorted(of_label.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if not path.is_file() or "/." in f"/{name}":
                continue
            try:
                with path.open("rb") as file:
                    sniff(file.read(HEAD_BYTES))
            except SignError as error:
                left_out[name] = f"{error.title}: {error.detail.partition('. ')[0]}."
            except OSError as error:
                left_out[name] = f"{error.strerror}."
            else:
                clips.append(LabeledClip(name, of_label.name, path))
    if not clips:
        raise DataError(f"{folder} holds no folders of media. {FORMS}")
    return LabeledData(folder.resolve().name, tuple(clips), left_out)
