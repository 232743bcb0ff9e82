"""Heads: the model that one requires, and which of a highlight head's numbers is the tension."""

from convert.errors import CallError, RefusalError
from convert.model_info import ModelInfo
from service.errors import InvalidModelError
from service.media.sampling import EveryNth, Uniform
from service.pipelines import Observing, Pipeline
from service.pipelines.chunks import ChunksSection
from service.pipelines.series import SeriesSection
from service.pipelines.tensor_only import TensorSection
from service.registry.manifest import Manifest
from service.registry.requirement import check_reads


def check_head(info: ModelInfo, pipeline: Pipeline, required: Manifest | None) -> None:
    """Whether the head can read what its model gives. CallError without a model, RefusalError with both figures."""
    if required is None:
        if isinstance(pipeline, SeriesSection):
            raise CallError(
                "A pipeline of kind `series` reads another model's outputs.", "Name it: --requires NAME[:VERSION]."
            )
        return
    if not isinstance(pipeline, SeriesSection | TensorSection):
        raise CallError(
            f"A pipeline of kind `{pipeline.kind}` looks at a medium itself and requires no other model.",
            "Leave out --requires, or take a head's --pipeline (`convert list`).",
        )
    if info.track is None or isinstance(pipeline, TensorSection):
        return
    try:
        check_reads(pipeline, info.track.shape[-1], required)
    except InvalidModelError as error:
        raise RefusalError(
            f"The head {error}.",
            "Choose another --requires, or another --pipeline (`convert inspect` names what fits).",
        ) from None


def note_requirement(required: Manifest | None) -> list[str]:
    """What to say of the required model: one without preprocessing cannot be asked, and nor can its heads."""
    if required is None or not isinstance(required.pipeline, TensorSection):
        return []
    who = f"{required.name} version {required.version}"
    note = (
        f"{who} was stored without its preprocessing: this head answers nothing until {required.name} is published "
        "again with a pipeline, and the head with that version."
    )
    return [note]


def compute_output_rate(required: Manifest | None) -> float | None:
    """How many outputs the required model gives for a second of video; None where that is not known."""
    if required is None or isinstance(required.pipeline, SeriesSection | TensorSection):
        return None
    section: Observing = required.pipeline
    sampling = section.sampling
    if isinstance(sampling, Uniform):
        return None
    rate = sampling.fps / sampling.every if isinstance(sampling, EveryNth) else sampling.rate
    return rate / section.chunk if isinstance(section, ChunksSection) else rate


def choose_tension_channel(task: str, channel: str | None, names: tuple[str, ...], width: int | None) -> str | None:
    """The name of the number that is the tension of a highlight head; None where it has one number alone.

    names: of its numbers, in order. CallError where several have no names, or none of them was chosen.
    """
    if task != "highlight" or width in (None, 1):
        if channel is not None:
            raise CallError("--channel names one of several classes of a highlight head.", "Leave it out.")
        return None
    if not names:
        raise CallError(
            f"The head gives {width} numbers, and the file does not name them.",
            "Give their names in the order of its outputs: --labels FILE, and --channel for the one that counts.",
        )
    if channel not in names:
        said = "is not named" if channel is None else f"is said to be {channel!r}"
        raise CallError(
            f"Which of the head's {width} numbers is the tension {said}.",
            f"--channel NAME, one of: {', '.join(names)}.",
        )
    return channel
