"""A Keras file from its bytes to a proven ONNX model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from convert.conversion import Proven
from convert.draft import ManifestDraft
from convert.errors import RefusalError
from convert.files import compute_sha256, expect
from convert.graph.export import Exported, export
from convert.graph.layer_graph import LayerGraph, read_graph
from convert.isolation import run_isolated
from convert.keras.reader import is_half_precision
from convert.model_info import ModelInfo, TensorSpec, count_kinds
from convert.parity import measure_reference

MAX_ONNX_BYTES = (1 << 31) - (1 << 20)


@dataclass(frozen=True, slots=True)
class KerasModel:
    """A read and exported model; the graph's weights lie in a folder that ends with the context."""

    graph: LayerGraph
    exported: Exported
    info: ModelInfo

    def prove(self, draft: ManifestDraft) -> Proven:
        """The model as it is published, against the NumPy reference of its layers."""
        if self.graph.parameters * 4 > MAX_ONNX_BYTES:
            raise RefusalError(f"The model has {self.graph.parameters} weights; ONNX files end at 2 GiB.")
        content: bytes = self.exported.model.SerializeToString()
        return Proven(content, measure_reference(self.graph, content), draft)


@contextmanager
def open_keras(
    path: Path, architecture: Path | None, arch: str | None = None, *, features: bool = False
) -> Iterator[KerasModel]:
    """Read a Keras file in a child process and export it. Raises ConversionError.

    arch: a known architecture's name, for weights only; features: such a network ends in its features.
    """
    expect(path, "keras")
    with tempfile.TemporaryDirectory(prefix="convert-") as name:
        folder = Path(name)
        request: dict[str, str | bool] = {"path": str(path.resolve())}
        if architecture is not None:
            request["architecture"] = str(architecture.resolve())
        if arch is not None:
            request |= {"arch": arch, "features": features}
        run_isolated("keras", request, folder)
        graph = read_graph(folder)
        exported = export(graph)
        yield KerasModel(graph, exported, _describe_model(path, graph, exported))


def _describe_model(path: Path, graph: LayerGraph, exported: Exported) -> ModelInfo:
    kinds = [layer.kind for call in graph.calls for layer in call.layer.walk()]
    ports = zip(exported.output_names, exported.output_shapes, strict=True)
    return ModelInfo(
        file=path.name,
        sha256=compute_sha256(path),
        framework=f"keras {graph.keras_version}",
        inputs=tuple(TensorSpec(one.name, one.shape, one.dtype) for one in graph.inputs),
        outputs=tuple(TensorSpec(name, shape) for name, shape in ports),
        output_activation=exported.output_activation,
        parameters=graph.parameters,
        layers=count_kinds([{"FoldTime": "TimeDistributed"}.get(kind, kind) for kind in kinds if kind != "UnfoldTime"]),
        warnings=graph.warnings,
        half=any(is_half_precision(one.config.get("dtype")) for call in graph.calls for one in call.layer.walk()),
    )
