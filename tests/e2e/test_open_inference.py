"""/v2: the Open Inference Protocol, asked by hand and by Triton's own client."""

import json
import struct
from typing import Any

import httpx
import numpy as np
import pytest

from tests.others import run_with_others
from tests.running import RunningService

INFER = "/v2/models/asl-letters/infer"
VALUES = np.linspace(-1, 1, 126, dtype="<f4")

TRITON = """
import json, sys
import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException
client = triton.InferenceServerClient(sys.argv[1].removeprefix("http://"))
metadata = client.get_model_metadata("asl-letters")
entry = metadata["inputs"][0]
values = np.array(json.load(sys.stdin), np.float32)
def ask(binary, name=entry["name"]):
    tensor = triton.InferInput(name, values.shape, "FP32")
    tensor.set_data_from_numpy(values, binary_data=binary)
    output = metadata["outputs"][0]["name"]
    wanted = [triton.InferRequestedOutput(output, binary_data=binary)]
    answer = client.infer("asl-letters", [tensor], outputs=wanted, request_id="seven")
    return answer.as_numpy(output).tolist(), answer.get_response()["id"]
try:
    ask(True, "none")
    refused = ""
except InferenceServerException as error:
    refused = error.message()
print(json.dumps({
    "live": client.is_server_live(), "ready": client.is_server_ready(),
    "model": client.is_model_ready("asl-letters"), "version": client.is_model_ready("asl-letters", "2"),
    "unknown": client.is_model_ready("no-such"), "server": client.get_server_metadata()["name"],
    "binary": ask(True), "json": ask(False), "refused": refused,
}))
"""


def tensor_of(service: RunningService) -> dict[str, Any]:
    """The model's input, as its metadata tell it, with numbers of one row."""
    (entry,) = service.client.get("/v2/models/asl-letters").json()["inputs"]
    shape = [1 if length < 0 else length for length in entry["shape"]]
    values = np.resize(VALUES, shape)
    return {"name": entry["name"], "datatype": entry["datatype"], "shape": shape, "data": values.ravel().tolist()}


def numbers(answer: httpx.Response) -> list[float]:
    assert answer.status_code == 200, answer.text
    return list(answer.json()["outputs"][0]["data"])


def test_the_server_and_its_models_say_what_they_are(service: RunningService) -> None:
    assert service.client.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert service.client.get("/v2/health/live").json() == {"live": True}
    assert service.client.get("/v2/health/ready").json() == {"ready": True}
    metadata = service.client.get("/v2/models/asl-letters").json()
    assert metadata == service.client.get("/v2/models/asl-letters/versions/2").json()
    assert (metadata["versions"], metadata["platform"]) == (["2", "1"], "onnxruntime_onnx")
    assert service.client.get("/v2/models/asl-letters/versions/2/ready").json()["ready"] is True
    unknown = service.client.get("/v2/models/no-such/ready")
    assert (unknown.status_code, unknown.json()["error"]) == (404, unknown.json()["detail"])


def test_json_and_bytes_give_the_same_numbers(service: RunningService) -> None:
    tensor = tensor_of(service)
    plain = service.client.post(INFER, json={"inputs": [tensor], "id": "seven"})
    assert (plain.json()["id"], plain.json()["model_name"], plain.json()["model_version"]) == (
        "seven", "asl-letters", "2",
    )  # fmt: skip
    behind = struct.pack(f"<{len(tensor['data'])}f", *tensor["data"])
    named = {**tensor, "parameters": {"binary_data_size": len(behind)}}
    del named["data"]
    header = json.dumps({"inputs": [named], "parameters": {"binary_data_output": True}}).encode()
    length = {"Inference-Header-Content-Length": str(len(header))}
    answer = service.client.post(INFER, content=header + behind, headers=length)
    text = int(answer.headers["Inference-Header-Content-Length"])
    given = np.frombuffer(answer.content[text:], "<f4").tolist()
    assert given == numbers(plain)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"datatype": "FP16"}, 422, "tensor-invalid"),
        ({"shape": [1]}, 422, "tensor-invalid"),
        ({"data": [1.0]}, 422, "tensor-invalid"),
        ({"data": "none"}, 422, "parameter-invalid"),
        ({"datatype": "BYTES"}, 422, "parameter-invalid"),
        ({"shape": [-1]}, 422, "parameter-invalid"),
    ],
)
def test_tensors_that_the_model_does_not_take_are_a_problem(
    service: RunningService, change: dict[str, Any], status: int, code: str
) -> None:
    answer = service.client.post(INFER, json={"inputs": [{**tensor_of(service), **change}]})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["error"] == answer.json()["detail"]


def test_what_is_too_large_or_compressed_is_refused(service: RunningService) -> None:
    large = service.client.post(INFER, content=bytes(32 * 1024 * 1024 + 1))
    assert (large.status_code, large.json()["code"]) == (413, "body-too-large")
    packed = service.client.post(INFER, content=b"x", headers={"Content-Encoding": "gzip"})
    assert packed.json()["code"] == "tensor-invalid"
    longer = service.client.post(INFER, content=b"{}", headers={"Inference-Header-Content-Length": "3"})
    assert longer.json()["code"] == "tensor-invalid"


def test_a_body_that_is_no_json_is_named_the_body(service: RunningService) -> None:
    said = service.client.post(INFER, content=b"{").json()
    assert said["errors"] == [{"parameter": "body", "problem": "it is not JSON"}]
    assert said["detail"] == "body: it is not JSON"


def test_tritons_client_gets_the_same_numbers(service: RunningService) -> None:
    tensor = tensor_of(service)
    expected = numbers(service.client.post(INFER, json={"inputs": [tensor]}))
    values = np.array(tensor["data"], np.float32).reshape(tensor["shape"]).tolist()
    said = json.loads(run_with_others(TRITON, service.url, text=json.dumps(values)))
    for way in ("binary", "json"):
        assert said[way] == [[expected], "seven"], way
    assert [said[name] for name in ("live", "ready", "model", "version", "unknown")] == [True, True, True, True, False]
    assert said["server"] == "sign-service"
    assert "no input 'none'" in said["refused"]
