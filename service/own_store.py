"""Where the models lie that come with the service."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent
_INSTALLED: Final = _PACKAGE / "model_store"

OWN_STORE: Final = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "model_store"
"""The default models and the landmark networks: in an installed package inside it, in a checkout beside it."""


def default_store() -> Path:
    """./model_store where there is one, else the one that came with the service."""
    here = Path("model_store")
    return here if here.is_dir() else OWN_STORE
