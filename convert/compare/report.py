"""What `convert compare` says: whether the features agree, the first value that differs, and what agrees instead."""

from pathlib import Path

from convert.compare.feature_files import read_features
from convert.compare.observed import find_model, observe_clip, read_observed
from convert.compare.vectors import (
    Difference,
    Other,
    first_difference,
    make_vectors,
    name_values,
    pair_rows,
    try_others,
)
from convert.errors import CallError
from convert.report import Report

_SHOWN = 3


def compare_features(
    wanted: str, features: Path, clip: Path | None, landmarks: Path | None, store: Path, tolerance: float
) -> tuple[Report, bool]:
    """The report, and whether all values agree to within the tolerance. Raises ConversionError."""
    if (clip is None) == (landmarks is None):
        raise CallError(
            "Which clip the features are of is not said.",
            "--clip CLIP, or --landmarks FILE.npz of `python -m service features CLIP --model NAME --out FILE.npz`.",
        )
    stored, section = find_model(wanted, store)
    given = read_features(features)
    if clip is not None:
        observed = observe_clip(clip, stored, section, store)
    else:
        observed = read_observed(landmarks or Path(), section)
    ours = make_vectors(observed.track, section)
    yours, notes = pair_rows(given, ours, section, observed.track)
    names = name_values(section, observed.points)
    first, largest, count = first_difference(yours, ours, tolerance, names)
    others = try_others(yours, observed, section) if first else []
    who = f"{stored.manifest.name} version {stored.manifest.version}"
    values = yours.size
    report = Report([f"{features.name} beside what {who} is given: {len(yours)} rows, {values} values.", *notes])
    if first is None:
        report.lines.append(f"They agree: the largest difference is {largest:.2g} (tolerance {tolerance:g}).")
    else:
        report.lines += _describe(first, largest, count, values, tolerance)
        report.lines += _propose(others, tolerance)
    report.document = {
        "model": {"name": stored.manifest.name, "version": stored.manifest.version},
        "agree": first is None,
        "rows": len(yours),
        "values": values,
        "differing": count,
        "largest_difference": largest,
        "tolerance": tolerance,
        "notes": notes,
        "first": None if first is None else {name: getattr(first, name) for name in Difference.__slots__},
        "layouts": [{name: getattr(one, name) for name in Other.__slots__} for one in others],
    }
    return report, first is None


def _describe(first: Difference, largest: float, count: int, values: int, tolerance: float) -> list[str]:
    where = f"row {first.row} (at {first.time_s:.3f} s), value {first.place}, {first.name}"
    return [
        f"They differ: {count} of {values} values by more than {tolerance:g}, by {largest:.3g} at most.",
        f"The first: {where}: yours is {first.yours:.7g}, ours {first.ours:.7g}.",
    ]


def _propose(others: list[Other], tolerance: float) -> list[str]:
    """The layouts that agree, or those that come nearest."""
    agree = [one for one in others if one.largest <= tolerance]
    if agree:
        return [f"Yours agree with the layout {_name(one)}." for one in agree]
    lines = ["No layout of this width agrees. The nearest, with the largest difference:"]
    lines += [f"  {_name(one)}: {one.largest:.3g}" for one in others[:_SHOWN]]
    return [*lines, "  docs/features.md says how each is computed, and how to write a section of your own."]


def _name(other: Other) -> str:
    """The layout, and the options that publish it."""
    picture = "the mirrored picture" if other.mirrored else "the picture as it is"
    selfie = str(other.mirrored).lower()
    return f"{other.layout} of {picture} (--layout {other.layout} --set selfie={selfie})"
