"""A Keras file of any dialect → LayerGraph. Runs in the child process; weights and structure leave as plain data."""

import zlib
from pathlib import Path
from typing import Any

from convert.errors import SAVE_AGAIN, CallError, ContradictionError, DamagedError, MismatchError, RefusalError
from convert.graph.layer_graph import Config, GraphInput, LayerGraph, Ref, Setting, write_graph
from convert.keras.architectures import Known, build_known_config, resembles_c3d, resolve_weights
from convert.keras.archive import Archive, open_archive, parse_json
from convert.keras.calls import Caller
from convert.keras.declared import Declaration, Part
from convert.keras.dialects import read_input_shape, read_major_version
from convert.keras.known import check_kinds
from convert.keras.stacked import resembles_stack
from convert.keras.weights import assign_by_path, assign_layered
from service.text import read_text

_NO_ARCHITECTURE = "The file holds weights only, no architecture."
_GIVE_IT = "Give Keras' own `open('model.json', 'w').write(model.to_json())` with --architecture model.json."
_NAME_C3D = "Its layers have the names of a C3D: give --arch c3d (and --task features for the 4096 features of fc7)."
_NAME_ACTION = "If it is the common action.h5 (LSTM and Dense layers with relu, softmax last): --arch action-lstm."
MAX_JSON_BYTES = 64 << 20


def run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The child's task: read the file at `path` and leave the graph in `folder`."""
    architecture = request.get("architecture")
    known = Known(request["arch"], bool(request.get("features"))) if request.get("arch") else None
    path = Path(request["path"])
    try:
        graph = read_keras(path, folder, Path(architecture) if architecture else None, known)
        write_graph(graph, folder)
    except RecursionError:
        raise
    except (OSError, RuntimeError, EOFError, zlib.error) as error:  # of HDF5 and zip, anywhere in the file
        raise DamagedError(
            f"{path.name} cannot be read: {_first_line(error)}.", "Download or copy it again."
        ) from error
    except _NOT_WRITTEN_BY_KERAS as error:
        said = f"{type(error).__name__}: {_first_line(error)}"
        raise ContradictionError(
            f"The architecture holds a value that Keras does not write ({said}).", SAVE_AGAIN
        ) from error
    return {"keras_version": graph.keras_version}


_NOT_WRITTEN_BY_KERAS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]


def read_keras(path: Path, folder: Path, architecture: Path | None = None, known: Known | None = None) -> LayerGraph:
    """Read a model file into a LayerGraph; a weights-only file needs its architecture beside it, or a known one's name.

    folder: an empty one for what has to be unpacked. Raises RefusalError with what to do.
    """
    if architecture is not None and known is not None:
        raise CallError("--architecture and --arch exclude each other.")
    archive = open_archive(path, folder)
    config = archive.config
    version = archive.keras_version
    if config is not None and (architecture is not None or known is not None):
        given = "--architecture" if architecture is not None else "--arch"
        raise CallError("The file has its own architecture.", f"Leave out {given}.")
    if architecture is not None:
        config = _architecture(architecture)
        version = str(config.get("keras_version", version))
    elif known is not None:
        config = build_known_config(known, archive)
    elif config is None:
        raise RefusalError(_NO_ARCHITECTURE, _advise(archive))
    if not isinstance(config, dict):
        raise ContradictionError("The architecture is no JSON object.", SAVE_AGAIN)
    keras = read_major_version(version)
    model = Declaration(version).model(config)
    check_kinds(model)
    _assign(model, archive, keras)
    notes = resolve_weights(known, model) if known is not None else []
    return _graph_of(model, version, keras, notes)


def _advise(archive: Archive) -> str:
    """What stands in for a missing architecture, by what the weights are like."""
    if resembles_c3d(archive):
        return _NAME_C3D
    return f"{_GIVE_IT} {_NAME_ACTION}" if resembles_stack(archive) else _GIVE_IT


