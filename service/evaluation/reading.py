"""Reading labeled data, whichever form it has."""

from pathlib import Path

from service.evaluation.aihub import is_aihub, read_aihub
from service.evaluation.class_folders import read_class_folders
from service.evaluation.data import FORMS, DataError, LabeledData
from service.evaluation.elan import is_elan, read_elan
from service.evaluation.tables import read_table


def read_data(path: Path, tier: str | None = None) -> LabeledData:
    """The labeled clips there; DataError where there are none, saying what is looked for.

    tier: which tier of ELAN's annotations has the labels, where it is not the only one or named as the service does.
    """
    if is_elan(path):
        return read_elan(path, tier)
    if tier is not None:
        raise DataError(f"There is no annotation of ELAN (.eaf) in {path}; only they have tiers.")
    if path.is_dir():
        return read_aihub(path) if is_aihub(path) else read_class_folders(path)
    if path.is_file():
        return read_table(path)
    raise DataError(f"There is no {path}. {FORMS}")
