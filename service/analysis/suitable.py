"""Whether a model can answer what is asked, told before a medium is looked at: SignError where it cannot."""

from service.analysis.highlights import HighlightsRequest, eye_for, section_for_highlights
from service.analysis.looking import looker_of, predict_section, sign_section
from service.analysis.predict import PredictRequest
from service.analysis.timeline import TimelineRequest, times_of


def check_predict(asked: PredictRequest) -> None:
    """For one answer: it names signs or emotions."""
    predict_section(asked.part.model.manifest)
    looker_of(asked.part.model)


def check_timeline(asked: TimelineRequest) -> None:
    """For a timeline: it names signs, and its windows have a length."""
    sign_section(asked.part.model.manifest)
    looker_of(asked.part.model)
    times_of(asked, asked.part.model.manifest)


def check_highlights(asked: HighlightsRequest) -> None:
    """For highlights: it looks at single frames, and has the channel."""
    section_for_highlights(asked)(asked.part.model.manifest)
    eye_for(asked)(looker_of(asked.part.model)[1])
