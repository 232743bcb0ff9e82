"""Lessons: what callers teach, each key its own. A lesson is the examples of one name, and the model made of them."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.errors import SignError
from service.lessons.names import TaughtNames
from service.lessons.results import Taught, from_json, to_json
from service.registry.store import Store
from service.settings import Settings
from service.teaching.advice import Advice, advise
from service.teaching.example_store import ExampleInfo, ExampleStore, UnknownExampleError
from service.teaching.examples import Example, ExampleError

_ANYONE: Final = "anyone"
"""The folder of callers where the service asks for no key."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What was taught under a name; versions: made of it, the newest last; newest: how that one was made."""

    name: str
    examples: tuple[ExampleInfo, ...]
    versions: tuple[int, ...]
    newest: Taught | None = None

    @property
    def labels(self) -> list[str]:
        """What was taught, in the order in which it was first shown."""
        return list(dict.fromkeys(example.label for example in self.examples))


class Lessons:
    """Examples and models below `settings.teach_dir`. Its functions block: call them in threads.

    owner: whose it is, a digest of the API key, empty where the service asks for none. A name belongs to whoever first
    taught something under it, or to the model store.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models = Store(settings.model_store)
        self._taught = Store(settings.taught_store)
        self._names = TaughtNames(settings.teach_dir / "names")
        self._results = settings.teach_dir / "results"

    def of(self, owner: str) -> list[Lesson]:
        """All lessons of an owner, by name."""
        return [self.lesson(owner, name) for name in self._names.of(owner)]

    def lesson(self, owner: str, name: str) -> Lesson:
        """The lesson of this name, an empty one where nothing was taught yet. Raises name-taken."""
        self.check_name(owner, name)
        examples, versions = tuple(self._examples(owner).list(name)), self.versions(owner, name)
        return Lesson(name, examples, versions, self._result(name) if versions else None)

    def advice(self, owner: str, name: str) -> tuple[Advice, ...]:
        """What would make the model of this name better, what blocks it first. Raises name-taken."""
        self.check_name(owner, name)
        return advise(self._examples(owner).all(name))

    def keep_result(self, owner: str, taught: Taught) -> None:
        """Keep what the newest training found out, unless its lesson was forgotten meanwhile."""
        if self.owns(owner, taught.name):
            self._results.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._place(taught.name).write_bytes(to_json(taught))

    def check_owned(self, owner: str, name: str) -> None:
        """Raise name-taken, or example-unknown where the owner has taught nothing under this name."""
        self._own(owner, name)

    def owns(self, owner: str, name: str) -> bool:
        """Whether this owner has taught something under this name."""
        return self._names.owner(name) == owner

    def versions(self, owner: str, name: str) -> tuple[int, ...]:
        """Versions of the owner's model of this name, the newest last."""
        if not self.owns(owner, name) or not self._taught.has(name):
            return ()
        return tuple(one.version for one in self._taught.versions() if one.name == name)

    def check_name(self, owner: str, name: str) -> None:
        """Raise name-taken where the name is another key's, or that of a model which nobody taught here."""
        if self._names.owner(name) not in (None, owner) or self._models.has(name):
            raise SignError("name-taken", f"Another model is called {name}; choose another name.")

    def check_room(self, owner: str, name: str) -> None:
        """Raise name-taken or quota-exceeded where no example more may be kept under this name."""
        self.check_name(owner, name)
        settings, names = self._settings, list(self._names.of(owner))
        if name not in names and len(names) >= settings.teach_models:
            raise _quota("models", len(names), settings.teach_models)
        kept = self._count(owner)
        if kept >= settings.teach_examples:
            raise _quota("examples", kept, settings.teach_examples)
        if (size := self._size_bytes()) >= settings.teach_bytes:
            detail = f"All examples together take {size:,} bytes; {settings.teach_bytes:,} are allowed."
            raise SignError("disk-full", detail, limit=settings.teach_bytes, actual=size)

    def add(self, owner: str, name: str, example: Example) -> int:
        """Keep an example; which of its sign's takes it is. Raises as `check_room`, or disk-full."""
        self.check_room(owner, name)
        with _on_disk():
            if not self._names.claim(name, owner):
                raise SignError("name-taken", f"Another model is called {name}; choose another name.")
            self._examples(owner).add(name, example)
        return self.number(owner, name, example)

    def example(self, owner: str, name: str, example_id: str) -> Example:
        """One example with its landmarks. Raises example-unknown."""
        with _known(name, example_id):
            return self._own(owner, name).get(name, example_id)

    def number(self, owner: str, name: str, example: Example) -> int:
        """Which of its sign's takes an example is, from 1."""
        own = [one.id for one in self._examples(owner).list(name) if one.label == example.label]
        return own.index(example.id) + 1 if example.id in own else len(own) + 1

    def examples(self, owner: str, name: str) -> tuple[Example, ...]:
        """All examples of a lesson, oldest first. Raises example-unknown where there is none."""
        found = self._own(owner, name).all(name)
        if not found:
            raise SignError("example-unknown", f"Nothing was taught under the name {name}.")
        return found

    def forget(self, owner: str, name: str, example_id: str) -> None:
        """Delete one example. Raises example-unknown."""
        with _known(name, example_id):
            self._own(owner, name).delete(name, example_id)

    def forget_all(self, owner: str, name: str) -> None:
        """Delete all examples of a lesson and the model made of them, and free the name. Raises example-unknown."""
        examples = self._own(owner, name)
        with _on_disk():
            examples.delete_all(name)
            self._taught.remove(name)
            self._place(name).unlink(missing_ok=True)
        self._names.release(name)

    def packed(self, owner: str, name: str, version: int) -> bytes:
        """A version's folder as a .zip, under NAME/VERSION/ as in a store. Raises model-unknown, version-unknown."""
        versions = self.versions(owner, name)
        if not versions:
            raise SignError("model-unknown", f"There is no model {name} that this key has taught.")
        if version not in versions:
            known = ", ".join(map(str, versions))
            raise SignError("version-unknown", f"{name} has no version {version}; there are: {known}.")
        folder, out = self._taught.folder(name, version), io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, f"{name}/{version}/{path.name}")
        return out.getvalue()

    def folder(self, owner: str) -> Path:
        """Where the owner's examples lie."""
        return self._settings.teach_dir / "examples" / (owner or _ANYONE)

    def _result(self, name: str) -> Taught | None:
        try:
            return from_json(self._place(name).read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def _place(self, name: str) -> Path:
        return self._results / f"{name}.json"

    def _own(self, owner: str, name: str) -> ExampleStore:
        self.check_name(owner, name)
        if not self.owns(owner, name):
            raise SignError("example-unknown", f"Nothing was taught under the name {name}.")
        return self._examples(owner)

    def _examples(self, owner: str) -> ExampleStore:
        return ExampleStore(self.folder(owner))

    def _count(self, owner: str) -> int:
        return sum(1 for _ in self.folder(owner).glob("*/*/*.npz"))

    def _size_bytes(self) -> int:
        return sum(path.stat().st_size for path in (self._settings.teach_dir / "examples").glob("*/*/*/*.npz"))


def _quota(what: str, actual: int, limit: int) -> SignError:
    detail = f"{actual} {what} are kept for you already; {limit} may be. Delete some first."
    return SignError("quota-exceeded", detail, limit=limit, actual=actual, retry_after_s=60)


@contextmanager
def _known(name: str, example_id: str) -> Iterator[None]:
    try:
        yield
    except (UnknownExampleError, ExampleError):
        raise SignError("example-unknown", f"{name} has no example {example_id[:64]!r}.") from None


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SignError("disk-full", f"It could not be stored: {error.strerror}.") from error
