"""A taught model as a version in the model store: a graph and a manifest like any other model's."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from service.errors import InvalidModelError
from service.registry.manifest import MODEL_FILE, Evaluation, Fact, Input, Manifest, Output, Parity, Source, Timing
from service.registry.session import ModelSession
from service.registry.store import Store, StoredModel, check_fields
from service.teaching.body import HAND, STEPS, body_features, landmark_section, points_of
from service.teaching.examples import UNKNOWN
from service.teaching.graph import BATCH, INPUT, OUTPUT, network_graph
from service.teaching.network import logits, softmax
from service.teaching.training import TaughtModel
from service.teaching.windows import stride_of
from service.track import FloatArray

FRAMEWORK: Final = "sign-service teach"
TOLERANCE: Final = 1e-4
_SAMPLES: Final = 32
_SEED: Final = 20261201
_LICENSE: Final = "its teachers'"


@dataclass(frozen=True, slots=True)
class PublishedAs:
    """How a model is named. title: what people read, the name where empty; license: what its teachers say of its use;
    version: of the program."""

    name: str
    title: str = ""
    license: str = _LICENSE
    version: str = ""


def publish(taught: TaughtModel, store: Path, named: PublishedAs) -> Manifest:
    """Publish a taught model as the next version of its name, once its graph is proven to say what the network says.

    InvalidModelError where it does not, or the name is none; OSError where the store cannot be written.
    """
    graph = network_graph(taught.networks, has_body=taught.has_body)
    fields = manifest_fields(taught, named)
    fields["parity"] = _prove(graph, fields, taught).model_dump()
    return Store(store).publish(fields, {MODEL_FILE: graph})


def manifest_fields(taught: TaughtModel, named: PublishedAs) -> dict[str, Any]:
    """The manifest, but for its version, files and parity."""
    labels = (*taught.signs, UNKNOWN)
    stride_s, pipeline = stride_of(taught.window_s), landmark_section(has_body=taught.has_body)
    fields = {
        "name": named.name,
        "title": named.title or named.name,
        "description": _description(taught),
        "task": "sign",
        "labels": labels,
        "idle_labels": (UNKNOWN,),
        "pipeline": pipeline,
        "unit": "word",
        "time": Timing(
            window_s=taught.window_s, stride_s=stride_s, min_duration_s=2 * stride_s, merge_gap_s=2 * stride_s
        ),
        "inputs": (
            Input.model_validate(
                {"name": INPUT, "dtype": "float32", "shape": (BATCH, STEPS, pipeline.width), "from": "track"}
            ),
        ),
        "output": Output(
            name=OUTPUT,
            shape=(BATCH, len(labels)),
            activation="softmax",
            temperature=round(taught.fitted.temperature, 4),
            threshold=round(taught.fitted.threshold, 4),
        ),
        "evaluation": (_evaluation(taught),) if taught.figures.takes else (),
        "source": _source(taught, named),
        "license": named.license,
        "attribution": tuple(f"Taught by {teacher}" for teacher in taught.teachers),
        "created": datetime.now(UTC),
    }
    return {key: _plain(value) for key, value in fields.items()}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.model_dump(by_alias=True) if hasattr(value, "model_dump") else value


def _description(taught: TaughtModel) -> str:
    signs, takes = len(taught.signs), sum(taught.takes.values())
    who = f" by {', '.join(taught.teachers)}" if taught.teachers else ""
    figures = taught.figures
    how = (
        f"Of {figures.takes} takes, each left out once ({figures.protocol}), {figures.accuracy:.0%} were recognized."
        if figures.accuracy is not None
        else "There were too few takes to measure it."
    )
    people = len(taught.teachers)
    warning = (
        "Whoever has not taught it will be recognized less, some people hardly at all: let them add takes of their own."
        if people < 2
        else f"It was taught by {people} people; others will be recognized less."
    )
    alone = "" if taught.has_body else " It looks at hands alone, wherever they are, since its takes show no shoulders."
    taught_by = f"{signs} signs, taught{who} with {takes} takes.{alone}"
    return f"{taught_by} {how} {warning} It was taught nothing else, and says so."


def _evaluation(taught: TaughtModel) -> Evaluation:
    figures = taught.figures
    told = [f"{label} → {other} {count} of {total}" for label, other, count, total in figures.confusions]
    return Evaluation(
        dataset="the takes that it was taught with",
        protocol=figures.protocol,
        persons=len(taught.teachers) or None,
        clips=figures.takes,
        accuracy=figures.accuracy,
        coverage=figures.coverage,
        per_class=figures.per_sign,
        note="taken for another: " + "; ".join(told) if told else "none was taken for another",
    )


def _source(taught: TaughtModel, named: PublishedAs) -> Source:
    facts = [Fact(fact=f"takes of {sign}", value=str(count), origin="read") for sign, count in taught.takes.items()]
    facts += [Fact(fact="taught by", value=teacher, origin="declared") for teacher in taught.teachers]
    return Source(
        framework=FRAMEWORK, file="examples", sha256=taught.digest, converter=named.version, facts=tuple(facts)
    )


def _prove(graph: bytes, fields: Mapping[str, object], taught: TaughtModel) -> Parity:
    """How far the graph's answers are from the network's own, on rows like those that a pipeline gives."""
    rng = np.random.default_rng(_SEED)
    rows = rng.random((_SAMPLES, STEPS, landmark_section(has_body=taught.has_body).width), np.float32)
    rows[: _SAMPLES // 4, :, : 4 * HAND] = 0.0  # hands that are not there
    rows[_SAMPLES // 4 : _SAMPLES // 2, :, 4 * HAND :] = 0.0  # no body
    rows[0] = 0.0
    features = body_features(points_of(rows))
    there = np.mean([np.log(softmax(logits(network, features))) for network in taught.networks], axis=0)
    difference = float(np.abs(_graph_answers(graph, fields, rows) - there).max())
    if not difference <= TOLERANCE:
        raise InvalidModelError(f"the graph is {difference:.2g} away from the network; {TOLERANCE:g} is allowed")
    return Parity(reference="numpy", samples=_SAMPLES, max_abs_diff=difference, tolerance=TOLERANCE, proven=True)


def _graph_answers(graph: bytes, fields: Mapping[str, object], rows: FloatArray) -> FloatArray:
    draft = check_fields(fields, [MODEL_FILE])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / MODEL_FILE).write_bytes(graph)
        session = ModelSession(StoredModel(draft, Path(folder)), threads=1)
        try:
            return session.run(rows, None)
        finally:
            session.close()
