"""What a caller is told who asks for a model that cannot answer."""

import asyncio
from collections.abc import Iterable

from service.errors import InvalidModelError, SignError
from service.registry.served import ServedModel
from service.registry.states import Entry, ModelState

RETRY_AFTER_S = 2.0
_FAILED_RETRY_AFTER_S = 30.0


def no_models(problem: str) -> SignError:
    """The error where the store cannot be read, for that reason, and nothing was read of it before."""
    return SignError("model-unknown", f"There are no models: {problem}. SIGN_MODEL_STORE says where they are.")


def model_failed(detail: str) -> SignError:
    """The error for a model that is refused, with the reason."""
    return SignError("model-failed", detail, retry_after_s=_FAILED_RETRY_AFTER_S)


def model_unloaded(entry: Entry) -> SignError:
    """The error for a version that an operator took out of memory."""
    address = f"/models/{entry.name}/versions/{entry.version}/load"
    return SignError("model-state", f"{entry.name} version {entry.version} was unloaded; POST {address} to load it.")


def not_served(name: str, versions: Iterable[Entry], pin: int | None, *, choosing: bool) -> SignError:
    """The error for a bare name under which nothing is served: why, of its versions. pin: the one an operator chose."""
    known = list(versions)
    if choosing or any(entry.loading for entry in known):
        return SignError("model-loading", f"{name} is still loading; ask again.", retry_after_s=RETRY_AFTER_S)
    wanted = next((entry for entry in known if pin in (None, entry.version)), None)
    if wanted is None:
        return model_failed(f"{name}: SIGN_MODEL_VERSIONS pins version {pin}, which is not there.")
    if wanted.unloaded:
        return model_unloaded(wanted)
    return model_failed(f"{name} version {wanted.version} is refused: {wanted.refusal}")


def load_result(load: asyncio.Task[ServedModel], who: str) -> ServedModel:
    """What a finished load gave; SignError `model-failed` where it was refused."""
    if load.cancelled():
        raise SignError("shutting-down", "The service is ending.", retry_after_s=RETRY_AFTER_S)
    if isinstance(problem := load.exception(), InvalidModelError):
        raise model_failed(f"{who} is refused: {problem}")
    return load.result()


def check_unloadable(entry: Entry, readers: Iterable[Entry]) -> None:
    """SignError where the version cannot be taken out of memory: it is loading, refused, or read by loaded models."""
    who = f"{entry.name} version {entry.version}"
    if entry.loading is not None:
        raise SignError("model-state", f"{who} is loading; unload it when it is ready.")
    if entry.state == "refused":
        raise SignError("model-state", f"{who} is refused; there is nothing to unload.")
    if entry.served is not None and (names := ", ".join(f"{one.name} version {one.version}" for one in readers)):
        raise SignError("model-state", f"{who} is read by {names}; unload that first.")


def check_shared(model: ModelState) -> None:
    """SignError where the version that was given a share could not keep it."""
    if model.split is not None and model.split.withdrawn is not None:
        raise SignError("model-state", f"{model.name} version {model.split.version}: {model.split.withdrawn}.")


def default_needed(name: str) -> SignError:
    """Why the last version of the service's default model stays."""
    return SignError(
        "model-state",
        f"{name} is the service's default model, and no other version of it can be served; publish one, or set "
        "SIGN_DEFAULT_MODEL.",
    )
