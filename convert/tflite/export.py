"""From a Network to ONNX: channels first inside, as ONNX's convolutions want them, and as in the file outside."""

from convert.errors import ContradictionError, RefusalError
from convert.tflite.exporter import Exporter
from convert.tflite.onnx_graph import ModelProto
from convert.tflite.operators import OPERATORS
from convert.tflite.reader import Network


def export(network: Network, name: str = "network") -> ModelProto:
    """The network as an ONNX model; inputs and outputs keep their names and shapes, with any number of rows.

    Raises RefusalError for operators and number types that are not converted, or whose inputs do not fit.
    """
    exporter = Exporter(network)
    inputs = exporter.begin()
    unknown = sorted({one.kind for one in network.operations} - OPERATORS.keys())
    if unknown:
        raise RefusalError(f"Operators that are not converted: {', '.join(unknown)}.")
    for operation in network.operations:
        try:
            OPERATORS[operation.kind](exporter, operation)
        except (IndexError, KeyError, TypeError, ValueError) as error:  # an operator with less than it needs
            raise ContradictionError(
                f"{operation.kind} has inputs or options that do not fit: {error!r}.", "Export it again."
            ) from None
    return exporter.graph.model(name, inputs, exporter.finish())
