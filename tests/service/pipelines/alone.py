"""A kind's rows for one window alone, as many tests look at them."""

import numpy as np

from service.pipelines import Observing
from service.pipelines.rows import ModelRows
from service.track import Track, Window


def rows_alone(section: Observing, track: Track, window: Window) -> ModelRows:
    """What a model with this section is given for one window, in the window's order."""
    reading = section.plan_rows(track, [window])
    (taken,) = reading.windows
    if not reading.count:
        return ModelRows.none(section.input_shape)
    made = reading.make(0, reading.count)
    if reading.sizes is None:
        return ModelRows(made.values[taken.seen], made.mask, taken.seen_times_s, taken.warnings)
    return ModelRows(made.values, made.mask, np.repeat(taken.seen_times_s, reading.sizes), taken.warnings)
