"""Reading labeled data, whichever form it has."""

from pathlib import Path

from service.evaluation.aihub import is_aihub, read_aihub
from service.evaluation.class_folders import read_class_folders
from service.evaluation.data import FORMS, DataError, LabeledData
from service.evaluation.tables import read_table


def read_data(path: Path) -> LabeledData:
    """The labeled clips there; DataError where there are none, saying what is looked for."""
    if path.is_dir():
        return read_aihub(path) if is_aihub(path) else read_class_folders(path)
    if path.is_file():
        return read_table(path)
    raise DataError(f"There is no {path}. {FORMS}")
