"""An ONNX file read with suspicion. Runs in the child process; what leaves it is a description."""

from pathlib import Path
from typing import Any

import numpy as np

from convert.errors import ContradictionError, DamagedError, RefusalError, UnsafeError
from convert.onnx.answers import find_answer, read_class_names, remove_zipmaps
from convert.onnx.trial import try_out

KNOWN_DOMAINS = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}
REWRITTEN_FILE = "model.onnx"
MAX_NODES = 100_000
MAX_ELEMENTS = 1 << 31
_ENDINGS = {
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
    "LogSoftmax": "log_softmax",
    "Gemm": "linear",
    "MatMul": "linear",
    "TreeEnsembleRegressor": "linear",
    "SVMRegressor": "linear",
    "LinearRegressor": "linear",
}
_TRANSPARENT = {"Identity", "Dropout", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Cast"}
_DECIDED_BY_INPUT = {"ConstantOfShape", "If", "Loop", "Range", "Scan"}
ModelProto = Any
GraphProto = Any
ValueInfo = Any
"""onnx' messages, which have no types."""
_EXPORT = "Export it again as one plain ONNX file."


def run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The child's task: check the file at `path` and describe it; a changed graph is left in `folder`."""
    import onnx  # noqa: PLC0415 - heavy, and needed in the child alone
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # noqa: PLC0415

    path = Path(request["path"])
    try:
        model = onnx.load(str(path), load_external_data=False)
        _check_shell(model)
        _check_weights(model)
        onnx.checker.check_model(model)
        if remove_zipmaps(model):
            path = folder / REWRITTEN_FILE
            onnx.save(model, path)
        model = onnx.shape_inference.infer_shapes(model)
    except DecodeError:
        raise DamagedError(
            f"{path.name} is no ONNX file, or a truncated one.", "Download or export it again."
        ) from None
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ContradictionError(f"{path.name} is no valid ONNX graph: {str(error)[:300]}.", _EXPORT) from None
    described = _describe(model)
    trial = try_out(path, described["inputs"], described["outputs"], described["answer"], described["labels"])
    return described | {"trial": trial, "rewritten": path.parent == folder}


def _check_shell(model: ModelProto) -> None:
    foreign = sorted({entry.domain for entry in model.opset_import} - KNOWN_DOMAINS)
    if foreign or model.functions:
        raise RefusalError(
            f"The graph needs operators that are not ONNX Runtime's own: {foreign or 'local functions'}.", _EXPORT
        )
    if not model.graph.output or not model.graph.input:
        raise ContradictionError("The graph has no inputs or no outputs.", _EXPORT)
    if len(model.graph.node) > MAX_NODES:
        raise UnsafeError(f"The graph has {len(model.graph.node)} operations.", "Is it a model?")


def _check_weights(model: ModelProto) -> None:
    from onnx import TensorProto, numpy_helper  # noqa: PLC0415

    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
            raise DamagedError(f"The weight {tensor.name} lies in another file.", _EXPORT)
        declared = int(np.prod(list(tensor.dims), dtype=np.float64)) if tensor.dims else 1
        if declared > MAX_ELEMENTS or declared > max(64, tensor.ByteSize()) * 8:
            raise DamagedError(f"The weight {tensor.name} declares {list(tensor.dims)}, more than it holds.", _EXPORT)
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
            try:
                values = numpy_helper.to_array(tensor)
            except ValueError as error:
                raise DamagedError(f"The weight {tensor.name} is damaged: {error}.", _EXPORT) from None
            if not np.isfinite(values).all():
                raise ContradictionError(
                    f"The weight {tensor.name} has NaN or infinite values.", "Take another checkpoint."
                )


def _describe(model: ModelProto) -> dict[str, Any]:
    weights = {tensor.name for tensor in model.graph.initializer}
    names = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    outputs = [_describe_tensor(one) for one in model.graph.output]
    answer = find_answer(outputs)
    return {
        "producer": f"{model.producer_name} {model.producer_version}".strip(),
        "opset": names.get("ai.onnx", 0),
        "inputs": [_describe_tensor(one) for one in model.graph.input if one.name not in weights],
        "outputs": outputs,
        "answer": answer,
        "labels": read_class_names(model, (outputs[answer]["shape"] or [None])[-1]),
        "operations": [node.op_type for node in model.graph.node],
        "open_ends": _find_open_ends(model.graph),
        "parameters": sum(int(np.prod(list(tensor.dims), dtype=np.int64)) for tensor in model.graph.initializer)
        + sum(len(attribute.floats) for node in model.graph.node for attribute in node.attribute),
        "output_activation": _find_output_activation(model, outputs[answer]["name"]),
    }


def _find_open_ends(graph: GraphProto) -> list[str]:
    """Kinds of operations whose length or size the input may decide, also in bodies of others."""
    fixed = {tensor.name for tensor in graph.initializer}
    fixed |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    found = set()
    for node in graph.node:
        if node.op_type in _DECIDED_BY_INPUT and not (node.op_type != "Loop" and node.input[0] in fixed):
            found.add(node.op_type)
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                found.update(_find_open_ends(body))
    return sorted(found)


def _describe_tensor(one: ValueInfo) -> dict[str, Any]:
    from onnx import TensorProto  # noqa: PLC0415

    kind = one.type.tensor_type
    sizes = [size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else None for size in kind.shape.dim]
    return {"name": one.name, "dtype": TensorProto.DataType.Name(kind.elem_type).lower(), "shape": sizes}


def _find_output_activation(model: ModelProto, name: str) -> str:
    """What makes this output, looking through operations that change no value."""
    makers = {name: node for node in model.graph.node for name in node.output}
    weights = {tensor.name for tensor in model.graph.initializer}
    for _ in range(len(model.graph.node)):
        node = makers.get(name)
        if node is None:
            return ""
        if node.op_type in _TRANSPARENT:
            name = node.input[0]
            continue
        if node.op_type == "Add" and any(one in weights for one in node.input):
            name = next((one for one in node.input if one not in weights), "")
            continue
        return _ENDINGS.get(node.op_type, "")
    return ""
