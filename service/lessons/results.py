"""What a training found out, as it is kept beside the model."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from service.registry.manifest import Manifest
from service.teaching.training import TaughtModel


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many of all takes of a sign were taken for another one."""

    label: str
    other: str
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Taught:
    """A training's result: the version that answers now, how long it took, and how its takes fared when left out.

    accuracy, coverage: shares as in `service.teaching.validation.Figures`. protocol: how takes were left out.
    """

    name: str
    version: int
    seconds: float
    takes: int
    teachers: tuple[str, ...]
    accuracy: float | None
    coverage: float | None
    protocol: str
    confusions: tuple[Confusion, ...]

    @classmethod
    def of(cls, manifest: Manifest, made: TaughtModel, seconds: float) -> "Taught":
        figures = made.figures
        return cls(
            name=manifest.name,
            version=manifest.version,
            seconds=round(seconds, 3),
            takes=figures.takes,
            teachers=made.teachers,
            accuracy=figures.accuracy,
            coverage=figures.coverage,
            protocol=figures.protocol,
            confusions=tuple(Confusion(*entry) for entry in figures.confusions),
        )


_TAUGHT = TypeAdapter(Taught)


def to_json(taught: Taught) -> bytes:
    """A result as it is kept."""
    return _TAUGHT.dump_json(taught)


def from_json(text: bytes) -> Taught:
    """The result that `to_json` wrote."""
    return _TAUGHT.validate_json(text)