def _architecture(path: Path) -> Config:
    if not path.is_file():
        raise CallError(f"There is no file {path}.")
    if path.stat().st_size > MAX_JSON_BYTES:
        raise MismatchError(f"{path.name} is too large for an architecture.")
    try:
        config = parse_json(read_text(path), path.name)
    except UnicodeDecodeError:
        raise MismatchError(f"{path.name} is no text.", "Write it with model.to_json().") from None
    if isinstance(config, str):  # json.dump(model.to_json(), file) writes the text once more as text
        config = parse_json(config, path.name)
    if not isinstance(config, dict):
        raise MismatchError(f"{path.name} is no architecture.", "Write it with model.to_json().")
    return config


def _assign(model: Part, archive: Archive, keras: int) -> None:
    if archive.layered:
        assign_layered(model, archive.weights, keras)
    else:
        assign_by_path(model, archive.weights)


def _graph_of(model: Part, version: str, keras: int, notes: list[str]) -> LayerGraph:
    inputs = _inputs_of(model)
    caller = Caller(keras)
    outputs = caller.call_model(model, [Ref(one.name) for one in inputs])
    if not outputs:
        raise ContradictionError("The model has no outputs.", SAVE_AGAIN)
    return LayerGraph(
        name=model.name,
        keras_version=version,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        calls=tuple(caller.calls),
        warnings=(*notes, *_warnings(model), *caller.warnings),
    )


def _warnings(model: Part) -> list[str]:
    """What a person should know of how the model is computed here."""
    found = []
    leaves = list(model.leaves())
    if any(is_half_precision(leaf.config.get("dtype")) for leaf in leaves):
        found.append("it was made to compute in half precision; here it computes in float32")
    fixed = [shape[0] for leaf in leaves if (shape := read_input_shape(leaf.config)) and shape[0] is not None]
    if fixed:
        found.append(f"its batch was fixed at {fixed[0]}; here it is free")
    return found


def is_half_precision(dtype: Setting) -> bool:
    """Whether a layer's dtype, or policy of dtypes, computes in 16 bits."""
    name = dtype.get("config", {}).get("name", "") if isinstance(dtype, dict) else dtype
    return isinstance(name, str) and "16" in name


def _inputs_of(model: Part) -> list[GraphInput]:
    if model.kind == "Functional":
        names = _input_names(model)
        layers = {child.name: child for child in model.children}
        return [_input(layers[name]) for name in names]
    first = model.children[0] if model.children else None
    while first is not None and first.is_model:
        if first.kind == "Functional":
            inputs = _inputs_of(first)
            return inputs[:1]
        first = first.children[0] if first.children else None
    if first is None:
        raise ContradictionError("The model has no layers.", SAVE_AGAIN)
    shape = read_input_shape(first.config) or _built_shape(model) or _built_shape(first)
    if shape is None:
        raise RefusalError(
            f"Nothing says what shape the input of {first.name} has.",
            "Build the model (`model.build(...)` or one call) before it is saved.",
        )
    name = first.name if first.kind == "InputLayer" else f"{first.name}_input"
    return [GraphInput(name, (None, *shape[1:]), _dtype(first))]


def _input_names(model: Part) -> list[str]:
    """Names of a functional model's input layers, in order."""
    refs = Caller.collect_refs(model.config.get("input_layers"))
    names = [ref.call for ref in refs]
    known = {child.name for child in model.children}
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise ContradictionError(f"The model's inputs {missing or 'are not declared'}.", SAVE_AGAIN)
    return names


def _input(part: Part) -> GraphInput:
    shape = read_input_shape(part.config)
    if shape is None:
        raise ContradictionError(f"The input {part.name} has no shape.", SAVE_AGAIN)
    return GraphInput(part.name, (None, *shape[1:]), _dtype(part))


def _dtype(part: Part) -> str:
    """Every input is float32 in the graph: Keras casts on the way in."""
    dtype = part.config.get("dtype", "float32")
    if isinstance(dtype, str) and dtype.startswith(("string", "complex")):
        raise RefusalError(f"The input {part.name} takes {dtype}.", "Feed numbers to the model.")
    return "float32"


def _built_shape(part: Part) -> tuple[int | None, ...] | None:
    build = part.entry.get("build_config")
    shape = part.config.get("build_input_shape") or (build.get("input_shape") if isinstance(build, dict) else None)
    if isinstance(shape, list) and all(size is None or isinstance(size, int) for size in shape):
        return tuple(shape)
    return None
