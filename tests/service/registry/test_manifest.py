"""The manifest: what it refuses, and that the checked-in schema is the one that its classes make."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.registry.manifest import Manifest, json_schema, manifest_json
from tests.service.registry.graphs import draft, inputs, output

SCHEMA = Path(__file__).parents[3] / "model_store" / "manifest.schema.json"
FILES = {"model.onnx": {"sha256": "0" * 64, "bytes": 1}}


def _manifest(**changes: object) -> Manifest:
    return Manifest.model_validate({"schema": 1, "version": 1, "files": FILES, **draft(), **changes})


def test_the_checked_in_schema_is_the_one_that_the_classes_make() -> None:
    """Make it again with `make schema`."""
    assert SCHEMA.read_text() == json_schema()


def test_a_manifest_as_the_store_keeps_it_follows_the_schema_and_reads_back_equal() -> None:
    manifest = _manifest()
    text = manifest_json(manifest)
    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text()))
    assert Manifest.model_validate_json(text) == manifest


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lables": ["A"]}, "lables"),
        ({"schema": 2}, "schema"),
        ({"name": "Letters"}, "name"),
        ({"name": "../letters"}, "name"),
        ({"version": 0}, "version"),
        ({"labels": None}, "needs labels"),
        ({"labels": ["A", "A"]}, "stands twice"),
        ({"labels": ["A", "B", "C"]}, "there are 3, the output answers for 2"),
        ({"output": output(shape=["batch", 4], channels=["A", "B", "valence", "arousal"])}, "for the task affect"),
        ({"task": "affect", "output": output(shape=["batch", 3], channels=["B", "A", "arousal"])}, "channels name"),
        ({"task": "affect", "output": output(shape=["batch", 4], channels=["A", "B", "C", "arousal"])}, "there are 2"),
        ({"idle_labels": ["idle"]}, "are no labels"),
        ({"label_text": {"C": "see"}}, "are no labels"),
        ({"language": "english"}, "language"),
        ({"files": {}}, "model.onnx is missing"),
        ({"files": {**FILES, "../x": FILES["model.onnx"]}}, "no plain file names"),
        ({"files": {**FILES, "x\n": FILES["model.onnx"]}}, "no plain file names"),
        ({"files": {**FILES, "manifest.json": FILES["model.onnx"]}}, "no plain file names"),
        ({"files": {"model.onnx": {"sha256": "0", "bytes": 1}}}, "sha256"),
        ({"inputs": []}, "inputs"),
        ({"inputs": inputs(["batch", 3], **{"from": "mask"})}, "exactly one comes from the track"),
        ({"inputs": inputs([])}, "inputs"),
        ({"inputs": inputs(["batch", 0])}, "inputs"),
        ({"output": output(shape=[])}, "output"),
        ({"output": output(temperature=0)}, "temperature"),
        ({"output": output(threshold=1.5)}, "threshold"),
        ({"output": output(channels=["joy"])}, "there are 1, the output is 2 wide"),
        ({"output": output(activation="relu")}, "activation"),
        ({"requires": {"name": "c3d"}}, "requires.version"),
        ({"pipeline": {"kind": "magic"}}, "pipeline"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        _manifest(**changes)


@pytest.mark.parametrize("activation", ["sigmoid", "probabilities"])
def test_one_label_of_a_single_number_gets_its_opposite_which_is_idle(activation: str) -> None:
    manifest = _manifest(labels=["wave"], output=output(shape=["batch", 1], activation=activation))
    assert (manifest.labels, manifest.idle_labels) == (("other", "wave"), ("other",))
    assert Manifest.model_validate_json(manifest_json(manifest)) == manifest


def test_two_labels_of_a_single_number_stay_as_they_are() -> None:
    manifest = _manifest(labels=["no", "yes"], output=output(shape=["batch", 1], activation="sigmoid"))
    assert (manifest.labels, manifest.idle_labels) == (("no", "yes"), ())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(field=st.sampled_from([*draft(), "files", "version", "time", "requires", "parity"]), value=json_values)
def test_any_value_in_any_field_is_taken_or_refused_and_nothing_else(field: str, value: object) -> None:
    fields = {"schema": 1, "version": 1, "files": FILES, **draft(), field: value}
    try:
        manifest = Manifest.model_validate_json(json.dumps(fields))
    except ValidationError:
        return
    assert Manifest.model_validate_json(manifest_json(manifest)) == manifest
