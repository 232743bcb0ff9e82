"""A network with fewer outputs, and without what only the others needed."""

from dataclasses import replace

from convert.errors import RefusalError
from convert.tflite.reader import Network


def keep_outputs(network: Network, names: list[str]) -> Network:
    """The network with these outputs, in this order. RefusalError where it has no such output."""
    by_name = {network.tensors[index].name: index for index in network.outputs}
    missing = [name for name in names if name not in by_name]
    if missing:
        raise RefusalError(f"The network has no outputs {missing}; it has {sorted(by_name)}.")
    needed = {by_name[name] for name in names}
    kept = []
    for operation in reversed(network.operations):
        if needed.intersection(operation.outputs):
            kept.append(operation)
            needed.update(operation.inputs)
    return replace(network, operations=tuple(reversed(kept)), outputs=tuple(by_name[name] for name in names))
