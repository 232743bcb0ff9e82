"""How the hand of a recipe moves: which shape it has, how it is turned and where it is, at every moment.

Written for a right hand; camera.place mirrors all of it for a left one. Shifts are in the picture's axes (mm),
turns are pitch, yaw, roll (degrees).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .camera import Camera, Placement, place
from .letters import shapes
from .recipes import Recipe
from .skeleton import FloatArray, Joints, Pose, Vector, flex

STROKE_S = {"J": 1.0, "Z": 1.3}
RISE_S = 0.5
RISE_MM = 42.0
LEAD_S = 0.2
MIDDLE_MM = np.array([0.0, -6.0, 0.0])


@dataclass(frozen=True, slots=True)
class Span:
    """The time in which a letter is held or its stroke lasts, seconds."""

    start_time: float
    end_time: float
    label: str


@dataclass(frozen=True, slots=True)
class Offset:
    """A turn (degrees) and a shift (mm) on top of a pose's own."""

    turn: Vector
    shift: Vector

    def __add__(self, other: Offset) -> Offset:
        return Offset(self.turn + other.turn, self.shift + other.shift)

    def scaled(self, share: float) -> Offset:
        """The same way, `share` of it."""
        return Offset(share * self.turn, share * self.shift)


def ease(share: float) -> float:
    """0..1 to 0..1 with a gentle start and end; clipped outside."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def stroke(label: str, share: float) -> Offset:
    """How far the hand has come in the stroke of J or Z; other labels do not move.

    Both are drawn so that a right-handed signer reads them: in the picture they are mirrored.
    """
    if label == "J":
        return stroke_j(share)
    if label == "Z":
        return stroke_z(share)
    return Offset(np.zeros(3), np.zeros(3))


def stroke_j(share: float) -> Offset:
    """Down, then a hook to the signer's left while the wrist turns the palm inwards and up."""
    down, hook, lift = ease(share / 0.65), ease((share - 0.35) / 0.65), ease((share - 0.6) / 0.4)
    shift = np.array([26.0 * hook, 34.0 - 72.0 * down + 22.0 * lift, 0.0])
    return Offset(np.array([16.0 * math.sin(math.pi * share), 68.0 * hook, -8.0 * hook]), shift)


def stroke_z(share: float) -> Offset:
    """Three straight lines: to the signer's right, down to the left, to the right again."""
    corners = np.array([(30.0, 24.0), (-30.0, 24.0), (30.0, -24.0), (-30.0, -24.0)])
    way = min(max(share, 0.0), 1.0) * 3.0
    leg = min(int(way), 2)
    spot = corners[leg] + (corners[leg + 1] - corners[leg]) * ease(way - leg)
    return Offset(np.array([14.0, 0.0, -0.12 * spot[0]]), np.array([spot[0], spot[1], 0.0]))


class Sway:
    """The slow, irregular wandering of a hand held in the air."""

    def __init__(self, recipe: Recipe) -> None:
        rng = np.random.default_rng(recipe.seed)
        self.phase = rng.uniform(0.0, 2.0 * math.pi, 6)
        self.rate_hz = recipe.speed * rng.uniform(0.7, 1.3, 6)
        self.reach = np.array([0.5, 1.0, 0.5, 0.0, 0.0, 0.0]) * recipe.turn
        self.reach += np.array([0.0, 0.0, 0.0, 1.0, 0.7, 1.2]) * recipe.sway

    def at(self, time_s: float) -> Offset:
        """Turn and shift at a time."""
        wave = self.reach * np.sin(2.0 * math.pi * self.rate_hz * time_s + self.phase)
        return Offset(wave[:3], wave[3:])


class Performance:
    """A recipe played: `spans` are the true times of its labels, `duration_s` its length."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe, self.sway = recipe, Sway(recipe)
        self.is_word = len(recipe.text) > 1
        self.keys, self.spans = spell(recipe) if self.is_word else hold_one(recipe)
        self.duration_s = self.keys[-1][0]

    def pose(self, time_s: float) -> Pose:
        """The shape at a time."""
        for (start, first), (end, second) in pairwise(self.keys):
            if time_s <= end and first is second:
                return first
            if time_s <= end:
                return first.blend(second, ease((time_s - start) / (end - start)))
        return self.keys[-1][1]

    def offset(self, time_s: float) -> Offset:
        """Sway, rise and stroke at a time."""
        total = self.sway.at(time_s)
        if not self.is_word:
            total += Offset(np.zeros(3), np.array([0.0, RISE_MM * (ease(time_s / RISE_S) - 1.0), 0.0]))
        for span in self.spans:
            share = (time_s - span.start_time) / (span.end_time - span.start_time)
            total += stroke(span.label, share).scaled(self.presence(span, time_s))
        return total

    def presence(self, span: Span, time_s: float) -> float:
        """How much of a span's stroke counts (0..1): all of it within, easing in before and out after."""
        if not self.is_word:
            return ease(time_s / span.start_time) if time_s < span.start_time else 1.0
        before = ease(1.0 - (span.start_time - time_s) / self.recipe.move)
        after = ease(1.0 - (time_s - span.end_time) / self.recipe.move)
        return min(before, after)

    def placement(self, time_s: float) -> Placement:
        """Where the hand is at a time."""
        extra = self.offset(time_s)
        return place(self.pose(time_s).turn + extra.turn, MIDDLE_MM + extra.shift, self.recipe.left)

    def joints_in_picture(self, time_s: float, camera: Camera) -> FloatArray:
        """The 21 joints as the camera sees them, 21x2, fractions of the picture."""
        joints: Joints = flex(self.pose(time_s)).joints
        return camera.project(self.placement(time_s).apply(joints))


Keys = list[tuple[float, Pose]]


def spell(recipe: Recipe) -> tuple[Keys, list[Span]]:
    """Relaxed, each letter held with a move before it, relaxed again."""
    rest = shapes()["_"]
    keys: Keys = [(0.0, rest), (LEAD_S, rest)]
    spans: list[Span] = []
    for label in recipe.text:
        start = keys[-1][0] + recipe.move
        end = start + STROKE_S.get(label, recipe.hold)
        keys += [(start, shapes()[label]), (end, shapes()[label])]
        spans.append(Span(round(start, 3), round(end, 3), label))
    away = keys[-1][0] + recipe.move
    return [*keys, (away, rest), (away + LEAD_S, rest)], spans


def hold_one(recipe: Recipe) -> tuple[Keys, list[Span]]:
    """One letter, made from the first frame to the last; J and Z begin their stroke once the hand has risen."""
    pose = shapes()[recipe.text]
    start = RISE_S + 0.1
    end = start + STROKE_S.get(recipe.text, recipe.duration - start)
    return [(0.0, pose), (recipe.duration, pose)], [Span(start, end, recipe.text)]
