"""Layouts: which landmarks, in which order, with which axes and arithmetic, make one row of a model's input."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from service.section import Section
from service.track import PART_POINTS, PartName

Axis = Literal["x", "y", "z", "visibility"]
AXES: tuple[Axis, ...] = ("x", "y", "z", "visibility")


class PartLayout(Section):
    """One part's share of a row: points in this order, each with these axes, point after point."""

    part: PartName
    points: Literal["all"] | tuple[int, ...] = "all"
    axes: tuple[Axis, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_points(self) -> "PartLayout":
        count = PART_POINTS[self.part]
        wrong = [point for point in self.indices if not 0 <= point < count]
        if wrong:
            raise ValueError(f"{self.part} has the points 0 to {count - 1}; {wrong} is outside")
        if len(set(self.axes)) != len(self.axes):
            raise ValueError("an axis is named twice")
        return self

    @property
    def indices(self) -> tuple[int, ...]:
        return tuple(range(PART_POINTS[self.part])) if self.points == "all" else self.points

    @property
    def width(self) -> int:
        return len(self.indices) * len(self.axes)


class WholePixels(Section):
    """x and y in pixels, cut to whole ones: min(int(x · width), width − 1), as OpenCV loops do."""

    step: Literal["whole_pixels"] = "whole_pixels"


class Pixels(Section):
    """x, y and z in whole pixels of the picture: int(x · width), int(y · height), int(z · width), cut towards 0.

    Unlike whole_pixels, what lies outside the picture stays there. swapped: x times the height and y times the width,
    as scripts compute that read `x, y, c = frame.shape`, whose first number is the height.
    """

    step: Literal["pixels"] = "pixels"
    swapped: bool = False


class Aspect(Section):
    """x and z times width / height: all axes in units of the picture's height."""

    step: Literal["aspect"] = "aspect"


class WristOrigin(Section):
    """Each hand minus its own wrist."""

    step: Literal["wrist_origin"] = "wrist_origin"


class MinOrigin(Section):
    """Each hand minus the least x and the least y of its points that the layout takes; z stays."""

    step: Literal["min_origin"] = "min_origin"


class UnitBox(Section):
    """Each hand's x and y (and z where the layout takes it) to 0 … 1: (value − least) / (largest − least) an axis.

    An axis on which all points agree becomes 0.
    """

    step: Literal["unit_box"] = "unit_box"


class ZScore(Section):
    """Each hand's x and y (and z where the layout takes it) minus their mean over its points, over their deviation.

    The deviation is the population's (NumPy's std); where it is 0, it divides by 1.
    """

    step: Literal["zscore"] = "zscore"


class Scale(Section):
    """Each hand divided by a length of its own.

    palm: the distance from the wrist to the middle finger's knuckle (point 9) over x and y, and z where the layout
    takes it; max: the largest magnitude among the values that the layout takes; box: the larger side of the
    box around its points; distance: the largest distance of a point from the wrist; base: the largest distance of a
    finger's base (points 1, 5, 9, 13, 17) from the wrist, both over the same axes as palm. A length of 0 divides by 1.
    """

    step: Literal["scale"] = "scale"
    by: Literal["palm", "max", "box", "distance", "base"]


class Angles(Section):
    """Adds the 15 bend angles of each hand between neighboring bones, over x, y and z.

    The bones run from each finger's base outwards; Korean gesture tutorials (kairess/gesture-recognition) use the
    same 15 in degrees.
    """

    step: Literal["angles"] = "angles"
    unit: Literal["degrees", "radians"] = "degrees"


class Distances(Section):
    """Adds the distances between all pairs of these points of each hand, over x and y, in lengths of the palm: the
    longest of those from the wrist to the knuckles 5, 9 and 17. Pairs in order: first with second, first with third, …
    """

    step: Literal["distances"] = "distances"
    points: tuple[Annotated[int, Field(ge=0, lt=PART_POINTS["hand"])], ...] = Field(min_length=2)

    @property
    def width(self) -> int:
        return len(self.points) * (len(self.points) - 1) // 2


class Trajectory(Section):
    """Adds each hand's way over time: the wrist's x, y minus their mean over the window, divided by the window's
    mean palm length (wrist to point 9). Zero where the hand is missing.
    """

    step: Literal["trajectory"] = "trajectory"


class Velocity(Section):
    """Adds the difference of all values so far from the observation before; the first is 0."""

    step: Literal["velocity"] = "velocity"


class Standardize(Section):
    """(value − mean) / std for each value of the row, as scikit-learn's StandardScaler."""

    step: Literal["standardize"] = "standardize"
    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]


Step = Annotated[
    WholePixels
    | Pixels
    | Aspect
    | WristOrigin
    | MinOrigin
    | UnitBox
    | ZScore
    | Scale
    | Angles
    | Distances
    | Trajectory
    | Velocity
    | Standardize,
    Field(discriminator="step"),
]


