"""Tensors of /v2: as JSON and as bytes, and each thing that can be wrong with them."""

import json
from typing import Any

import numpy as np
import pytest

from service.contract.open_inference import JSON_BYTES, read_request, write_answer
from service.errors import SignError
from service.registry.manifest import Manifest
from tests.service.registry.graphs import draft, inputs, output

FILES = {"model.onnx": {"sha256": "0" * 64, "bytes": 1}}
MANIFEST = Manifest.model_validate(
    draft(version=1, files=FILES, inputs=inputs(["batch", "time", 3]), output=output(shape=["batch", 2]))
)
MASKED = Manifest.model_validate(
    draft(
        version=1,
        files=FILES,
        inputs=[
            *inputs(["batch", "time", 3]),
            {"name": "mask", "dtype": "float32", "shape": ["batch", "time"], "from": "mask"},
        ],
    )
)


def tensor(**changes: object) -> dict[str, object]:
    return {"name": "x", "shape": [1, 2, 3], "datatype": "FP32", "data": [1, 2, 3, 4, 5, 6], **changes}


def asked(*tensors: dict[str, Any], **more: object) -> bytes:
    return json.dumps({"inputs": list(tensors), **more}).encode()


def refused(body: bytes, header_bytes: int | None = None, manifest: Manifest = MANIFEST) -> SignError:
    with pytest.raises(SignError) as caught:
        read_request(body, header_bytes, manifest)
    return caught.value


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[[1, 2, 3], [4, 5, 6]]], [[1, 2, 3], [4, 5, 6]]])
def test_numbers_are_read_flat_or_nested(data: list[Any]) -> None:
    read = read_request(asked(tensor(data=data)), None, MANIFEST)
    np.testing.assert_array_equal(read.tensors["x"], np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3))
    assert not read.as_bytes


def test_bytes_behind_the_json_are_read_in_the_order_of_the_inputs() -> None:
    values, mask = np.arange(6, dtype="<f4").reshape(1, 2, 3), np.ones((1, 2), "<f4")
    header = asked(
        tensor(data=None, parameters={"binary_data_size": 24}),
        {"name": "mask", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}},
        parameters={"binary_data_output": True},
        id="seven",
    )
    read = read_request(header + values.tobytes() + mask.tobytes(), len(header), MASKED)
    np.testing.assert_array_equal(read.tensors["x"], values)
    np.testing.assert_array_equal(read.tensors["mask"], mask)
    text, length = write_answer(read, MASKED, np.array([[0.25, 0.5]], np.float32))
    assert length is not None
    said = json.loads(text[:length])
    assert (said["id"], said["model_version"], said["outputs"][0]["parameters"]) == (
        "seven", "1", {"binary_data_size": 8},
    )  # fmt: skip
    np.testing.assert_array_equal(np.frombuffer(text[length:], "<f4"), [0.25, 0.5])


def test_the_answer_is_json_where_it_is_not_asked_for_otherwise() -> None:
    text, length = write_answer(read_request(asked(tensor()), None, MANIFEST), MANIFEST, np.ones((1, 2), np.float32))
    assert length is None
    assert json.loads(text)["outputs"] == [{"name": "y", "shape": [1, 2], "datatype": "FP32", "data": [1.0, 1.0]}]
    with pytest.raises(SignError, match="NaN"):
        write_answer(read_request(asked(tensor()), None, MANIFEST), MANIFEST, np.full((1, 2), np.nan, np.float32))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "z"}, "no input 'z'"),
        ({"datatype": "INT32"}, "is of FP32"),
        ({"shape": [1, 2, 4]}, "has the shape"),
        ({"shape": [1, 2]}, "has the shape"),
        ({"shape": [0, 2, 3]}, "has the shape"),
        ({"data": [1, 2, 3]}, "takes 6 numbers; it has 3"),
        ({"data": [1, 2, 3, 4, 5, "6"]}, "no number"),
        ({"data": [1, 2, 3, 4, 5, True]}, "no number"),
        ({"data": [1, 2, 3, 4, 5, None]}, "no number"),
        ({"data": [[[[1]]]]}, "nested more deeply"),
        ({"data": None}, "neither data nor"),
        ({"data": [1], "parameters": {"binary_data_size": 24}}, "both data and"),
        ({"data": None, "parameters": {"binary_data_size": 23}}, "takes 24 bytes"),
        ({"data": None, "parameters": {"binary_data_size": -24}}, "takes 24 bytes"),
        ({"data": None, "parameters": {"binary_data_size": 24}}, "ends within"),
        ({"shape": [2**31 - 1, 2**31 - 1, 3], "data": [1]}, "numbers; it has 1"),
    ],
)
def test_a_tensor_that_the_model_does_not_take_is_refused_in_words(changes: dict[str, object], words: str) -> None:
    error = refused(asked(tensor(**changes)))
    assert (error.code, words in error.detail) == ("tensor-invalid", True), error.detail


def test_a_request_that_does_not_hold_together_is_refused_in_words() -> None:
    body = asked(tensor())
    assert "given twice" in refused(asked(tensor(), tensor())).detail
    assert "says 999 bytes" in refused(body, 999).detail
    assert "4 bytes lie behind" in refused(body + b"more", len(body)).detail
    assert "no output 'z'" in refused(asked(tensor(), outputs=[{"name": "z"}])).detail
    classes = [{"name": "y", "parameters": {"classification": 3}}]
    assert "classification" in refused(asked(tensor(), outputs=classes)).detail
    mask = {"name": "mask", "shape": [1, 3], "datatype": "FP32", "data": [1, 1, 1]}
    assert "disagree on time" in refused(asked(tensor(), mask), manifest=MASKED).detail
    assert "x is missing" in refused(asked(mask), manifest=MASKED).detail


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"inputs": []}', asked(*[tensor()] * 9), asked(tensor(shape=[1] * 9)), b"\xff" * 8]
)
def test_what_is_no_request_is_refused_as_a_parameter(body: bytes) -> None:
    assert refused(body).code == "parameter-invalid"


def test_json_has_a_limit_of_its_own() -> None:
    assert refused(b" " * (JSON_BYTES + 1)).code == "body-too-large"


def test_numbers_beyond_their_type_are_refused() -> None:
    manifest = Manifest.model_validate(
        draft(version=1, files=FILES, inputs=inputs(["batch", 3], dtype="uint8"), output=output())
    )
    given = {"name": "x", "shape": [1, 3], "datatype": "UINT8", "data": [1, 2, 256]}
    assert "beyond UINT8" in refused(asked(given), manifest=manifest).detail
    assert "no number" in refused(asked({**given, "data": [1, 2, 2.5]}), manifest=manifest).detail
