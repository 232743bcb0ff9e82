"""manifest.json, schema 1: all that is known of a model. The checked-in JSON Schema is generated from these classes."""

import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from service.execution_providers import PROVIDERS
from service.pipelines import Pipeline
from service.section import Section
from service.track import HandState

NAME_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}$"
MANIFEST_FILE = "manifest.json"
MODEL_FILE = "model.onnx"
SAMPLE_FILE = "sample.npz"
"""Optional: rows as the graph takes them and what it answers on the CPU, by which a provider is judged."""
OTHER_LABEL = "other"
LEAST_WINDOW_S, LEAST_STRIDE_S, MOST_TIME_S = 0.05, 0.02, 600.0
"""What callers may ask of windows (`service.contract.options`) bounds what a manifest may say of them."""
MEASURES = ("valence", "arousal")
"""Channels of an affect model that are no emotions."""

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = str | dict[str, str]
Task = Literal["sign", "features", "affect", "highlight"]
Activation = Literal["softmax", "sigmoid", "none", "probabilities"]
Dimension = Annotated[int, Field(ge=1)] | str
Shape = Annotated[tuple[Dimension, ...], Field(min_length=1)]
FILE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")


class Requires(Section):
    """Another model, pinned, whose output this one reads."""

    name: Name
    version: int = Field(ge=1)


class Timing(Section):
    """How a model answers over time, in seconds. whole_clip: /predict looks at the whole medium at once.

    answers_at_s: the moment in a window, from its start, that its answer is about. Every stride of the medium then has
    its own window, and those of its beginning and end reach beyond it. None: windows lie in the medium, and each
    answers for its middle.
    """

    window_s: float = Field(ge=LEAST_WINDOW_S, le=MOST_TIME_S)
    stride_s: float = Field(ge=LEAST_STRIDE_S, le=MOST_TIME_S)
    min_duration_s: float = Field(0.0, ge=0, le=MOST_TIME_S)
    merge_gap_s: float = Field(0.0, ge=0, le=MOST_TIME_S)
    whole_clip: bool = False
    answers_at_s: float | None = Field(None, ge=0)


class MomentDecoder(Section):
    """How the answers of a model that says of single moments what is shown become signs: its time has answers_at_s.

    states: what an idle label means: `spelling` is a way between two signs, or a CTC model's blank; `signing` is
    signing that shows none of the labels; `resting` neither. An idle label that is not named rests. change_cost: what
    each change costs on the most probable path, in nats. lag_s: how far the decisions trail behind the newest moment.
    least_state_s: a state that lasts less is not told. begins_as: by sign, the signs whose shape its movement begins
    with; where one goes over into it without a way between, it is part of it.
    """

    kind: Literal["moments"] = "moments"
    states: dict[str, HandState] = Field(default_factory=dict)
    change_cost: float = Field(1.0, ge=0, le=100)
    lag_s: float = Field(0.2, ge=0, le=5)
    least_state_s: float = Field(0.5, ge=0)
    begins_as: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Input(Section):
    """One input of the graph and where it comes from."""

    name: str
    dtype: Literal["float32", "float16", "uint8", "int64", "int32", "bool"]
    shape: Shape
    source: Literal["track", "mask"] = Field("track", alias="from")


class Output(Section):
    """The output that answers, and what the service has yet to apply to it.

    temperature divides logits (log-probabilities where the graph ends in softmax) before the activation; below
    threshold the service declines to answer. channels: names of the numbers where they are no labels; channel: the one
    of them, or of the labels, that is the tension of /highlights. With emotions, valence and arousal are measures:
    they are taken as they are, and softmax is over the others.
    """

    name: str
    shape: Shape
    activation: Activation
    temperature: float = Field(1.0, ge=0.01, le=100)
    threshold: float = Field(0.0, ge=0, le=1)
    channels: tuple[str, ...] | None = None
    channel: str | None = None

    @model_validator(mode="after")
    def _check_channels(self) -> "Output":
        if self.channels is not None and isinstance(self.width, int) and len(self.channels) != self.width:
            raise ValueError(f"channels: there are {len(self.channels)}, the output is {self.width} wide")
        return self

    @property
    def width(self) -> Dimension:
        """Numbers that the graph gives for one row."""
        return self.shape[-1]

    @property
    def is_binary(self) -> bool:
        """Whether one number y is the answer, standing for the probabilities [1 − y, y]."""
        return _is_binary(self.shape, self.activation)

    @property
    def measures(self) -> tuple[int, ...]:
        """Places of the channels that are no label of the softmax beside them; none in an output without emotions."""
        if self.channels is None or self.activation not in ("softmax", "probabilities"):
            return ()
        places = tuple(place for place, name in enumerate(self.channels) if name in MEASURES)
        return places if len(places) < len(self.channels) else ()

    @property
    def emotions(self) -> tuple[int, ...]:
        """Places of the other channels."""
        return tuple(place for place in range(len(self.channels or ())) if place not in self.measures)


