"""Catalog: every version that was seen in the store, and which is served under each bare name. Nothing waits here."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NoReturn

from service.errors import SignError
from service.metrics import Metrics
from service.registry.served import ServedModel
from service.registry.states import (
    BY_HAND,
    Entry,
    Found,
    ModelState,
    ModelUnavailableError,
    Split,
    VersionName,
    VersionState,
)
from service.settings import MIB

_NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Changes:
    """What a scan changed."""

    added: tuple[VersionName, ...]
    removed: tuple[VersionName, ...]
    changed: tuple[VersionName, ...]

    @property
    def names(self) -> set[str]:
        return {key.name for key in (*self.added, *self.removed, *self.changed)}


class Catalog:
    """Entries by name and version, and the pointers to the default ones.

    pins: versions that an operator chose. splits: versions beside them, by bare name.
    """

    def __init__(self, pins: Mapping[str, int], splits: Mapping[str, Split] | None = None) -> None:
        self._pins = pins
        self._splits = dict(splits or {})
        self._entries: dict[str, dict[int, Entry]] = {}
        self._defaults: dict[str, Entry] = {}
        self._uses = 0

    def __iter__(self) -> Iterator[Entry]:
        for versions in self._entries.values():
            yield from versions.values()

    @property
    def names(self) -> list[str]:
        return sorted(self._entries)

    @property
    def names_to_try_again(self) -> set[str]:
        """Models with a version that changed, or was refused only for now."""
        return {entry.name for entry in self if entry.refused_for_now or entry.stale}

    def default(self, name: str) -> Entry | None:
        return self._defaults.get(name)

    def pin(self, name: str) -> int | None:
        return self._pins.get(name)

    def split(self, name: str) -> Split | None:
        return self._splits.get(name)

    def set_split(self, name: str, split: Split | None) -> None:
        """Share a bare name's requests so, or not at all."""
        if split is None:
            self._splits.pop(name, None)
        else:
            self._splits[name] = split

    def beside(self, name: str) -> Entry | None:
        """The version beside the one under the bare name, as long as it was not withdrawn; None where there is none."""
        split = self._splits.get(name)
        return None if split is None or split.withdrawn is not None else self.find(name, split.version)

    def find(self, name: str, version: int) -> Entry | None:
        return self._entries.get(name, {}).get(version)

    def entry(self, name: str, version: int) -> Entry:
        """The version; SignError `model-unknown` or `version-unknown` where there is none."""
        versions = self.versions(name)
        for entry in versions:
            if entry.version == version:
                return entry
        known = ", ".join(str(entry.version) for entry in versions)
        raise SignError("version-unknown", f"{name} has no version {version}; there are: {known}.")

    def versions(self, name: str) -> list[Entry]:
        """All versions of a model, highest first; SignError `model-unknown` where there is none."""
        versions = self._entries.get(name)
        if not versions:
            self._unknown(name)
        return [versions[number] for number in sorted(versions, reverse=True)]

    def candidates(self, name: str) -> list[Entry]:
        """Versions that may be served under the bare name, the wanted one first."""
        versions = self._entries.get(name, {})
        pin, split = self._pins.get(name), self._splits.get(name)
        numbers = sorted(versions, reverse=True) if pin is None else [pin] if pin in versions else []
        if pin is None and split is not None:
            numbers = split.order(numbers)
        return [versions[number] for number in numbers if not versions[number].unloaded]

    def apply(self, found: Iterable[Found]) -> Changes:
        """Take over what a scan saw. What is served goes on being served; `choose_default` draws the consequence."""
        added, changed = [], []
        seen = set()
        for entry_found in found:
            seen.add(entry_found.key)
            entry = self.find(entry_found.key.name, entry_found.key.version)
            if entry is None:
                entry = Entry(entry_found.key.name, entry_found.key.version)
                self._entries.setdefault(entry.name, {})[entry.version] = entry
                added.append(entry_found.key)
            elif entry.fingerprint == entry_found.fingerprint:
                continue
            else:
                entry.stale = entry.served is not None or entry.loading is not None
                changed.append(entry_found.key)
            entry.fingerprint = entry_found.fingerprint
            entry.manifest = entry_found.manifest
            entry.refusal, entry.refused_for_now = entry_found.refusal, False
        removed = [entry.key for entry in self if entry.key not in seen]
        for key in removed:
            del self._entries[key.name][key.version]
            if not self._entries[key.name]:
                del self._entries[key.name]
        return Changes(tuple(added), tuple(removed), tuple(changed))

    def choose_default(self, name: str) -> bool:
        """Point the bare name at the best candidate that is loaded; whether that changed anything.

        A version that was replaced leaves memory, unless somebody asked for it by number or another model reads it.
        """
        before = self._defaults.get(name)
        chosen = next((entry for entry in self.candidates(name) if entry.served is not None), None)
        if chosen is before:
            return False
        if chosen is None:
            del self._defaults[name]
        else:
            self._defaults[name] = chosen
        if before is not None and not before.asked and not self.readers(before):
            before.served = None
        return True

    def touch(self, entry: Entry) -> None:
        """Note that a version was asked for: what was not for longest is evicted first."""
        self._uses += 1
        entry.used = self._uses

    def readers(self, entry: Entry) -> list[Entry]:
        """Loaded versions that read what this one gives, or for which it answers."""
        mine = entry.served
        if mine is None:
            return []
        others = ((other, other.served) for other in self)
        return [other for other, model in others if model is not None and mine in (model.required, model.over_time)]

    def to_evict(
        self, need_bytes: int, used_bytes: int, limit_bytes: int, keep: tuple[ServedModel | None, ...]
    ) -> list[Entry]:
        """Versions to give up so that `need_bytes` more fit, longest unused first.

        Neither defaults nor what another one reads, `keep` among them, is given up.

        Raises ModelUnavailableError where even that is not enough.
        """
        free = limit_bytes - used_bytes
        defaults = {*self._defaults.values(), *(self.beside(name) for name in self._splits)}
        victims = []
        spare = [entry for entry in self if entry.served not in (None, *keep) and entry not in defaults]
        for entry in sorted(spare, key=lambda entry: entry.used):
            if free >= need_bytes:
                break
            if entry.served is not None and not self.readers(entry):
                victims.append(entry)
                free += entry.served.memory_bytes
        if free < need_bytes:
            raise ModelUnavailableError(
                f"it needs about {_mib(need_bytes)} of memory, {_mib(max(0, free))} of {_mib(limit_bytes)} are free; "
                "unload another model or raise SIGN_MODEL_MEMORY_BYTES"
            )
        return victims

    def view(self, entry: Entry) -> VersionState:
        return entry.view(is_default=self._defaults.get(entry.name) is entry)

    def state(self, name: str) -> ModelState:
        """One model; SignError `model-unknown` where there is none."""
        versions = tuple(self.view(entry) for entry in self.versions(name))
        default = self._defaults.get(name)
        return ModelState(name, None if default is None else default.version, versions, self._splits.get(name))

    def shares(self) -> dict[tuple[str, str], float]:
        """The share of each bare name's requests, 0 to 1, that each version answers, by name and version."""
        found: dict[tuple[str, str], float] = {}
        for name, main in self._defaults.items():
            beside, split = self.beside(name), self._splits.get(name)
            share = 0.0
            if beside is not None and split is not None and beside is not main:
                share = split.percent / 100 if beside.served is not None else 0.0
                found[name, str(beside.version)] = share
            found[name, str(main.version)] = 1.0 - share
        return found

    def withdrawn(self) -> set[tuple[str, str]]:
        """Versions whose share was taken back, by name and version."""
        return {
            (name, str(split.version)) for name, split in self._splits.items() if split.withdrawn not in (None, BY_HAND)
        }

    def refused(self) -> dict[VersionName, str]:
        return {entry.key: entry.refusal for entry in self if entry.refusal is not None}

    def _unknown(self, name: str) -> NoReturn:
        close = difflib.get_close_matches(name, self.names, n=3, cutoff=0.5)
        if close:
            advice = f"Did you mean {' or '.join(close)}?"
        elif self._entries:
            more = " …" if len(self.names) > _NAMES_SHOWN else ""
            advice = f"There are: {', '.join(self.names[:_NAMES_SHOWN])}{more}."
        else:
            advice = "The model store is empty."
        raise SignError("model-unknown", f"There is no model {name[:64]!r}. {advice}")


class ModelMetrics:
    """Keeps the gauges of models equal to a catalog."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._shown: set[tuple[str, str, str, str]] = set()

    def update(self, catalog: Catalog) -> None:
        states = [catalog.view(entry) for entry in catalog]
        labels: set[tuple[str, str, str, str]] = {
            (state.name, str(state.version), state.task or "unknown", state.state) for state in states
        }
        for label in labels:
            self._metrics.model_info.labels(*label).set(1)
        for label in self._shown - labels:
            self._metrics.model_info.remove(*label)
        self._shown = labels
        self._metrics.model_refused.set(len(catalog.refused()))
        self._metrics.model_share.clear()
        for of_version, share in catalog.shares().items():
            self._metrics.model_share.labels(*of_version).set(share)
        self._metrics.model_withdrawn.clear()
        for of_version in catalog.withdrawn():
            self._metrics.model_withdrawn.labels(*of_version).set(1)


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
