"""All examples of a lesson as files, for those who train elsewhere."""

import io
import re
import zipfile
from collections.abc import Sequence
from typing import Final

import numpy as np

from service.features.gathering import Features
from service.features.points import point_names
from service.features.pose import features_to_pose
from service.features.tables import Gathered, features_to_npz
from service.lessons.observing import OBSERVING
from service.teaching.examples import PARTS, Example

LOOKED_BY: Final = "pipeline:teach"
_UNSAFE: Final = re.compile(r"[^\w.-]+")


def examples_to_npz(examples: Sequence[Example]) -> bytes:
    """At least one example, as the .npz of `features`, and `teachers` beside its `labels`."""
    gathered = [Gathered(_file_name(one, "npz"), one.label, _features(one)) for one in examples]
    return features_to_npz(gathered, LOOKED_BY, {"teachers": np.array([one.teacher for one in examples])})


def examples_to_zip(examples: Sequence[Example]) -> bytes:
    """A .zip with a folder for each label and a .pose file for each example."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in examples:
            archive.writestr(_file_name(one, "pose"), features_to_pose(_features(one)))
    return out.getvalue()


def _features(example: Example) -> Features:
    return Features(example.track, OBSERVING, points=point_names(PARTS))


def _file_name(example: Example, ending: str) -> str:
    """A path that is one on every system: labels are anything that people write."""
    folder = _UNSAFE.sub("_", example.label).strip("._") or "sign"
    return f"{folder}/{example.id}.{ending}"
