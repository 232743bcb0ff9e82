"""Who may ask: API keys and admin keys, compared in constant time."""

import hashlib
import hmac

from fastapi import Request
from starlette.datastructures import Headers

from service.errors import SignError
from service.settings import Settings

_HASHED = "sha256:"


def require_key(request: Request) -> None:
    """Let a request pass that carries one of the API keys (or admin keys), or all where none is set."""
    settings: Settings = request.app.state.settings
    if settings.api_keys:
        _check(request, settings.api_keys + settings.admin_keys)


def require_admin(request: Request) -> None:
    """Let a request pass that carries an admin key; without such keys nobody may change models."""
    settings: Settings = request.app.state.settings
    if not settings.admin_keys:
        raise SignError("admin-disabled", "Set SIGN_ADMIN_KEYS to allow changing models over HTTP.")
    _check(request, settings.admin_keys)


def check_key(given: str | None, settings: Settings) -> None:
    """As `require_key`, for a key that came another way than in a header of HTTP."""
    if settings.api_keys:
        _compare(given, settings.api_keys + settings.admin_keys)


def owner_of(request: Request) -> str:
    """Whose request it is: a digest of the key, empty where the service asks for none."""
    settings: Settings = request.app.state.settings
    if not settings.api_keys:
        return ""
    given = request.headers.get("authorization", "").partition(" ")[2].strip()
    return hashlib.sha256(given.encode()).hexdigest()


def require_open(request: Request) -> None:
    """Refuse new work once the service was asked to stop; another replica can take it."""
    if request.app.state.context.shutting_down:
        raise SignError("shutting-down", "Ask again in a moment.", retry_after_s=5)


def _check(request: Request, keys: tuple[str, ...]) -> None:
    _compare(bearer_key(request.headers), keys)


def bearer_key(headers: Headers) -> str | None:
    """The key that the headers carry, if any."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" and given else None


def _compare(given: str | None, keys: tuple[str, ...]) -> None:
    if given is None:
        raise SignError("key-missing", "Send the key as 'Authorization: Bearer KEY'.")
    # every key is compared, so that the time does not tell which one was near
    matches = [_same(given, key) for key in keys]
    if True not in matches:
        raise SignError("key-refused", "The key is not one of those that may do this.")


def _same(given: str, key: str) -> bool:
    if key.startswith(_HASHED):
        digest = hashlib.sha256(given.encode()).hexdigest()
        return hmac.compare_digest(digest, key.removeprefix(_HASHED).lower())
    return hmac.compare_digest(given.encode(), key.encode())
