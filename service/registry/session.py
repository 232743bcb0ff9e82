"""ModelSession: one ONNX Runtime session with the options measured as best, checked against its manifest."""

import sys
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from service.errors import InvalidModelError, SignError
from service.execution_providers import CPU
from service.registry.inference import Inference
from service.registry.manifest import Dimension, Input, Manifest, Output
from service.registry.providers import Place
from service.registry.store import StoredModel
from service.registry.trial_limits import Stopped, limited
from service.track import FloatArray

MIB = 1024 * 1024
BATCH_BYTES = 32 * MIB
"""Most bytes of input that one inference takes, unless a single row is larger."""

LOAD_S = 120.0
TRIAL_S = 60.0
"""Longest that a graph may be loaded, and its trial may run, before both are stopped and the version refused."""

_NEVER = 4  # ONNX Runtime's "fatal": what fails is raised, and told to the caller in our words
_ERRORS_ONLY = 3
_TRIAL_ROWS = 2
_TRIAL_SEED = 20261121
_REASON_LENGTH = 300

_TYPES = {
    "float32": "tensor(float)",
    "float16": "tensor(float16)",
    "uint8": "tensor(uint8)",
    "int64": "tensor(int64)",
    "int32": "tensor(int32)",
    "bool": "tensor(bool)",
}
_OUTPUT_TYPES = ("tensor(float)", "tensor(float16)", "tensor(double)")
# ONNX Runtime's exceptions share no class of their own
_ORT_ERRORS = (
    ort_errors.EPFail,
    ort_errors.EngineError,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.ModelLoadCanceled,
    ort_errors.ModelLoaded,
    ort_errors.ModelRequiresCompilation,
    ort_errors.NoModel,
    ort_errors.NoSuchFile,
    ort_errors.NotFound,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    RuntimeError,  # pybind11's own, as of a failed allocation
    ValueError,
)

ort.set_default_logger_severity(_ERRORS_ONLY)


