"""Which of a graph's outputs answers, and the names of its classes. Runs in the child process.

Converters of scikit-learn give a label beside the probabilities, and probabilities as a list of maps (ZipMap); the
service reads a table of numbers, one row each, so the maps are taken off.
"""

from typing import Any

ModelProto = Any
NodeProto = Any
"""onnx' messages, which have no types."""

_LABELED = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")


def remove_zipmaps(model: ModelProto) -> bool:
    """Let the graph give the table under each ZipMap instead of its maps; whether there was one."""
    from onnx import TensorProto, helper  # noqa: PLC0415 - heavy, and needed in the child alone

    maps = {node.output[0]: node for node in model.graph.node if node.op_type == "ZipMap"}
    found = [one for one in model.graph.output if one.name in maps]
    for one in found:
        node = maps[one.name]
        width = len(_read_labels(node) or ()) or None
        one.CopyFrom(helper.make_tensor_value_info(node.input[0], TensorProto.FLOAT, [None, width]))
        model.graph.node.remove(node)
    return bool(found)


def find_answer(outputs: list[dict[str, Any]]) -> int:
    """The place of the output that answers: the first, unless it is a label; then probabilities, or other numbers."""
    numbers = [place for place, one in enumerate(outputs) if one["dtype"] in ("float", "double", "float16")]
    named = [place for place in numbers if "prob" in outputs[place]["name"].lower()]
    return 0 if 0 in numbers else next(iter(named or numbers), 0)


def read_class_names(model: ModelProto, width: int | None) -> list[str] | None:
    """The classes' names in the order of the answer, where the graph stores as many as it answers for."""
    from onnx import TensorProto  # noqa: PLC0415 - needed in the child alone

    found = [names for node in model.graph.node if (names := _read_labels(node))]
    found += [
        [text.decode("utf-8", "replace") for text in tensor.string_data]
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.STRING
    ]
    fitting = [names for names in found if len(names) == width and len(set(names)) == width]
    words = [names for names in fitting if not all(name.lstrip("-").isdigit() for name in names)]
    return next(iter(words or fitting), None)


def _read_labels(node: NodeProto) -> list[str] | None:
    for attribute in node.attribute:
        if attribute.name in _LABELED:
            texts = [text.decode("utf-8", "replace") for text in attribute.strings]
            return texts or [str(number) for number in attribute.ints]
    return None