def row_width(parts: tuple[PartLayout, ...], steps: tuple[Step, ...]) -> int:
    """Values in one row; ValueError where a standardize step has another width."""
    hands = sum(1 for entry in parts if entry.part not in ("pose", "face"))
    width = sum(entry.width for entry in parts)
    for step in steps:
        if isinstance(step, Angles):
            width += 15 * hands
        elif isinstance(step, Distances):
            width += step.width * hands
        elif isinstance(step, Trajectory):
            width += 2 * hands
        elif isinstance(step, Velocity):
            width *= 2
        elif isinstance(step, Standardize) and not len(step.mean) == len(step.std) == width:
            raise ValueError(
                f"standardize has {len(step.mean)} means and {len(step.std)} deviations for a row of {width}"
            )
    return width


def points_shape(parts: tuple[PartLayout, ...], steps: tuple[Step, ...]) -> tuple[int, int] | None:
    """(points, axes) of a row whose values are those of points alone; None where it holds more, or unlike points."""
    axes = {len(entry.axes) for entry in parts}
    if len(axes) != 1 or any(isinstance(step, Angles | Trajectory | Velocity) for step in steps):
        return None
    return sum(len(entry.indices) for entry in parts), axes.pop()


def _part(part: PartName, axes: str, points: Literal["all"] | tuple[int, ...] = "all") -> PartLayout:
    chosen: tuple[Axis, ...] = tuple(axis for axis in AXES if axis[0] in axes)
    return PartLayout(part=part, points=points, axes=chosen)


class Layout(Section):
    """A layout by name: what authors use again and again."""

    parts: tuple[PartLayout, ...]
    derive: tuple[Step, ...] = ()
    selfie: bool = False
    assumptions: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        return row_width(self.parts, self.derive)


_HAND_XYZ = (_part("hand", "xyz"),)
_HAND_XY = (_part("hand", "xy"),)
_HANDS_XY = (_part("left_hand", "xy"), _part("right_hand", "xy"))
_HANDS_XYZ = (_part("left_hand", "xyz"), _part("right_hand", "xyz"))

LAYOUTS: dict[str, Layout] = {
    "holistic_114": Layout(
        parts=(
            _part("left_hand", "xy"),
            _part("right_hand", "xy"),
            _part("pose", "xy", tuple(range(15))),
        ),
        assumptions=("the order left hand, right hand, pose points 0 to 14 with x and y: only the width 114 is known",),
    ),
    "holistic_1662": Layout(parts=(_part("pose", "xyzv"), _part("face", "xyz"), *_HANDS_XYZ)),
    "holistic_258": Layout(parts=(_part("pose", "xyzv"), *_HANDS_XYZ)),
    "hand_42": Layout(
        parts=(_part("hand", "xy"),),
        derive=(WholePixels(), WristOrigin(), Scale(by="max")),
        selfie=True,
        assumptions=("the author ran MediaPipe on the mirrored frame",),
    ),
    "hand_min_42": Layout(parts=_HAND_XY, derive=(MinOrigin(),)),
    "hand_distance_42": Layout(parts=_HAND_XY, derive=(WristOrigin(), Scale(by="distance"))),
    "hand_base_42": Layout(parts=_HAND_XY, derive=(WristOrigin(), Scale(by="base"))),
    "hand_box_42": Layout(parts=_HAND_XY, derive=(UnitBox(),)),
    "hand_zscore_42": Layout(parts=_HAND_XY, derive=(ZScore(),)),
    "hand_xy_42": Layout(parts=_HAND_XY, assumptions=("raw x and y as MediaPipe gives them",)),
    "hand_pixels_42": Layout(
        parts=_HAND_XY,
        derive=(Pixels(swapped=True),),
        selfie=True,
        assumptions=(
            "the author ran MediaPipe on the mirrored frame",
            "pixels: x times the height and y times the width, of pictures as large as the author's (640 × 480)",
        ),
    ),
    "hand_wrist_63": Layout(parts=_HAND_XYZ, derive=(WristOrigin(),)),
    "hand_distance_63": Layout(parts=_HAND_XYZ, derive=(WristOrigin(), Scale(by="distance"))),
    "hand_pixels_63": Layout(
        parts=_HAND_XYZ,
        derive=(Pixels(),),
        assumptions=("pixels: of pictures as large as the author's (cvzone's examples: 1280 × 720 or 640 × 480)",),
    ),
    "hands_84": Layout(
        parts=_HANDS_XY, assumptions=("the left hand first, then the right; raw x and y as MediaPipe gives them",)
    ),
    "hands_min_84": Layout(
        parts=_HANDS_XY,
        derive=(MinOrigin(),),
        assumptions=("the left hand first, then the right; each minus its own least x and y",),
    ),
    "hand_63": Layout(parts=_HAND_XYZ, assumptions=("raw x, y, z as MediaPipe gives them",)),
    "hands_126": Layout(
        parts=_HANDS_XYZ, assumptions=("the left hand first, then the right; raw x, y, z as MediaPipe gives them",)
    ),
    "hand_99": Layout(
        parts=(_part("hand", "xyzv"),),
        derive=(Angles(unit="degrees"),),
        selfie=True,
        assumptions=("21 × (x, y, z, visibility), then 15 angles in degrees, on the mirrored frame",),
    ),
}
