"""What of a job is written down: its request, its answer, and the state between two of its chunks."""

import dataclasses
import hashlib
import json
import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from service.analysis.clip import ClipRequest
from service.analysis.prediction import Prediction
from service.analysis.task import AnyTask, TaskRequest, TaskState
from service.media.medium import Medium
from service.registry.registry import ServedModel
from service.workers.deadline import Deadline

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CHECKPOINT_VERSION = 3
"""Raise it with whatever changes a task's state: a job whose checkpoint has another begins anew."""

RequestT = TypeVar("RequestT", bound=TaskRequest)

_WINDOW = TypeAdapter(Prediction)
"""Made once: there may be thousands of windows to a chunk."""

_KEPT = ("start_s", "duration_s", "mirrored")
"""What is written down of a clip."""


def request_json(request: TaskRequest) -> bytes:
    """The request without its medium, its deadline and its model, which the job names."""
    fields: dict[str, Any] = {name: getattr(request, name) for name in _names(type(request)) if name != "clip"}
    fields["part"] = {name: getattr(request.clip, name) for name in _KEPT}
    return json.dumps(fields).encode()


def request_of(text: bytes, request: Callable[..., RequestT], medium: Medium, model: ServedModel) -> RequestT:
    """The request of this type for this medium, which lies somewhere else now, and this model."""
    fields: dict[str, Any] = json.loads(text)
    part = fields.pop("part")
    kept = {name: part[name] for name in _KEPT}
    clip = ClipRequest(medium=medium, deadline=Deadline.after(0.0), model=model, **kept)
    return request(clip=clip, **fields)


def answer_json(answer: "DataclassInstance", task: AnyTask) -> bytes:
    """The answer, without how long its stages took: that depends on the day."""
    untimed = dataclasses.replace(answer, stages_s={})
    return TypeAdapter(task.answer).dump_json(untimed, by_alias=True)


def answer_of(text: bytes, task: AnyTask) -> object:
    """The answer that `answer_json` wrote."""
    return TypeAdapter(task.answer).validate_json(text)


def window_json(window: Prediction) -> bytes:
    """A window's own answer as a line of text."""
    return _WINDOW.dump_json(window)


def window_of(line: bytes) -> Prediction:
    """The window's answer that `window_json` wrote."""
    return _WINDOW.validate_json(line)


def checkpoint_bytes(state: TaskState, model: ServedModel) -> bytes:
    """The state, marked with its form and with the model that it is of."""
    return _mark(model) + pickle.dumps(state)


def state_of(checkpoint: bytes, model: ServedModel) -> Any:  # noqa: ANN401 - each task has a state of its own
    """The state that `checkpoint_bytes` wrote; None where it has another form, or is of another model."""
    mark = _mark(model)
    if not checkpoint.startswith(mark):
        return None
    try:
        return pickle.loads(checkpoint[len(mark) :])  # noqa: S301 - our own table
    except (AttributeError, ImportError, pickle.UnpicklingError):  # a class that is not there any more
        return None


def _mark(model: ServedModel) -> bytes:
    digest = hashlib.sha256()
    for one in (model, model.required):
        if one is not None:
            digest.update(one.manifest.model_dump_json().encode())
    return f"checkpoint {CHECKPOINT_VERSION} {digest.hexdigest()}\n".encode()


def _names(request: type[TaskRequest]) -> list[str]:
    return [field.name for field in dataclasses.fields(request)]
