"""Shadows: a version whose answers are compared with those that are sent, behind them, and sent to nobody."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from service.analysis.clip import ObservedClip, preprocessing_of
from service.errors import SignError
from service.registry.manifest import Manifest
from service.registry.traffic import incomparable
from service.track import FloatArray
from service.workers.deadline import Deadline

SHADOW_S: Final = 30.0
"""Longest that a shadow may take for the windows of one chunk."""

Scores = Sequence[FloatArray | None]
"""Each window's probabilities, None where it shows no evidence."""


class ShadowClip(ObservedClip):
    """The clip as the shadow sees it; what it takes is nobody's waiting, so that no stage counts it."""

    def add_time(self, stage: str, began: float) -> None:
        """Nothing is noted."""


def follow(clip: ObservedClip, sent: Scores, score: Callable[[ObservedClip], Awaitable[Scores]]) -> None:
    """Have the model's shadow, if there is one, score the same windows behind, and count how often it says the same.

    sent: what the model said. score: the windows' scores by another clip's model. What was observed is used again:
    where the request had media looked at in another way than its model does of itself, the windows are left out.
    """
    shadow = clip.model.shadow_of()
    if shadow is None or not sent:
        return
    counts = clip.context.metrics.shadow_answers
    labels = shadow.manifest.name, str(shadow.manifest.version)
    preprocessing = shadow.observing
    asked = clip.preprocessing.request, clip.preprocessing.sampling
    if (
        preprocessing is None
        or incomparable(clip.model, shadow) is not None
        or (preprocessing.request, preprocessing.sampling) != asked
    ):
        counts.labels(*labels, "left_out").inc(len(sent))
        return
    own = preprocessing_of(shadow, (shadow.manifest.task,))
    theirs = ShadowClip(shadow, own, clip.track, Deadline.after(SHADOW_S), clip.context)

    async def compare() -> None:
        try:
            said = await score(theirs)
        except SignError as error:
            outcome = "failed" if error.code == "model-failed" else "left_out"
            counts.labels(*labels, outcome).inc(len(sent))
            return
        for one, other in zip(sent, said, strict=True):
            same = named(one, clip.manifest) == named(other, shadow.manifest)
            counts.labels(*labels, "same" if same else "other").inc()

    if not clip.context.registry.behind.run(compare()):
        counts.labels(*labels, "left_out").inc(len(sent))


def named(probabilities: FloatArray | None, manifest: Manifest) -> str | None:
    """The label that would be told by the manifest's own threshold; None where the answer would be declined."""
    if probabilities is None or manifest.labels is None:
        return None
    best = int(probabilities.argmax())
    label = manifest.labels[best]
    is_declined = probabilities[best] < manifest.output.threshold or label in manifest.idle_labels
    return None if is_declined else label
