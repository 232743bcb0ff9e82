"""Observing a picture: a Track of one observation at time 0. Only workers import this."""

from collections.abc import Callable

import numpy as np

from service.media.picture import read_picture
from service.media.sniff import MediaType
from service.observe.call import ObserveCall, ObserveResult, Stopwatch, most_pixels
from service.observe.landmarkers import Landmarkers
from service.observe.observers import FrameSinkFactory, open_observer


def observe_picture(
    call: ObserveCall,
    kind: MediaType,
    keep_going: Callable[[], None],
    landmarkers: Landmarkers,
    make_sink: FrameSinkFactory,
) -> ObserveResult:
    """The picture, shown once to a graph that remembers nothing; the part that was asked for does not matter.

    For Hands that is what its static mode does, to the bit; looking again only lets the landmarks wander (by 1 % of
    the hand) without finding more hands.
    """
    watch = Stopwatch()
    pixels, media = read_picture(call.medium, kind, call.limits, call.request.orientation, most_pixels(call))
    if call.flipped:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    decode_s = watch.lap()
    keep_going()
    with open_observer(call.request, media.aspect, landmarkers, make_sink) as observer:
        observer.observe(0.0, pixels)
    return ObserveResult(observer.track(media), decode_s, watch.lap(), decoded=1, observed=1)
