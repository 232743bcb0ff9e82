"""Clues: what in an author's script or training data shows which of several presets of one shape theirs is."""

from convert.presets.preset import Match

_CLUES = {
    "hand-min-origin": "the script subtracts min(x_) and min(y_); no number is below 0, and each axis reaches 0",
    "hand-keypoints": "the script divides by the largest absolute value; the first two numbers are 0, one is 1 or −1",
    "hand-distance": (
        "the script divides by the largest distance from the wrist; the first two numbers are 0, and the farthest "
        "point's distance is 1"
    ),
    "hand-base": "the script divides by a length of the palm; the first two numbers are 0, and fingertips lie beyond 1",
    "hand-box": "the script divides by max − min on each axis; each axis reaches 0 and 1",
    "hand-zscore": "the script divides by the standard deviation; each axis has the mean 0 and the deviation 1",
    "hand-xy": "the script appends lm.x and lm.y as they are; numbers lie between 0 and 1",
    "hand-pixels": "the script computes int(lm.x * x) after `x, y, c = frame.shape`; whole numbers in the hundreds",
    "hand-landmarks": (
        "the script appends lm.x, lm.y, lm.z as they are; every first and second number lies between 0 and 1"
    ),
    "hand-wrist-xyz": "the script subtracts the wrist, landmark 0; the first three numbers are 0",
    "hand-distance-xyz": (
        "the script divides by the largest distance from the wrist; the first three numbers are 0, and the farthest "
        "point's distance is 1"
    ),
    "hand-cvzone": "the script takes lmList of cvzone's HandDetector; whole numbers in the hundreds",
    "two-hands-xy": "the script appends lm.x and lm.y as they are; numbers lie between 0 and 1",
    "two-hands-min-origin": "the script subtracts each hand's least x and y; each hand's axes reach 0",
    "one-hand": "the script keeps every frame of the camera",
    "two-hands": "the script keeps every frame of the camera",
    "body-hands": "the script keeps every frame of the camera",
}
_RATES = {
    f"{name}-{rate}fps": f"the script keeps {rate} frames a second: it waits, skips frames or was recorded so"
    for name in ("one-hand", "two-hands", "body-hands")
    for rate in (10, 6)
}


def clue_to(match: Match) -> str | None:
    """What would show that this preset is the author's; None where nothing is known to."""
    return (_CLUES | _RATES).get(match.preset.name)


def list_clues(matches: list[Match]) -> list[str]:
    """Lines that say, best preset first, what tells those that fit apart; none where fewer than two are known."""
    known = [(match.preset.name, clue) for match in matches if (clue := clue_to(match))]
    if len(known) < 2:
        return []
    lines = ["Several presets fit, the likeliest first. Which it is, the author's script or their training data tell:"]
    lines += [f"  {place}. {name}: {clue}" for place, (name, clue) in enumerate(known, 1)]
    return [*lines, "  To be sure: convert it, then `python -m convert compare NAME --clip CLIP --features FILE`."]
