"""Files that attack: nothing of them runs, and each is refused in words."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from convert.errors import RefusalError, RefusalKind
from tests.convert.sklearn.models import FILES, fit, read_model

FOREST = (FILES / "forest_sk1.3.2.p").read_bytes()


class Called:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.how = function, arguments

    def __reduce__(self) -> Any:
        return self.how


def refused(content: bytes, folder: Path, kind: RefusalKind) -> str:
    path = folder / "m.p"
    path.write_bytes(content)
    with pytest.raises(RefusalError) as caught:
        read_model(path)
    assert caught.value.kind == kind
    return str(caught.value)


@pytest.mark.parametrize("function", [os.system, eval, exec, __import__, getattr])
def test_a_call_beside_the_model_refuses_the_file_and_does_not_run(function: Any, tmp_path: Path) -> None:
    trap = tmp_path / "it-ran"
    model = fit(RandomForestClassifier(2, random_state=0))
    said = refused(pickle.dumps({"model": model, "x": Called(function, f"touch {trap}", "y")}), tmp_path, "unsafe")
    assert "when it is loaded" in said
    assert not trap.exists()


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "change",
    [
        {"left_child": 0},  # leads back to itself
        {"left_child": 1 << 40},
        {"right_child": -5},
        {"feature": 99},
        {"feature": -7},
        {"threshold": np.nan},
    ],
    ids=str,
)
def test_a_tree_that_is_none_is_refused(change: dict[str, Any], protocol: int, tmp_path: Path) -> None:
    model = fit(RandomForestClassifier(1, random_state=0))
    nodes = model.estimators_[0].tree_.__getstate__()["nodes"]  # the tree's own memory
    for name, value in change.items():
        nodes[name][0] = value
    assert "tree 0" in refused(pickle.dumps(model, protocol=protocol), tmp_path, "contradiction")


@pytest.mark.parametrize("name", ["forest_sk1.3.2.p", "logistic_sk1.3.2.joblib", "mlp_sk1.3.2.joblib"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_file_that_is_cut_off_is_said_to_miss_bytes(name: str, share: float, tmp_path: Path) -> None:
    content = (FILES / name).read_bytes()
    said = refused(content[: int(share * len(content))], tmp_path, "damaged")
    assert "all bytes of the file are there" not in said


@pytest.mark.parametrize("protocol", [2, 5])
def test_text_of_no_characters_is_refused(protocol: int, tmp_path: Path) -> None:
    model = LogisticRegression().fit(np.eye(2), ["A", "B"])
    content, text = pickle.dumps(model, protocol=protocol), "AB".encode("utf-32-le")
    assert text in content
    refused(content.replace(text, b"A\0\0\x7fB\0\0\0"), tmp_path, "unknown")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(FOREST) - 1), byte=st.integers(0, 255), cut=st.booleans())
def test_any_changed_byte_gives_a_model_or_a_refusal(place: int, byte: int, cut: bool, tmp_path: Path) -> None:
    changed = bytearray(FOREST)
    changed[place] = byte
    path = tmp_path / "m.p"
    path.write_bytes(bytes(changed[:place]) if cut else bytes(changed))
    try:
        read_model(path)
    except RefusalError as error:
        assert error.reason