class StoredFile(Section):
    """A file of the version's folder."""

    sha256: Sha256
    bytes: int = Field(ge=0)


class Parity(Section):
    """How far the graph's outputs were from the reference's on the same inputs.

    proven: false where the reference rests on a structure that was assumed; null where that was not recorded.
    """

    reference: Literal["numpy", "golden", "torch"]
    samples: int = Field(ge=1)
    max_abs_diff: float = Field(ge=0)
    tolerance: float = Field(gt=0)
    proven: bool | None = None


class Evaluation(Section):
    """Figures of one evaluation; the command that makes them again stands in docs/."""

    dataset: str
    protocol: str
    persons: int | None = None
    clips: int | None = None
    accuracy: float | None = None
    macro_f1: float | None = None
    coverage: float | None = None
    per_class: dict[str, float] | None = None
    note: str | None = None


class Quantization(Section):
    """What was quantized, how, and what it cost and brought."""

    method: str
    agreement: float = Field(ge=0, le=1)
    samples: int = Field(ge=1)
    speedup: float = Field(gt=0)


class Runtime(Section):
    """How the graph runs best on the machine where `convert tune` measured it.

    providers: tried in this order, those of them that are installed, unless an operator says otherwise. threads: of
    one inference. optimization: how far ONNX Runtime rewrites the graph. machine, row_ms: where, and what a row took.
    """

    providers: tuple[str, ...] = ()
    threads: int | None = Field(None, ge=1, le=256)
    optimization: Literal["all", "extended", "basic"] = "all"
    machine: str | None = None
    row_ms: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _check_providers(self) -> "Runtime":
        if unknown := sorted(set(self.providers) - set(PROVIDERS)):
            raise ValueError(f"runtime: providers: {unknown} are none of {sorted(PROVIDERS)}")
        return self


class Fact(Section):
    """One fact of a converted model: read from its file, declared by who converted it, or assumed."""

    fact: str
    value: str
    origin: Literal["read", "declared", "assumed"]


class Source(Section):
    """The file that the model came from, and what the caller changed of the preset."""

    framework: str
    file: str
    sha256: Sha256
    converter: str
    preset: str | None = None
    overrides: dict[str, Any] = Field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()


