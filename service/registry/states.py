"""What the registry knows of each version, and how it shows it."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Literal

from service.errors import InvalidModelError
from service.registry.manifest import Manifest, Task
from service.registry.placement import ProviderParity
from service.registry.served import ServedModel
from service.registry.store import Fingerprint, Store, StoredVersion

State = Literal["available", "loading", "ready", "refused", "unloaded"]

BY_HAND: Final = "taken back by an operator"
"""Why a share is withdrawn that did not fail."""


class ModelUnavailableError(InvalidModelError):
    """A version that cannot be loaded as things are (memory, a model that it needs), but perhaps later."""


@dataclass(frozen=True, slots=True)
class VersionState:
    """One version as GET /models shows it. reason: why it is refused, or why a changed copy on disk is not served.

    provider: on what it runs, where it is ready; fallbacks: what was tried before, and why it does not serve; parity:
    what was measured of it there.
    """

    name: str
    version: int
    state: State
    is_default: bool
    reason: str | None
    memory_bytes: int
    task: Task | None
    manifest: Manifest | None
    provider: str | None = None
    fallbacks: tuple[str, ...] = ()
    parity: ProviderParity | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A version beside the one served under a bare name: its share in percent, or a shadow that answers nobody.

    main: the version that stays the main one meanwhile, where an operator found it so. withdrawn: why the share was
    taken back; it does not become the main version of itself then.
    """

    version: int
    percent: float
    shadow: bool = False
    main: int | None = None
    withdrawn: str | None = None

    def order(self, numbers: list[int]) -> list[int]:
        """Versions that may be the main one, the wanted one first, of all, highest first; the split's own last.

        While it has its share, what is published meanwhile does not take the rest: the highest version below it does.
        """
        others = [number for number in numbers if number != self.version]
        if self.withdrawn is None:
            others.sort(key=lambda number: (number != self.main, number > self.version, -number))
        return [*others, *(number for number in numbers if number == self.version)]


@dataclass(frozen=True, slots=True)
class ModelState:
    """One model: the version served under its bare name, all versions, highest first, and how its traffic is shared."""

    name: str
    default_version: int | None
    versions: tuple[VersionState, ...]
    split: Split | None = None


@dataclass(frozen=True, slots=True, order=True)
class VersionName:
    name: str
    version: int


@dataclass(frozen=True, slots=True)
class ReloadReport:
    """What a scan of the store found; `refused` holds everything that is refused now, with the reason.

    problem: why the store could not be read; everything goes on being served then.
    """

    added: tuple[VersionName, ...] = ()
    removed: tuple[VersionName, ...] = ()
    changed: tuple[VersionName, ...] = ()
    refused: dict[VersionName, str] = field(default_factory=dict)
    problem: str | None = None


@dataclass(slots=True, eq=False)
class Entry:
    """One version in the store and what became of it. Changed on the event loop only.

    served: the model, once it is loaded; the one pointer that requests follow. refusal: why it is not, or why the copy
    on disk is not; refused_for_now: it may be loadable later, as it is. stale: the files changed since
    the loading began.
    asked: somebody wanted this version by its number. unloaded: an operator took it out. used: when it was last
    asked for, as a count.
    """

    name: str
    version: int
    fingerprint: Fingerprint = ()
    manifest: Manifest | None = None
    served: ServedModel | None = None
    refusal: str | None = None
    refused_for_now: bool = False
    loading: "asyncio.Task[ServedModel] | None" = None
    stale: bool = False
    asked: bool = False
    unloaded: bool = False
    used: int = 0

    @property
    def key(self) -> VersionName:
        return VersionName(self.name, self.version)

    @property
    def state(self) -> State:
        if self.served is not None:
            return "ready"
        if self.loading is not None:
            return "loading"
        if self.unloaded:
            return "unloaded"
        return "available" if self.refusal is None else "refused"

    @property
    def is_given_up(self) -> bool:
        """Whether loading it once more would fail in the same way."""
        return self.refusal is not None and not self.refused_for_now and not self.stale

    def refuse(self, error: InvalidModelError) -> None:
        """Keep the reason only: an exception would keep the half-built model in memory."""
        self.refusal, self.refused_for_now = str(error), isinstance(error, ModelUnavailableError)

    @property
    def needs_loading(self) -> bool:
        return self.served is None or self.stale

    def view(self, *, is_default: bool) -> VersionState:
        manifest = self.manifest if self.served is None else self.served.manifest
        placed = None if self.served is None else self.served.placed
        return VersionState(
            name=self.name,
            version=self.version,
            state=self.state,
            is_default=is_default,
            reason=self.refusal,
            memory_bytes=0 if self.served is None else self.served.memory_bytes,
            task=None if manifest is None else manifest.task,
            manifest=manifest,
            provider=None if placed is None else placed.provider.name,
            fallbacks=() if placed is None else tuple(one.sentence for one in placed.fallbacks),
            parity=None if placed is None else placed.parity,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A version that a scan saw. Only where it is new or changed: its manifest, or why it is refused."""

    key: VersionName
    fingerprint: Fingerprint
    manifest: Manifest | None = None
    refusal: str | None = None


def scan(store: Store, known: dict[VersionName, Fingerprint]) -> list[Found]:
    """What lies in the store; blocking. Raises OSError where the store cannot be listed."""
    return [_look(store, stored, known) for stored in store.versions()]


def _look(store: Store, stored: StoredVersion, known: dict[VersionName, Fingerprint]) -> Found:
    key = VersionName(stored.name, stored.version)
    fingerprint = store.fingerprint(stored.name, stored.version)
    if known.get(key) == fingerprint:
        return Found(key, fingerprint)
    try:
        return Found(key, fingerprint, manifest=store.inspect(stored.name, stored.version).manifest)
    except InvalidModelError as error:
        return Found(key, fingerprint, refusal=str(error))
