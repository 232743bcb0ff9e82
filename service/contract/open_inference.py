"""Open Inference Protocol v2: tensors as JSON or as bytes, checked against what a model declares; no HTTP."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.errors import ParameterError, SignError
from service.findings import describe_finding
from service.registry.manifest import Dimension, Input, Manifest
from service.track import FloatArray

Datatype = Literal["BOOL", "UINT8", "INT32", "INT64", "FP16", "FP32"]
DATATYPES: Final[dict[str, Datatype]] = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "float32": "FP32",
}
"""What the protocol calls the types of a manifest's inputs."""

MOST_TENSORS: Final = 8
MOST_AXES: Final = 8
JSON_BYTES: Final = 8 * 1024 * 1024
"""Most bytes of a request's JSON: numbers written out take many times their bytes while they are read."""

Parameter = str | int | float | bool
Tensor = npt.NDArray[np.generic]
Size = Annotated[int, Field(ge=0, le=2**31 - 1)]
Name = Annotated[str, Field(min_length=1, max_length=256)]


class ServerBody(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """A tensor that a model takes or gives; −1: any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """A model, its versions, and its tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]

    @classmethod
    def of(cls, manifest: Manifest, versions: Sequence[int]) -> Self:
        output = TensorMetadata(name=manifest.output.name, datatype="FP32", shape=_lengths(manifest.output.shape))
        inputs = [
            TensorMetadata(name=entry.name, datatype=DATATYPES[entry.dtype], shape=_lengths(entry.shape))
            for entry in manifest.inputs
        ]
        return cls(
            name=manifest.name,
            versions=[str(version) for version in versions],
            platform="onnxruntime_onnx",
            inputs=inputs,
            outputs=[output],
        )


class ReadyBody(BaseModel):
    """Whether a model answers now."""

    name: str
    ready: bool


class LiveBody(BaseModel):
    """Whether the server is alive."""

    live: bool


class ServerReadyBody(BaseModel):
    """Whether the server answers now."""

    ready: bool


class InputTensor(BaseModel):
    """A tensor: its numbers in `data`, flat or nested, or behind the JSON, so many bytes of them."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    shape: list[Size] = Field(max_length=MOST_AXES)
    datatype: Datatype
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    data: list[Any] | None = None


class OutputTensor(BaseModel):
    """A tensor that is asked for."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    parameters: dict[str, Parameter] = Field(default_factory=dict)


class InferBody(BaseModel):
    """What is asked of a model."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(max_length=256)] | None = None
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    inputs: list[InputTensor] = Field(min_length=1, max_length=MOST_TENSORS)
    outputs: list[OutputTensor] | None = Field(None, max_length=MOST_TENSORS)


class GivenTensor(BaseModel):
    """A tensor that a model gave."""

    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Parameter] | None = None
    data: list[float] | None = None


class InferAnswer(BaseModel):
    """What a model gave."""

    id: str | None = None
    model_name: str
    model_version: str
    outputs: list[GivenTensor]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's tensors by name, its id, and whether the answer is to be bytes."""

    tensors: dict[str, Tensor]
    id: str | None
    as_bytes: bool


def read_request(body: bytes, header_bytes: int | None, manifest: Manifest) -> Asked:
    """The tensors of a request, each as the manifest declares it. header_bytes: of the JSON, where bytes lie behind it.

    SignError parameter-invalid, tensor-invalid, body-too-large: what is wrong, in words.
    """
    length = len(body) if header_bytes is None else header_bytes
    if length > len(body):
        raise tensor_invalid(f"Inference-Header-Content-Length says {length} bytes; the body has {len(body)}.")
    if length > JSON_BYTES:
        detail = f"The JSON has {length:,} bytes; {JSON_BYTES:,} are allowed. Send numbers as binary data."
        raise SignError("body-too-large", detail, limit=JSON_BYTES, actual=length)
    try:
        asked = InferBody.model_validate_json(body[:length])
    except ValidationError as error:
        raise _parameters(error) from None
    tensors = _tensors(asked, memoryview(body)[length:], manifest)
    _check_rows(tensors, manifest)
    return Asked(tensors, asked.id, _as_bytes(asked, manifest))


def write_answer(asked: Asked, manifest: Manifest, output: FloatArray) -> tuple[bytes, int | None]:
    """The answer's body, and of how many bytes its JSON is where bytes lie behind that."""
    given = GivenTensor(name=manifest.output.name, shape=list(output.shape), datatype="FP32")
    behind = b""
    if asked.as_bytes:
        behind = np.ascontiguousarray(output, "<f4").tobytes()
        given.parameters = {"binary_data_size": len(behind)}
    elif not np.isfinite(output).all():
        raise tensor_invalid("The output holds NaN or infinity, which JSON has no word for; ask for binary data.")
    else:
        given.data = [float(number) for number in output.reshape(-1)]
    answer = InferAnswer(id=asked.id, model_name=manifest.name, model_version=str(manifest.version), outputs=[given])
    text = answer.model_dump_json(exclude_none=True).encode()
    return text + behind, len(text) if asked.as_bytes else None


def tensor_invalid(detail: str) -> SignError:
    """The error of tensors that the model does not take."""
    return SignError("tensor-invalid", detail)