class Manifest(Section):
    """All that is known of a model version.

    memory_bytes: what the graph took on a trial run, where that is more than its files tell.
    A single number between 0 and 1 (sigmoid of width 1) has the labels [other, positive]; where only the positive one
    is given, `other` is added and is an idle label. over_time: another model, pinned, that answers in this one's place
    what is signed when: /timeline, its jobs and /stream.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    name: Name
    version: int = Field(ge=1)
    title: Text
    description: Text = ""
    task: Task
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] | None = None
    labels: tuple[str, ...] | None = None
    label_text: dict[str, Text] = Field(default_factory=dict)
    idle_labels: tuple[str, ...] = ()
    pipeline: Pipeline
    requires: Requires | None = None
    unit: Literal["letter", "word"] | None = None
    time: Timing | None = None
    decoder: MomentDecoder | None = None
    over_time: Requires | None = None
    inputs: tuple[Input, ...] = Field(min_length=1)
    output: Output
    files: dict[str, StoredFile]
    memory_bytes: int | None = Field(None, ge=1)
    parity: Parity | None = None
    evaluation: tuple[Evaluation, ...] = ()
    quantization: Quantization | None = None
    runtime: Runtime | None = None
    source: Source | None = None
    license: str
    attribution: tuple[str, ...] = ()
    created: datetime

    @model_validator(mode="before")
    @classmethod
    def _name_the_other(cls, fields: object) -> object:
        if not isinstance(fields, dict):
            return fields
        labels, idle = fields.get("labels"), fields.get("idle_labels") or ()
        if isinstance(labels, list | tuple) and isinstance(idle, list | tuple) and len(labels) == 1:
            output = fields.get("output")
            if isinstance(output, Output):
                binary = output.is_binary
            else:
                binary = isinstance(output, dict) and _is_binary(output.get("shape"), output.get("activation"))
            if binary:
                return {**fields, "labels": [OTHER_LABEL, *labels], "idle_labels": [*idle, OTHER_LABEL]}
        return fields

    @model_validator(mode="after")
    def _check(self) -> "Manifest":
        self._check_files()
        self._check_labels()
        self._check_channel()
        self._check_inputs()
        self._check_decoder()
        return self

    def _check_files(self) -> None:
        if MODEL_FILE not in self.files:
            raise ValueError(f"files: {MODEL_FILE} is missing")
        unsafe = [name for name in self.files if not FILE_NAME.fullmatch(name) or name == MANIFEST_FILE]
        if unsafe:
            raise ValueError(f"files: {unsafe} are no plain file names")

    def _check_labels(self) -> None:
        if self.task == "sign" and not self.labels:
            raise ValueError("labels: a model that names signs needs labels")
        if self.task != "affect" and self.output.measures:
            raise ValueError("output: valence and arousal beside other channels are for the task affect")
        if self.labels is None:
            return
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels: a label stands twice")
        unknown = (set(self.idle_labels) | set(self.label_text)) - set(self.labels)
        if unknown:
            raise ValueError(f"idle_labels and label_text: {sorted(unknown)} are no labels")
        width = 2 if self.output.is_binary else self.output.width
        if isinstance(width, int) and width - len(self.output.measures) != len(self.labels):
            raise ValueError(f"labels: there are {len(self.labels)}, the output answers for {width}")
        if self.output.channels is not None and self.output.measures:
            emotions = tuple(self.output.channels[place] for place in self.output.emotions)
            if emotions != self.labels:
                raise ValueError(f"labels: they are {list(self.labels)}, the channels name {list(emotions)}")

    def _check_decoder(self) -> None:
        answers_at_s = None if self.time is None else self.time.answers_at_s
        if (self.decoder is None) != (answers_at_s is None):
            raise ValueError(
                "decoder: it reads moments, and time.answers_at_s says which: neither goes without the other"
            )
        if self.decoder is None:
            return
        if self.task != "sign":
            raise ValueError("decoder: only models that name signs have one")
        unknown = set(self.decoder.states) - set(self.idle_labels)
        if unknown:
            raise ValueError(f"decoder: states: {sorted(unknown)} are no idle labels")
        named = {name for sign, first in self.decoder.begins_as.items() for name in (sign, *first)}
        if unknown := named - set(self.labels or ()):
            raise ValueError(f"decoder: begins_as: {sorted(unknown)} are no labels")

    def _check_channel(self) -> None:
        channel, named = self.output.channel, self.output.channels or self.labels or ()
        if channel is not None and channel not in named:
            raise ValueError(f"output: channel: {channel!r} is none of {list(named)}")

    def _check_inputs(self) -> None:
        tracks = [entry for entry in self.inputs if entry.source == "track"]
        if len(tracks) != 1:
            raise ValueError(f"inputs: exactly one comes from the track, not {len(tracks)}")
        if self.pipeline.head is not None and self.requires is None:
            raise ValueError("requires: a series reads another model's outputs; name it")
        made, taken = self.pipeline.input_shape, tuple(tracks[0].shape[1:])
        if made is None:
            return
        if len(made) != len(taken) or any(one not in (None, two) for one, two in zip(made, taken, strict=True)):
            raise ValueError(f"inputs: the pipeline makes {made}, the graph takes {taken}")


def _is_binary(shape: object, activation: object) -> bool:
    single = isinstance(shape, list | tuple) and len(shape) > 0 and shape[-1] == 1
    return single and activation in ("sigmoid", "probabilities")


def read_manifest(path: Path) -> Manifest:
    """The manifest at this path; pydantic's ValidationError or OSError where it is none."""
    return Manifest.model_validate_json(path.read_bytes())


def manifest_json(manifest: Manifest) -> str:
    """The manifest as the store keeps it."""
    return manifest.model_dump_json(by_alias=True, indent=2, exclude_none=False) + "\n"


def json_schema() -> str:
    """The JSON Schema of manifest.json, as checked in beside the store."""
    schema = Manifest.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json_schema())
