"""The kinds of jobs, in one table."""

from collections.abc import Mapping

from service.analysis.highlights import HIGHLIGHTS
from service.analysis.predict import PREDICT
from service.analysis.task import AnyTask
from service.analysis.timeline import TIMELINE

TASKS: Mapping[str, AnyTask] = {
    "predict": PREDICT,
    "timeline": TIMELINE,
    "highlights": HIGHLIGHTS,
}
