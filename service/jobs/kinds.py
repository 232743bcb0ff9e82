"""The kinds of jobs, in one table."""

from collections.abc import Mapping

from service.jobs.highlights import HIGHLIGHTS
from service.jobs.predict import PREDICT
from service.jobs.timeline import TIMELINE
from service.jobs.work import AnyWork

WORKS: Mapping[str, AnyWork] = {
    "predict": PREDICT,
    "timeline": TIMELINE,
    "highlights": HIGHLIGHTS,
}
