"""The converter's own version, which each manifest names as its source's converter."""

from importlib.metadata import PackageNotFoundError, version


def find_version() -> str:
    """The version of this converter."""
    try:
        return version("sign-service")
    except PackageNotFoundError:
        return "0.1.0"
