"""The messages of a live session, as the contract shapes them; docs/stream.md shows their schemas."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from service.analysis.prediction import Prediction
from service.contract.answers import ModelRef, PredictionBody, Seconds, SegmentBody, StateBody
from service.errors import Code
from service.observe.landmarker import DetectedHand
from service.registry.manifest import NAME_PATTERN
from service.track import HandState, Side

TOP_K = 5
_DIGITS = 5  # a hundred-thousandth of the picture: finer than a pixel, and half the text

Fraction = float


class ClientMessage(BaseModel):
    """What a client sends as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class StartMessage(ClientMessage):
    """Begins the session; the first message. What is null is the model's or the service's own."""

    type: Literal["start"]
    model: str | None = Field(None, pattern=NAME_PATTERN, description="Name of the model; null: the service's default.")
    version: int | None = Field(None, ge=1, description="Version of the model; null: the one being served.")
    window_s: float | None = Field(None, ge=0.05, le=60, description="How long a window is, seconds.")
    stride_s: float | None = Field(None, ge=0.02, le=60, description="From one window to the next, seconds.")
    threshold: float | None = Field(None, ge=0, le=1, description="Confidence below which the model declines.")
    mirrored: bool = Field(False, description="The frames are mirrored, as selfie cameras show them.")
    landmarks: bool = Field(True, description="Send the hands' landmarks, not only their boxes.")


class FlushMessage(ClientMessage):
    """Finish the open segment now."""

    type: Literal["flush"]


class ResetMessage(ClientMessage):
    """Forget what was seen and said, the transcript included; times may begin anew."""

    type: Literal["reset"]


class StopMessage(ClientMessage):
    """End the session: what is open is finished, then comes the summary."""

    type: Literal["stop"]


Control = FlushMessage | ResetMessage | StopMessage
CONTROL: TypeAdapter[Control] = TypeAdapter(Annotated[Control, Field(discriminator="type")])


class ServerMessage(BaseModel):
    """What the service sends."""

    def as_text(self) -> str:
        """The message as it goes over the socket."""
        return self.model_dump_json(exclude_unset=True)


class Limits(BaseModel):
    """What the session may take."""

    max_frame_bytes: int
    max_pixels: int
    max_fps: float
    max_session_s: float
    idle_timeout_s: float


class ReadyMessage(ServerMessage):
    """Frames may come now. sample_rate: how many a second the model looks at; more need not be sent."""

    type: Literal["ready"]
    session: str
    model: ModelRef
    sample_rate: float
    window_s: float
    stride_s: float
    limits: Limits


class HandBody(BaseModel):
    """One hand in the picture as it was sent: its own side, its box and its 21 points (x, y, z).

    Fractions of the picture's width and height from the top left, z of its width. box: left, top, width, height.
    """

    handedness: Side
    score: float
    box: Annotated[list[Fraction], Field(min_length=4, max_length=4)]
    landmarks: list[list[float]] | None = None

    @classmethod
    def of(cls, hand: DetectedHand, *, with_landmarks: bool) -> Self:
        points = hand.landmarks
        left, top = (float(value) for value in points[:, :2].min(axis=0))
        right, bottom = (float(value) for value in points[:, :2].max(axis=0))
        asked = {"landmarks": [[_short(value) for value in point] for point in points[:, :3].tolist()]}
        return cls(
            handedness=hand.side,
            score=_short(hand.confidence),
            box=[_short(left), _short(top), _short(right - left), _short(bottom - top)],
            **(asked if with_landmarks else {}),
        )


class FrameMessage(ServerMessage):
    """A frame that was looked at. prediction: the newest full window's, null before the first one.

    dropped: frames so far that newer ones replaced, or that came too late; skipped: frames so far that the model's
    sampling did not need. latency_ms: from the frame's arrival to this message.
    """

    type: Literal["frame"]
    seq: int
    time_s: float
    dropped: int
    skipped: int
    latency_ms: float
    hands: list[HandBody]
    prediction: PredictionBody | None


class InterimMessage(ServerMessage):
    """The segment that grows, as far as it is known; it may still change or vanish. transcript: with it at the end."""

    type: Literal["interim"]
    segment: SegmentBody
    transcript: str


class SegmentMessage(ServerMessage):
    """A segment that is final, and the transcript of all so far."""

    type: Literal["segment"]
    segment: SegmentBody
    transcript: str


class StateMessage(ServerMessage):
    """What the hand does from start_time on, where the model tells it: spelling, signing something else, or resting."""

    type: Literal["state"]
    state: HandState
    start_time: Seconds


class ErrorMessage(ServerMessage):
    """What was wrong with a frame (seq, where it is known), or why the socket is closed next; codes as in api.md."""

    type: Literal["error"]
    code: Code
    detail: str
    seq: int | None = None


class Latency(BaseModel):
    """Milliseconds from a frame's arrival to its answer, over the newest 4096 answers; null without any."""

    p50: float | None
    p95: float | None


class SummaryMessage(ServerMessage):
    """The last message. frames = processed + dropped + skipped + broken; duration_s: in the frames' own time."""

    type: Literal["summary"]
    frames: int
    processed: int
    dropped: int
    skipped: int
    broken: int
    segments: list[SegmentBody]
    transcript: str
    duration_s: float
    latency_ms: Latency
    states: list[StateBody] | None = None


CLIENT_MESSAGES: tuple[type[ClientMessage], ...] = (StartMessage, FlushMessage, ResetMessage, StopMessage)
SERVER_MESSAGES: tuple[type[ServerMessage], ...] = (
    ReadyMessage,
    FrameMessage,
    InterimMessage,
    SegmentMessage,
    StateMessage,
    ErrorMessage,
    SummaryMessage,
)


def prediction_body(prediction: Prediction | None) -> PredictionBody | None:
    """The core of an answer, without all labels' probabilities."""
    return None if prediction is None else PredictionBody.of(prediction, top_k=TOP_K, with_probabilities=False)


def _short(value: float) -> float:
    return round(value, _DIGITS)
