"""What a caller asks for, and the manifest in the making."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.labels import Labels
from convert.presets.preset import Times
from service.pipelines import Pipeline
from service.registry.manifest import Activation, Manifest, Task


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the caller asked for, as it stands on the command line."""

    name: str
    store: Path = Path("model_store")
    pipeline: str | None = None
    layout: str | None = None
    labels: str | None = None
    encoding: str = "utf-8"
    settings: tuple[str, ...] = ()
    task: Task | None = None
    requires: str | None = None
    activation: Activation | None = None
    channel: str | None = None
    window_s: float | None = None
    stride_s: float | None = None
    threshold: float | None = None
    idle: tuple[str, ...] = ()
    title: str | None = None
    license: str | None = None
    attribution: tuple[str, ...] = ()
    language: str | None = None
    unit: str | None = None
    details: Path | None = None
    golden: Path | None = None
    assume: bool = False


@dataclass(frozen=True, slots=True)
class ManifestDraft:
    """A manifest in the making: the pipeline and all that was found, wished and assumed.

    activation: what the service has yet to apply; channel: the name of the number that is a highlight's tension;
    channels: the names of all numbers where some are no labels.
    """

    task: Task
    pipeline: Pipeline
    preset: str | None
    times: Times | None
    assumptions: tuple[str, ...]
    overrides: dict[str, Any]
    labels: Labels | None
    details: dict[str, Any]
    notes: tuple[str, ...]
    required: Manifest | None
    activation: Activation
    channel: str | None
    channels: tuple[str, ...] | None = None
