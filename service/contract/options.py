"""What each use case can be asked; routes describe these options in the schema, commands in their help."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.jobs.spec import State
from service.pipelines.kind import Faces
from service.registry.manifest import NAME_PATTERN
from service.settings import Settings
from service.spotting.segment import Smoothing
from service.spotting.tension import Signal

TimelineFormat = Literal["json", "vtt", "srt", "eaf", "csv", "otio", "aihub"]
HighlightsFormat = Literal["json", "vtt", "csv", "edl", "otio", "png"]


class MediumOptions(BaseModel):
    """What every route that takes a medium can be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str | None = Field(None, pattern=NAME_PATTERN, description="Name of the model; default: the service's.")
    version: int | None = Field(None, ge=1, description="Version of the model; default: the one being served.")
    start_time: float = Field(0.0, ge=0, description="Where the part begins, seconds from the medium's start.")
    threshold: float | None = Field(None, ge=0, le=1, description="Confidence below which the model declines.")
    mirrored: bool = Field(False, description="The picture is mirrored, as selfie cameras show it.")
    timeout_s: float | None = Field(None, gt=0, description="Longest time the caller wants to wait, seconds.")
    media_name: str | None = Field(None, max_length=255, description="The medium's name, for a raw body's exports.")

    def model_of(self, settings: Settings) -> str:
        """The model that is asked."""
        return self.model or settings.default_model


class PredictOptions(MediumOptions):
    """What a caller can set for one answer."""

    clip_duration: float | None = Field(None, gt=0, description="How long the part is, seconds.")
    top_k: int = Field(5, ge=1, le=1000, description="How many ranked answers to give.")
    return_probabilities: bool = Field(False, description="Give the probability of every label.")
    return_frames: bool = Field(False, description="Give the answer of each frame, for models that vote.")


class TimelineOptions(MediumOptions):
    """What a caller can set for a timeline; what is left out is the manifest's. Seconds."""

    clip_duration: float | None = Field(None, ge=0.05, description="How long a window is, seconds.")
    stride: float | None = Field(None, ge=0.02, description="From one window to the next, seconds.")
    min_duration: float | None = Field(None, ge=0, description="Shorter segments are left out, seconds.")
    merge_gap: float | None = Field(None, ge=0, description="Equal segments this close are one, seconds.")
    smoothing: Smoothing = Field("viterbi", description="How windows are decided together.")
    format: TimelineFormat | None = Field(None, description="How the answer comes; else `Accept` decides, else json.")
    return_windows: bool = Field(False, description="Give each window's own answer.")
    return_probabilities: bool = Field(False, description="Give the probability of every label for each window.")


class HighlightsOptions(MediumOptions):
    """What a caller can set for highlights; what is left out is the manifest's. Seconds."""

    clip_duration: float | None = Field(None, gt=0, description="How long the part is, seconds.")
    threshold: float | None = Field(None, description="Tension that a highlight reaches.")
    sample_rate: float | None = Field(None, ge=0.1, le=30, description="Samples a second; default: the manifest's, 2.")
    window: float | None = Field(None, ge=0.05, le=600, description="How long a window is, seconds.")
    min_duration: float | None = Field(None, ge=0, description="Shorter highlights are left out, seconds.")
    merge_gap: float | None = Field(None, ge=0, description="Highlights this close are one, seconds.")
    top_k: int | None = Field(None, ge=1, le=1000, description="How many highlights to give; the strongest.")
    min_faces: int = Field(3, ge=1, le=1000, description="Samples with a face that a window needs.")
    faces: Faces | None = Field(None, description="The largest face, or the mean of all.")
    signal: Signal = Field("value", description="`change`: how much the tension changes over a window.")
    channel: str | None = Field(None, max_length=100, description="Which of the model's channels is the tension.")
    return_series: bool = Field(False, description="Give each sample's box and values, in csv too.")
    format: HighlightsFormat | None = Field(None, description="How the answer comes; else `Accept` decides, else json.")

    def model_of(self, settings: Settings) -> str:
        """The model that is asked."""
        return self.model or settings.default_highlight_model


class ExampleOptions(BaseModel):
    """What an example shows, and which part of the medium it is. Seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label: str = Field(
        min_length=1,
        max_length=100,
        description="The sign that it shows; `nothing` for what is none. It has to be given.",
    )
    teacher: str = Field("", max_length=100, description="Who shows it, where several people teach.")
    start_time: float = Field(0.0, ge=0, description="Where the part begins, seconds from the medium's start.")
    clip_duration: float | None = Field(None, gt=0, description="How long the part is, seconds.")
    mirrored: bool = Field(False, description="The picture is mirrored, as selfie cameras show it.")
    timeout_s: float | None = Field(None, gt=0, description="Longest time the caller wants to wait, seconds.")
    media_name: str | None = Field(None, max_length=255, description="The medium's name, kept with the example.")
    source: Literal["camera", "file", "correction"] = Field("file", description="Where the example comes from.")


class ExportQuery(BaseModel):
    """How examples are exported."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["npz", "pose"] = Field("npz", description="One .npz of all, or a .zip with a .pose file of each.")


class JobsQuery(BaseModel):
    """Which jobs are listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(20, ge=1, le=100, description="How many at most.")
    state: State | None = Field(None, description="Only those in this state.")
    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before.")


class ResultQuery(BaseModel):
    """How a job's answer is fetched; a job of another kind has fewer formats."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: TimelineFormat | HighlightsFormat | None = Field(
        None, description="How the answer comes; else `Accept` decides, then the submission's `format`, else json."
    )
