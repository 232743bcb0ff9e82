"""What was taught and how good it is, as text for a terminal."""

from typing import Final

from service.registry.manifest import Manifest
from service.teaching.testing import Tested
from service.teaching.training import TaughtModel

MOST_CONFUSIONS: Final = 10
_RECOGNIZED: Final = 0.9


def taught_text(taught: TaughtModel, manifest: Manifest, seconds: float) -> str:
    """The model, its honest figures, and what would make it better."""
    takes = sum(taught.takes.values())
    lines = [
        f"{manifest.name} version {manifest.version}: {len(taught.signs)} signs from {takes} takes, {seconds:.0f} s"
    ]
    figures = taught.figures
    if figures.accuracy is None:
        lines.append("It could not be measured: no take can be left out without a sign being left without takes.")
    else:
        lines += [
            f"Of {figures.takes} takes, {figures.protocol}: {figures.accuracy:.3f} are right.",
            f"{figures.coverage:.3f} are answered rightly at the threshold {taught.fitted.threshold:.2f}.",
            *(f"  {sign:20} {share:.2f}" for sign, share in figures.per_sign.items() if share < _RECOGNIZED),
        ]
    lines += [advice.text for advice in taught.advice[:MOST_CONFUSIONS]]
    if (more := len(taught.advice) - MOST_CONFUSIONS) > 0:
        lines.append(f"… and {more} remarks more.")
    return "\n".join(lines)


def held_out_text(tested: Tested) -> str:
    """How the takes fared that were not taught."""
    lines = []
    if tested.accuracy is not None:
        lines.append(
            f"Of {len(tested.known)} takes that were not taught: {tested.accuracy:.3f} are right, "
            f"{tested.answered_rightly:.3f} are answered rightly at the threshold."
        )
    if tested.answered_falsely is not None:
        lines.append(
            f"Of {len(tested.others)} takes of no taught sign, {tested.answered_falsely:.3f} are answered with one."
        )
    return "\n".join(lines)
