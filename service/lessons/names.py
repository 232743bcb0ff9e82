"""Whose name a taught model has: one owner a name, and nobody else's model under it."""

from collections.abc import Iterator
from pathlib import Path

from service import system


class TaughtNames:
    """One small file a name, which holds its owner; replicas may share the folder. Its functions block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self, name: str, owner: str) -> bool:
        """Whether the name is this owner's, from now on if it was nobody's."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with (self._folder / name).open("x") as file:
                file.write(owner)
        except FileExistsError:
            return self.owner(name) == owner
        system.sync(self._folder)
        return True

    def owner(self, name: str) -> str | None:
        """Whose name it is; None where it is nobody's."""
        try:
            return (self._folder / name).read_text()
        except FileNotFoundError:
            return None

    def of(self, owner: str) -> Iterator[str]:
        """The owner's names, in alphabetical order."""
        if self._folder.is_dir():
            yield from (path.name for path in sorted(self._folder.iterdir()) if self.owner(path.name) == owner)

    def release(self, name: str) -> None:
        """Let the name be nobody's."""
        (self._folder / name).unlink(missing_ok=True)
