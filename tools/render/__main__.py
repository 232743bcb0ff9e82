"""Render the sample clips: `python -m tools.render --out samples [NAME ...]`, from the repository's root."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from .camera import Camera
from .clip import Quality, frame_times, write_clip
from .recipes import RECIPES, Recipe, read_recipes


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.render", description="Render clips of a signing hand.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="samples to render; all if none is named")
    parser.add_argument("--out", type=Path, default=Path("samples"), help="where the clips go (default: samples)")
    parser.add_argument("--recipes", type=Path, default=RECIPES, help="the list (default: samples.toml here)")
    parser.add_argument("--missing", action="store_true", help="leave samples alone whose video is already there")
    parser.add_argument("--threads", type=int, default=2, help="threads for rendering (default: 2)")
    parser.add_argument("--list", action="store_true", help="say what would be rendered, and stop")
    return parser.parse_args()


def chosen(recipes: list[Recipe], names: list[str]) -> list[Recipe]:
    """The recipes of these names, in the list's order. Raises ValueError if one is not listed."""
    strange = sorted(set(names) - {recipe.name for recipe in recipes})
    if strange:
        raise ValueError(f"no such sample: {', '.join(strange)}; --list names them all")
    return [recipe for recipe in recipes if not names or recipe.name in names]


def main() -> None:
    """Render what was asked for, one clip after the other."""
    options = arguments()
    recipes = chosen(read_recipes(options.recipes), options.names)
    if options.missing:
        recipes = [recipe for recipe in recipes if not (options.out / f"{recipe.name}.mp4").exists()]
    if options.list:
        print("\n".join(f"{recipe.name}: {recipe.text}, {recipe.hand} hand, {recipe.tone}" for recipe in recipes))
        return
    quality = Quality(threads=options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    for recipe in recipes:
        started = time.monotonic()
        path = write_clip(recipe, options.out, Camera(), quality)
        took, frames = time.monotonic() - started, len(frame_times(recipe, quality.fps))
        size_kb = path.stat().st_size / 1000
        print(f"{path}: {frames} frames, {size_kb:.0f} kB, {took:.0f} s ({took / frames:.2f} s a frame)", flush=True)


if __name__ == "__main__":
    main()
