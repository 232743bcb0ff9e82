"""From a network's settings to the clips that the service has to make for its graph."""

from convert.errors import CallError
from convert.presets.clips import Taken, make_clip_preset, make_clip_section, set_numbers
from convert.presets.preset import Preset
from convert.torch.architectures.settings import Settings
from service.pipelines import Pipeline
from service.pipelines.clip import ClipSection


def preset_of(settings: Settings, taken: Taken) -> Preset | None:
    """What the checkpoint and the table say of its clips; None for a network of pictures."""
    network = settings.network
    if not network.is_clip:
        return None
    assumed = f"time: windows of {settings.clip_duration_s:.4g} s (frames × sampling / 30)"
    return make_clip_preset(
        network.name.replace("_", "-"),
        f"{settings.frames} frames over {settings.clip_duration_s:.4g} s, {settings.side}, {settings.crop}",
        make_clip_section(settings.frames, settings.side, settings.crop, taken),
        settings.clip_duration_s,
        (assumed,) if settings.sources.get("clip_duration") == "table" else (),
    )


def fit_numbers(pipeline: Pipeline, taken: Taken) -> Pipeline:
    """A section of clips with what this graph leaves to the service. CallError where it asks for other numbers.

    A preset of PyTorchVideo's normalizes; where the graph does that itself, it must not be done twice.
    """
    if not isinstance(pipeline, ClipSection) or taken == "normalised":
        return pipeline
    wanted = set_numbers(pipeline, taken)
    trained = set_numbers(pipeline, "normalised")
    if pipeline not in (wanted, trained):
        raise CallError(
            f"The graph normalizes pixels itself (--input {taken}) by PyTorchVideo's numbers; the pipeline has others.",
            "With --input normalized the pipeline's scale, mean and std are used.",
        )
    return wanted
