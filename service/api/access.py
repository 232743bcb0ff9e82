"""Who may ask over HTTP: routes depend on these."""

import hashlib
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.api.kept import context_of
from service.api.problem import record_of
from service.contract.key_limits import KeyUsage, KeyUsages
from service.contract.keys import bearer_key, check_admin_key, check_key
from service.errors import SignError
from service.settings import Settings, is_loopback

KEY = HTTPBearer(auto_error=False, scheme_name="apiKey", description="One of `SIGN_API_KEYS`, where some are set.")
ADMIN_KEY = HTTPBearer(auto_error=False, scheme_name="adminKey", description="One of `SIGN_ADMIN_KEYS`.")
"""How the schema says it; the header is read and compared by us."""


def require_key(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(KEY)]) -> None:
    """Let a request pass that carries one of the API keys (or admin keys), or all where none is set.

    Raises SignError where it carries none of them, or where its key has asked too often.
    """
    record_of(request).key = check_key(bearer_key(request.headers), request.app.state.settings)
    usage_of(request).count_request()


def require_admin(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(ADMIN_KEY)]) -> None:
    """Let a request pass that carries an admin key; without such keys nobody may change models."""
    record_of(request).key = check_admin_key(bearer_key(request.headers), request.app.state.settings)


def usage_of(request: Request) -> KeyUsage:
    """What the key of a request that was let pass has used."""
    usages: KeyUsages = request.app.state.key_usages
    return usages.of(record_of(request).key)


def owner_of(request: Request) -> str:
    """Whose request it is: a digest of the key, empty where the service asks for none."""
    settings: Settings = request.app.state.settings
    if not settings.api_keys:
        return ""
    given = request.headers.get("authorization", "").partition(" ")[2].strip()
    return hashlib.sha256(given.encode()).hexdigest()


def may_teach(request: Request) -> bool:
    """Whether the caller may teach models: whoever may ask where it is allowed, else only callers on this machine.

    A proxy on this machine tells whom it asks for (X-Forwarded-For), and that is the caller then.
    """
    settings: Settings = request.app.state.settings
    if settings.teach is not None:
        return settings.teach
    return settings.teaches_this_machine and request.client is not None and is_loopback(request.client.host)


def require_teaching(request: Request) -> None:
    """Refuse who may not teach."""
    if not may_teach(request):
        raise SignError("teach-disabled", "Whoever runs this service can allow it: SIGN_TEACH=1.")


def require_open(request: Request) -> None:
    """Refuse new work once the service was asked to stop; another replica can take it."""
    if context_of(request).shutting_down:
        raise SignError("shutting-down", "Ask again in a moment.", retry_after_s=5)
