"""Forest files that attack or mislead: refused with what to do, memory bounded, nothing published."""

import copy
import json
import resource
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convert.errors import RefusalError
from convert.xgboost import reader
from tests.convert.running import answer

DATA = Path(__file__).parents[2] / "data" / "xgboost"
VALID_JSON = (DATA / "2_1_binary.json").read_bytes()
VALID_UBJ = (DATA / "2_1_three.ubj").read_bytes()
HEAD = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner"


def refused(folder: Path, content: bytes, name: str = "head.ubj") -> str:
    """Convert it; the sentence of the refusal. Nothing may be published, and no child may have taken 2 GiB."""
    (folder / name).write_bytes(content)
    store = folder / "store"
    report = answer("xgboost", folder / name, "--name", "m", "--store", store, "--task", "features")
    assert report.get("exit_code") == 3, report
    assert report["error"]
    assert not store.exists()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 2 << 20  # KiB
    return f"{report['error']} {report['advice']}"


def refused_when_read(folder: Path, content: bytes) -> str:
    """The sentence of the refusal, without a child process around the reader."""
    (folder / "head").write_bytes(content)
    with pytest.raises(RefusalError) as refusal:
        reader.run({"path": str(folder / "head")}, folder)
    return str(refusal.value)


def length(count: int) -> bytes:
    return b"L" + struct.pack(">q", count)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"S" + length(1 << 60), "declares 1152921504606846976 bytes"),
        (b"S" + length(-1), "declares -1 bytes"),
        (b"[$d#" + length(1 << 60), "bytes; it has 0 more"),
        (b"[$d#" + length(-8), "declares -32 bytes"),
        (b"[$Z#" + length(1 << 40), "an array of b'Z', not of numbers"),
        (b"[$[#" + length(1 << 40), "an array of b'[', not of numbers"),
        (b"[#" + length(1 << 40), "more than it has bytes"),
        (b"{#" + length(1 << 40), "more than it has bytes"),
        (b"[#d\x7f\x80\x00\x00", "a length is written as b'd'"),
        (b"[" * 100_000, "nests more than 32 levels"),
        ((b"{" + length(1) + b"a") * 100_000, "nests more than 32 levels"),
        (b"H" + length(3) + b"999", "stands b'H', which XGBoost does not write"),
        (b"S" + length(2) + b"\xff\xfe", "no UTF-8"),
    ],
)
def test_lengths_and_depths_that_the_file_does_not_hold(body: bytes, says: str, tmp_path: Path) -> None:
    assert says in refused(tmp_path, HEAD + body)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("whole", [VALID_JSON, VALID_UBJ], ids=["json", "ubj"])
def test_a_file_that_ends_too_early(whole: bytes, share: float, tmp_path: Path) -> None:
    assert refused_when_read(tmp_path, whole[: int(len(whole) * share)])


def test_bytes_after_the_end_of_a_model(tmp_path: Path) -> None:
    assert "bytes follow the model's end" in refused(tmp_path, VALID_UBJ + b"N" * 10)


def test_json_that_nests_too_deep(tmp_path: Path) -> None:
    assert "nested too deeply" in refused(tmp_path, b'{"learner":' + b"[" * 200_000, "head.json")


