"""Whether a model can answer what is asked, told before a medium is looked at: SignError where it cannot."""

from service.analysis.highlights import HighlightsRequest, eye_for, section_for_highlights
from service.analysis.looking import looker_of, predict_section, sign_section
from service.analysis.predict import PredictRequest
from service.analysis.timeline import TimelineRequest, times_of
from service.registry.registry import ServedModel


def check_predict(_asked: PredictRequest, model: ServedModel) -> None:
    """For one answer: it names signs or emotions."""
    predict_section(model.manifest)
    looker_of(model)


def check_timeline(asked: TimelineRequest, model: ServedModel) -> None:
    """For a timeline: it names signs, and its windows have a length."""
    sign_section(model.manifest)
    looker_of(model)
    times_of(asked, model.manifest)


def check_highlights(asked: HighlightsRequest, model: ServedModel) -> None:
    """For highlights: it looks at single frames, and has the channel."""
    section_for_highlights(asked)(model.manifest)
    eye_for(asked)(looker_of(model)[1])