def _tensors(asked: InferBody, behind: memoryview, manifest: Manifest) -> dict[str, Tensor]:
    declared = {entry.name: entry for entry in manifest.inputs}
    found: dict[str, Tensor] = {}
    at = 0
    for tensor in asked.inputs:
        entry = declared.get(tensor.name)
        if entry is None:
            raise tensor_invalid(f"{manifest.name} has no input {tensor.name!r}; it has {', '.join(declared)}.")
        if tensor.name in found:
            raise tensor_invalid(f"The input {tensor.name} is given twice.")
        count = _check_shape(tensor, entry)
        size = tensor.parameters.get("binary_data_size")
        if size is None:
            found[tensor.name] = _from_json(tensor, entry, count)
            continue
        if tensor.data is not None:
            raise tensor_invalid(f"The input {tensor.name} has both data and binary_data_size.")
        found[tensor.name] = _from_bytes(tensor, entry, count, size, behind[at:])
        at += int(size)
    if at != len(behind):
        raise tensor_invalid(f"{len(behind) - at} bytes lie behind the JSON that no input names.")
    needed = [entry.name for entry in manifest.inputs if entry.source == "track" and entry.name not in found]
    if needed:
        raise tensor_invalid(f"The input {needed[0]} is missing.")
    return found


def _check_shape(tensor: InputTensor, entry: Input) -> int:
    """How many numbers there are to be; SignError where type or shape are not the declared ones."""
    datatype = DATATYPES[entry.dtype]
    if tensor.datatype != datatype:
        raise tensor_invalid(f"The input {tensor.name} is of {datatype}, not {tensor.datatype}.")
    fits = len(tensor.shape) == len(entry.shape) and all(
        given >= 1 and (given == said or not isinstance(said, int))
        for given, said in zip(tensor.shape, entry.shape, strict=True)
    )
    # a graph of fixed rows takes fewer: it is filled up
    if not fits and not (_fewer_rows(tensor.shape, entry.shape)):
        raise tensor_invalid(f"The input {tensor.name} has the shape {_lengths(entry.shape)}, not {tensor.shape}.")
    return math.prod(tensor.shape)


def _fewer_rows(given: list[int], said: Sequence[Dimension]) -> bool:
    if len(given) != len(said) or not given or not isinstance(said[0], int):
        return False
    rest = zip(given[1:], said[1:], strict=True)
    return given[0] >= 1 and all(one >= 1 and (one == other or not isinstance(other, int)) for one, other in rest)


def _from_bytes(tensor: InputTensor, entry: Input, count: int, size: Parameter, behind: memoryview) -> Tensor:
    dtype = np.dtype(entry.dtype).newbyteorder("<")
    if isinstance(size, bool) or size != count * dtype.itemsize:
        wanted = count * dtype.itemsize
        raise tensor_invalid(f"The input {tensor.name} takes {wanted} bytes; binary_data_size is {size}.")
    if len(behind) < count * dtype.itemsize:
        raise tensor_invalid(f"The body ends within the input {tensor.name}.")
    return np.frombuffer(behind, dtype, count).reshape(tensor.shape).astype(entry.dtype)


def _from_json(tensor: InputTensor, entry: Input, count: int) -> Tensor:
    if tensor.data is None:
        raise tensor_invalid(f"The input {tensor.name} has neither data nor binary_data_size.")
    kinds: tuple[type, ...] = (bool,) if entry.dtype == "bool" else (int,)
    if entry.dtype.startswith("float"):
        kinds = (int, float)
    numbers = []
    for number in _flat(tensor.data, len(tensor.shape)):
        if not isinstance(number, kinds) or (isinstance(number, bool) and bool not in kinds):
            raise tensor_invalid(f"The input {tensor.name} holds what is no number of {tensor.datatype}.")
        numbers.append(number)
    if len(numbers) != count:
        raise tensor_invalid(f"The input {tensor.name} takes {count} numbers; it has {len(numbers)}.")
    try:
        with np.errstate(over="ignore"):
            return np.array(numbers, np.dtype(entry.dtype)).reshape(tensor.shape)
    except OverflowError:
        raise tensor_invalid(f"The input {tensor.name} holds a number beyond {tensor.datatype}.") from None


def _flat(data: list[Any], axes: int) -> Iterator[object]:
    """The numbers of a list that is flat, or nested as deeply as there are axes."""
    for one in data:
        if isinstance(one, list):
            if axes <= 1:
                raise tensor_invalid("A tensor is nested more deeply than its shape says.")
            yield from _flat(one, axes - 1)
        else:
            yield one


def _check_rows(tensors: dict[str, Tensor], manifest: Manifest) -> None:
    """Lengths of the same name are the same in all tensors; what they are in a fixed axis was checked before."""
    seen: dict[str, int] = {}
    for entry in manifest.inputs:
        if entry.name not in tensors:
            continue
        for said, length in zip(entry.shape, tensors[entry.name].shape, strict=True):
            if isinstance(said, str) and seen.setdefault(said, length) != length:
                raise tensor_invalid(f"The inputs disagree on {said}: {seen[said]} and {length}.")
    if len({len(tensor) for tensor in tensors.values()}) > 1:
        raise tensor_invalid("The inputs disagree on how many rows there are.")


def _as_bytes(asked: InferBody, manifest: Manifest) -> bool:
    chosen = bool(asked.parameters.get("binary_data_output", False))
    for output in asked.outputs or ():
        if output.name != manifest.output.name:
            raise tensor_invalid(f"{manifest.name} has no output {output.name!r}; it has {manifest.output.name}.")
        if output.parameters.get("classification"):
            raise tensor_invalid("classification is not supported; /predict names labels.")
        chosen = bool(output.parameters.get("binary_data", chosen))
    return chosen


def _lengths(shape: Sequence[Dimension]) -> list[int]:
    return [length if isinstance(length, int) else -1 for length in shape]


def _parameters(error: ValidationError) -> SignError:
    found = tuple(
        ParameterError(".".join(map(str, one["loc"])) or "body", describe_finding(one)) for one in error.errors()[:8]
    )
    detail = "; ".join(f"{each.parameter}: {each.problem}" for each in found)
    return SignError("parameter-invalid", detail, parameters=found)
