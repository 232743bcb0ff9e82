"""The tones of skin that the clips show. Colors are linear RGB, 0..1."""

from __future__ import annotations

from dataclasses import dataclass

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Tone:
    """Colors of one person's hand."""

    back: Rgb
    palm: Rgb
    nail: Rgb


TONES = {
    "light": Tone((0.60, 0.33, 0.225), (0.71, 0.40, 0.30), (0.76, 0.47, 0.39)),
    "tan": Tone((0.40, 0.205, 0.115), (0.55, 0.30, 0.20), (0.60, 0.36, 0.27)),
    "brown": Tone((0.19, 0.092, 0.052), (0.38, 0.20, 0.13), (0.45, 0.27, 0.20)),
}
