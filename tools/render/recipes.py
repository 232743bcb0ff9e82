"""The list of samples: what is signed in each clip, by what hand, and how it moves."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .letters import shapes
from .tones import TONES, Rgb

RECIPES = Path(__file__).with_name("samples.toml")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One clip. Times in seconds, turns in degrees, ways in mm, colors linear RGB."""

    name: str
    text: str
    hand: str = "right"
    tone: str = "light"
    seed: int = 1
    turn: float = 10.0
    sway: float = 10.0
    speed: float = 0.5
    hold: float = 0.6
    move: float = 0.3
    duration: float = 2.4
    backdrop: Rgb = (0.32, 0.36, 0.40)
    sleeve: Rgb = (0.035, 0.045, 0.075)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.text) - set(shapes()))
        if not self.text or unknown:
            known = " ".join(sorted(shapes()))
            raise ValueError(f"{self.name}: no shape for {unknown or 'an empty text'}; known are {known}")
        if self.hand not in ("left", "right"):
            raise ValueError(f"{self.name}: hand is {self.hand!r}; it must be left or right")
        if self.tone not in TONES:
            raise ValueError(f"{self.name}: tone is {self.tone!r}; it must be one of {', '.join(TONES)}")

    @property
    def left(self) -> bool:
        """Whether the signer uses the left hand."""
        return self.hand == "left"


def read_recipes(path: Path = RECIPES) -> list[Recipe]:
    """All recipes of a file, in its order.

    Raises ValueError on an unknown key, shape, hand or tone, and on a name used twice.
    """
    known = {field.name for field in fields(Recipe)}
    recipes = [recipe_of(table, known) for table in tomllib.loads(path.read_text("utf-8"))["sample"]]
    names = [recipe.name for recipe in recipes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path.name}: used twice: {', '.join(twice)}")
    return recipes


def recipe_of(table: dict[str, Any], known: set[str]) -> Recipe:
    """A recipe from one table of the file."""
    strange = sorted(set(table) - known)
    if strange:
        name = table.get("name", "a sample")
        raise ValueError(f"{name}: unknown {', '.join(strange)}; known are {', '.join(sorted(known))}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return Recipe(**values)