def learner(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["learner"]
    return found


def tree(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = learner(document)["gradient_booster"]["model"]["trees"][1]
    return found


def with_tree(**changes: Callable[[list[Any]], list[Any]]) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for key, made in changes.items():
            tree(document)[key] = made(tree(document)[key])

    return change


def with_parameter(key: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        learner(document)["learner_model_param"][key] = value

    return change


def no_trees(document: dict[str, Any]) -> None:
    learner(document)["gradient_booster"]["model"]["trees"] = []


def another_group(document: dict[str, Any]) -> None:
    learner(document)["gradient_booster"]["model"]["tree_info"] = [0, 1, 0, 0]


def linear(document: dict[str, Any]) -> None:
    learner(document)["gradient_booster"] = {"name": "gblinear", "model": {"weights": [1.0]}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (with_tree(left_children=lambda v: [0, *v[1:]]), "two parents, or is its own ancestor"),
        (with_tree(left_children=lambda v: [v[0], 0, *v[2:]], right_children=lambda v: [v[0], 2, *v[2:]]), "ancestor"),
        (with_tree(left_children=lambda v: [len(v), *v[1:]]), "children are not in the tree"),
        (with_tree(right_children=lambda v: [-1, *v[1:]]), "children are not in the tree"),
        (with_tree(left_children=lambda v: v[:-1]), "different lengths"),
        (with_tree(left_children=lambda v: [v, v]), "something other than numbers"),
        (with_tree(left_children=lambda v: [v, v[:1]]), "lists of different lengths"),
        (with_tree(left_children=lambda v: [1 << 40, *v[1:]]), "numbers that are too large"),
        (with_tree(left_children=lambda v: [0.5, *v[1:]]), "something other than numbers"),
        (with_tree(split_indices=lambda v: [40, *v[1:]]), "beyond the 40 of the model"),
        (with_tree(split_indices=lambda v: [-1, *v[1:]]), "beyond the 40 of the model"),
        (with_tree(split_conditions=lambda v: [float("nan"), *v[1:]]), "holds NaN"),
        (with_tree(split_conditions=lambda v: [1e300, *v[1:]]), "NaN or infinite"),
        (with_tree(split_conditions=lambda v: [None, *v[1:]]), "something other than numbers"),
        (with_tree(default_left=lambda v: ["yes", *v[1:]]), "something other than numbers"),
        (with_parameter("num_feature", "1000000000"), "a whole number from 1 to 10000"),
        (with_parameter("num_feature", "²"), "a whole number"),
        (with_parameter("num_class", "-3"), "a whole number"),
        (with_parameter("num_class", "1" * 400), "a whole number"),
        (with_parameter("base_score", "nan"), "does not fit its objective"),
        (with_parameter("base_score", "0"), "does not fit its objective"),
        (with_parameter("base_score", "[1E-1,2E-1]"), "2 base scores for 1 numbers"),
        (with_parameter("base_score", "half"), "no number"),
        (with_parameter("base_score", {}), "no text 'base_score'"),
        (no_trees, "no tree"),
        (another_group, "tree_info"),
        (linear, "a linear model (gblinear)"),
        (lambda document: document.pop("learner") and document.update(learner_=1), "no 'learner'"),
        (lambda document: learner(document).pop("objective"), "no 'objective'"),
        (lambda document: learner(document).update(objective={"name": 7}), "no text 'name'"),
    ],
)
def test_forests_that_are_none(change: Callable[[dict[str, Any]], None], says: str, tmp_path: Path) -> None:
    document = copy.deepcopy(json.loads(VALID_JSON))
    change(document)
    assert says in refused_when_read(tmp_path, json.dumps(document).encode())


def test_nan_in_an_array_of_bytes(tmp_path: Path) -> None:
    at = VALID_UBJ.index(b"split_conditions") + len(b"split_conditions[$d#") + 9
    broken = VALID_UBJ[:at] + struct.pack(">f", float("nan")) + VALID_UBJ[at + 4 :]
    assert "Tree 0 holds NaN" in refused(tmp_path, broken)


def test_a_number_with_thousands_of_digits(tmp_path: Path) -> None:
    text = VALID_JSON.replace(b'"id":0', b'"id":' + b"9" * 100_000, 1)
    refused(tmp_path, text, "head.json")


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    assert "model.save_model('model.ubj')" in refused(tmp_path, b"\x80\x04\x95learner", "head.pkl")
    assert "old binary format" in refused(tmp_path, b"binf" + bytes(100), "head.model")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_of_any_bytes_is_a_forest_or_a_refusal(tmp_path: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([VALID_JSON, VALID_UBJ]))
    at = data.draw(st.integers(0, len(whole) - 1))
    new = data.draw(st.binary(min_size=1, max_size=12))
    path = tmp_path / "m"
    path.write_bytes(whole[:at] + new + whole[at + data.draw(st.integers(0, 12)) :])
    try:
        found = reader.run({"path": str(path)}, tmp_path)
    except (RefusalError, RecursionError):
        return
    assert found["features"] >= 1
