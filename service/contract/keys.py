"""API keys and admin keys, compared in constant time."""

import hashlib
import hmac
from collections.abc import Mapping

from service.api_keys import ApiKey
from service.errors import SignError
from service.settings import Settings

_HASHED = "sha256:"


def check_key(given: str | None, settings: Settings) -> str | None:
    """The name of the key; None where no API keys are set and everybody may ask.

    Raises SignError where it is neither an API key nor an admin key.
    """
    return compare_key(given, settings.keys + settings.admins) if settings.api_keys else None


def check_admin_key(given: str | None, settings: Settings) -> str:
    """The name of the admin key; SignError where it is none."""
    if not settings.admin_keys:
        raise SignError("admin-disabled", "Set SIGN_ADMIN_KEYS to allow changing models over HTTP.")
    return compare_key(given, settings.admins)


def bearer_key(headers: Mapping[str, str]) -> str | None:
    """The key that the headers carry, if any."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" and given else None


def compare_key(given: str | None, keys: tuple[ApiKey, ...]) -> str:
    """The name of the one that it is. Raises SignError `key-missing`, or `key-refused` where it is none."""
    if given is None:
        raise SignError("key-missing", "Send the key as 'Authorization: Bearer KEY'.")
    # every key is compared, so that the time does not tell which one was near
    matches = [_same(given, key.secret) for key in keys]
    if True not in matches:
        raise SignError("key-refused", "The key is not one of those that may do this.")
    return keys[matches.index(True)].name


def _same(given: str, key: str) -> bool:
    if key.startswith(_HASHED):
        digest = hashlib.sha256(given.encode()).hexdigest()
        return hmac.compare_digest(digest, key.removeprefix(_HASHED).lower())
    return hmac.compare_digest(given.encode(), key.encode())