class ModelSession:
    """A graph that is ready to run. Raises InvalidModelError on building where it is not what its manifest says.

    Building and running block: both belong into a thread. Several threads may run one session. trial_row_s: what a
    row took in `try_out`, once the graph was warm; most_resident: the most memory that the process was seen to have
    while it was built and tried out, in bytes.
    """

    def __init__(
        self, stored: StoredModel, threads: int = 1, most_bytes: int = sys.maxsize, place: Place | None = None
    ) -> None:
        """place: where it runs; else on the CPU, in so many threads.

        most_bytes: by how much the process may grow while the graph is loaded, and again while it is tried out.
        """
        manifest = stored.manifest
        self.place = place or Place(threads=threads)
        self.who = f"{manifest.name} version {manifest.version}"
        self._output = manifest.output
        self._track = next(entry for entry in manifest.inputs if entry.source == "track")
        self._mask = next((entry for entry in manifest.inputs if entry.source == "mask"), None)
        self._answer_numbers = _answer_numbers(manifest)
        self.is_kept_only = manifest.pipeline.input_shape is None and (
            len(manifest.output.shape) != 2 or any(isinstance(length, str) for length in self.row_shape)
        )
        self._most_bytes = most_bytes
        session, self.most_resident = _build(stored, self.place, most_bytes)
        _check_inputs(session, manifest.inputs)
        _check_output(session, manifest.output)
        self._session: ort.InferenceSession | None = session
        self.output_width = self._answer_numbers or 0
        self.trial_row_s = 0.0

    @property
    def row_shape(self) -> tuple[Dimension, ...]:
        """Shape of one row of values; a name stands for any length."""
        return self._track.shape[1:]

    @property
    def takes_mask(self) -> bool:
        return self._mask is not None

    @property
    def fixed_rows(self) -> int | None:
        """Rows that every inference takes, where the graph fixes them; else None."""
        rows = self._track.shape[0]
        return rows if isinstance(rows, int) else None

    def most_rows(self, batch_rows: int) -> int:
        """Rows that one inference should take together: the setting, bounded by the bytes of a row."""
        if self.fixed_rows is not None:
            return self.fixed_rows
        numbers = 1
        for length in self.row_shape:
            numbers *= length if isinstance(length, int) else 1
        return max(1, min(batch_rows, BATCH_BYTES // (numbers * np.dtype(self._track.dtype).itemsize)))

    def run(self, values: FloatArray, mask: FloatArray | None, inference: Inference | None = None) -> FloatArray:
        """R × C numbers of the output that answers, for R rows of values (and R × L of a mask).

        A graph of fixed rows is filled up with copies of the last one. inference: by what another thread may stop it,
        between two operations of the graph. Raises SignError `model-failed` where it was stopped, or the graph cannot
        run on them.
        """
        if self._session is None:
            raise SignError("model-failed", f"{self.who} has been unloaded; ask again.")
        rows = len(values)
        feeds = {self._track.name: self._fill_up(values, self._track)}
        if self._mask is not None:
            steps = mask if mask is not None else np.ones(values.shape[:2], np.float32)
            feeds[self._mask.name] = self._fill_up(steps, self._mask)
        options = ort.RunOptions()
        options.log_severity_level = _NEVER
        if inference is not None:
            inference.bind(lambda: setattr(options, "terminate", True))
        try:
            (scores,) = self._session.run([self._output.name], feeds, options)
        except _ORT_ERRORS as error:
            if inference is not None and inference.stopped:
                raise SignError("model-failed", f"{self.who} was stopped after {inference.seconds:.3g} s.") from None
            raise SignError("model-failed", f"{self.who} cannot run on this input.") from error
        if scores.ndim != 2 or len(scores) != len(feeds[self._track.name]):
            raise SignError("model-failed", f"{self.who} gave {scores.shape} for {rows} rows instead of one row each.")
        return np.asarray(scores[:rows], np.float32)

    def try_out(self) -> None:
        """Warm up on rows of small numbers; InvalidModelError where the graph fails, or answers for other labels.

        Two rows are run where the graph says that it takes any number: some exported graphs take one in truth.
        A model of kind `tensor` whose shapes are too free to be tried, or whose answer is no row of numbers, is taken
        as it is: nobody can ask it yet.
        """
        if self.is_kept_only:
            return
        trial = Inference()
        with limited(TRIAL_S, self._most_bytes, trial.stop) as stopped:
            self._try_rows(trial, stopped)
        self.most_resident = max(self.most_resident, stopped.most_resident)

    def _try_rows(self, trial: Inference, stopped: Stopped) -> None:
        generator = np.random.default_rng(_TRIAL_SEED)
        shape = [length if isinstance(length, int) else 1 for length in self.row_shape]
        values = generator.random((self.fixed_rows or _TRIAL_ROWS, *shape), np.float32)
        try:
            for count in (1, len(values)):
                began = time.perf_counter()
                scores = self.run(values[:count], None, trial)
                self.trial_row_s = (time.perf_counter() - began) / count  # the last stays: the first warms up
        except SignError as error:
            if trial.stopped:
                raise InvalidModelError(f"a trial of {count} row(s) was stopped: {stopped.why}") from None
            why = _reason(error.__cause__ or error)
            raise InvalidModelError(f"the graph fails on a trial of {count} row(s): {why}") from error
        if self._answer_numbers not in (None, scores.shape[1]):
            raise InvalidModelError(f"the output is {scores.shape[1]} wide, the labels need {self._answer_numbers}")
        self.output_width = int(scores.shape[1])
        if np.isnan(scores).any():
            raise InvalidModelError("the output is NaN on a trial of small numbers: the weights must be damaged")

    def close(self) -> None:
        """Give the graph's memory back; a run in another thread ends first."""
        self._session = None

    def _fill_up(self, values: FloatArray, entry: Input) -> npt.NDArray[np.generic]:
        typed = np.ascontiguousarray(values, dtype=np.dtype(entry.dtype))
        missing = (self.fixed_rows or 0) - len(values)
        return typed if missing <= 0 else np.concatenate([typed, np.repeat(typed[-1:], missing, axis=0)])


def _check_inputs(session: ort.InferenceSession, expected: Sequence[Input]) -> None:
    found = {node.name: node for node in session.get_inputs()}
    names = [entry.name for entry in expected]
    if sorted(found) != sorted(names):
        raise InvalidModelError(f"the graph takes the inputs {sorted(found)}, the manifest says {sorted(names)}")
    for entry in expected:
        node = found[entry.name]
        if node.type != _TYPES[entry.dtype]:
            raise InvalidModelError(f"input {entry.name}: the graph takes {node.type}, the manifest says {entry.dtype}")
        if not _fits(node.shape, entry.shape):
            raise InvalidModelError(
                f"input {entry.name}: the graph takes {node.shape}, the manifest says {[*entry.shape]}"
            )


def _check_output(session: ort.InferenceSession, expected: Output) -> None:
    found = {node.name: node for node in session.get_outputs()}
    node = found.get(expected.name)
    if node is None:
        raise InvalidModelError(f"the graph gives the outputs {sorted(found)}, the manifest says {expected.name!r}")
    if node.type not in _OUTPUT_TYPES:
        raise InvalidModelError(f"output {node.name}: the graph gives {node.type}; only floating point numbers answer")
    if not _fits(node.shape, expected.shape):
        raise InvalidModelError(
            f"output {node.name}: the graph gives {node.shape}, the manifest says {[*expected.shape]}"
        )


_LEVELS = {
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
}


def _build(stored: StoredModel, place: Place, most_bytes: int) -> tuple[ort.InferenceSession, int]:
    """The graph, loaded, and the most memory that the process was seen to have meanwhile."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = place.threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = _LEVELS[place.optimization]
    options.enable_cpu_mem_arena = True
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        with limited(LOAD_S, most_bytes, lambda: options.set_load_cancellation_flag(True)) as stopped:
            session = ort.InferenceSession(str(stored.graph), options, providers=_providers(place))
    except ort_errors.ModelLoadCanceled:
        raise InvalidModelError(f"{stored.graph.name} was not loaded to its end: {stopped.why}") from None
    except _ORT_ERRORS as error:
        raise InvalidModelError(f"{stored.graph.name} cannot be loaded: {_reason(error)}") from error
    if place.provider.execution_provider not in session.get_providers():
        # ONNX Runtime says so in its own log alone, and takes the CPU
        raise InvalidModelError(f"{place.provider.execution_provider} cannot be started: its libraries or device fail")
    session.disable_fallback()
    return session, stopped.most_resident


def _providers(place: Place) -> list[tuple[str, dict[str, str]]]:
    """In ONNX Runtime's words: behind a provider the CPU, for the operations that it lacks."""
    wanted = [(place.provider.execution_provider, dict(place.options))]
    return wanted if place.provider is CPU else [*wanted, (CPU.execution_provider, {})]


def _answer_numbers(manifest: Manifest) -> int | None:
    """How many numbers the graph has to give for one row; None where the manifest leaves it open."""
    if manifest.labels is not None:
        return 1 if manifest.output.is_binary else len(manifest.labels) + len(manifest.output.measures)
    return manifest.output.width if isinstance(manifest.output.width, int) else None


def _fits(graph: Sequence[int | str | None], manifest: Sequence[Dimension]) -> bool:
    """Whether the manifest's shape is one that the graph takes: as many axes, and equal wherever the graph is fixed."""
    if len(graph) != len(manifest):
        return False
    return all(own == said for own, said in zip(graph, manifest, strict=True) if isinstance(own, int))


def _reason(error: BaseException) -> str:
    """The first line of an error of ONNX Runtime, not too long."""
    first = (str(error) or type(error).__name__).splitlines()[0]
    return first[:_REASON_LENGTH]
