"""NAME[:VERSION] as it stands on a command line → that version in the store, verified."""

from pathlib import Path

from convert.errors import CallError, RefusalError
from service.errors import InvalidModelError
from service.registry.store import Store, StoredModel


def look_up_model(wanted: str, store: Path) -> StoredModel:
    """The version, the highest if none is given.

    Raises CallError where there is none, RefusalError where the service would refuse it.
    """
    name, _, number = wanted.partition(":")
    if number and not number.isdigit():
        raise CallError(f"{wanted!r} is not NAME or NAME:VERSION.")
    models = Store(store)
    versions = [one.version for one in models.versions() if one.name == name] if store.is_dir() else []
    if not versions or (number and int(number) not in versions):
        raise CallError(f"{store} holds no {wanted}.", "See `python -m convert list`.")
    try:
        return models.read(name, int(number) if number else max(versions))
    except InvalidModelError as error:
        raise RefusalError(f"{error}.", "Publish it again.") from None
