"""What a caller leaves out of a request for highlights, and who says it instead."""

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pytest

from service.analysis.clip import ClipRequest
from service.analysis.highlights import (
    HighlightsRequest,
    curve_of,
    first_on_grid,
    preprocessing_for,
    rate_of,
    threshold_of,
    times_of,
)
from service.analysis.samples import channel_names, channel_of
from service.errors import SignError
from service.media.medium import Medium
from service.media.sampling import EveryNth, Rate
from service.pipelines.chunks import ChunksSection
from service.pipelines.face_geometry import FaceGeometrySection
from service.pipelines.image import ImageSection
from service.pipelines.pixels import PixelSection
from service.registry.manifest import Manifest
from service.registry.registry import ServedModel
from service.spotting.tension import TensionPoint, sample_times, tension_windows
from service.track import MediaInfo, Track
from service.workers.deadline import Deadline
from tests.service.registry.graphs import draft

CLIP = ClipRequest(Medium("nowhere", 0), Deadline.after(1), cast(ServedModel, None))
ASKED = HighlightsRequest(CLIP)
MEDIA = MediaInfo("video", "mp4", 640, 480, 8.0, 30.0)
CURVE = [TensionPoint(0.0, 0.0), TensionPoint(0.5, None), TensionPoint(1.0, 1.0)]


def model(
    width: int = 1,
    task: str = "highlight",
    labels: list[str] | None = None,
    pipeline: PixelSection | FaceGeometrySection | None = None,
    row: tuple[int, ...] = (10,),
    **changes: Any,
) -> Manifest:
    given = {"name": "y", "shape": ["batch", width], "activation": "none", **changes.pop("output", {})}
    fields = draft(
        "model",
        version=1,
        task=task,
        labels=labels,
        pipeline=(pipeline or FaceGeometrySection()).model_dump(),
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", *row], "from": "track"}],
        files={"model.onnx": {"sha256": "0" * 64, "bytes": 1}},
        output=given,
        **changes,
    )
    return Manifest.model_validate({"schema": 1, **fields})


def test_the_threshold_is_the_callers_then_the_manifests_then_what_stands_out_of_the_curve() -> None:
    sure, unsure = model(output={"threshold": 0.4}), model()
    assert threshold_of(replace(ASKED, threshold=0.0), sure, CURVE) == 0.0
    assert threshold_of(ASKED, sure, CURVE) == 0.4
    assert threshold_of(ASKED, unsure, CURVE) == 1.0  # mean 0.5, deviation 0.5
    assert threshold_of(replace(ASKED, signal="change"), sure, CURVE) == 1.0
    assert threshold_of(ASKED, model(3, "affect", labels=list("abc"), output={"threshold": 0.4}), CURVE) == 1.0


@pytest.mark.parametrize("values", [[None, None], [0.3, 0.3], []])
def test_nothing_stands_out_of_a_curve_that_is_flat_or_unknown(values: list[float | None]) -> None:
    curve = [TensionPoint(float(place), value) for place, value in enumerate(values)]
    assert threshold_of(ASKED, model(), curve) is None


@pytest.mark.parametrize(
    ("manifest", "names", "channel"),
    [
        (model(), ("tension",), "tension"),
        (model(3), ("0", "1", "2"), "0"),
        (model(output={"activation": "sigmoid"}), ("other", "tension"), "tension"),
        (model(output={"activation": "sigmoid"}, labels=["tense"]), ("other", "tense"), "tense"),
        (model(2, labels=["calm", "tense"], idle_labels=["calm"]), ("calm", "tense"), "tense"),
        (model(3, output={"channels": ["joy", "valence", "arousal"]}), ("joy", "valence", "arousal"), "arousal"),
        (model(2, output={"channels": ["a", "b"], "channel": "b"}), ("a", "b"), "b"),
    ],
)
def test_the_channel_is_the_models_own_choice_unless_the_caller_names_one(
    manifest: Manifest, names: tuple[str, ...], channel: str
) -> None:
    assert channel_names(manifest) == names
    assert channel_of(manifest, None) == channel
    assert channel_of(manifest, names[0]) == names[0]
    with pytest.raises(SignError, match=f"channel: model has {names[0]}") as caught:
        channel_of(manifest, "boredom")
    assert caught.value.parameters[0].parameter == "channel"


def test_times_are_the_callers_then_the_manifests_then_the_usual_ones() -> None:
    own = model(time={"window_s": 4.0, "stride_s": 0.5, "merge_gap_s": 2.0})
    times = times_of(replace(ASKED, min_duration_s=0.7), own)
    assert (times.window_s, times.min_duration_s, times.merge_gap_s) == (4.0, 0.7, 2.0)
    usual = times_of(replace(ASKED, window_s=5.0), model())
    assert (usual.window_s, usual.min_duration_s, usual.merge_gap_s) == (5.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Served:
    """What a request knows of a model that is served."""

    manifest: Manifest
    required: None = None


def of(manifest: Manifest, **changes: Any) -> HighlightsRequest:
    """A request to this model."""
    return HighlightsRequest(replace(CLIP, model=cast(ServedModel, Served(manifest))), **changes)


def test_samples_are_taken_as_often_as_the_caller_or_the_manifest_says() -> None:
    own = model(pipeline=FaceGeometrySection(sampling=Rate(rate=4)))
    by_frames = model(pipeline=FaceGeometrySection(sampling=EveryNth(every=3)))
    assert [rate_of(preprocessing_for(of(manifest))) for manifest in (own, by_frames)] == [4, 2]
    assert rate_of(preprocessing_for(of(own, sample_rate=5))) == 5


def test_a_pipeline_that_cannot_look_so_is_refused() -> None:
    assert preprocessing_for(of(model(), faces="mean")) == FaceGeometrySection(faces="mean")
    picture = model(2, "affect", ["a", "b"], ImageSection.model_validate({"resize": {"w": 8, "h": 8}}), (8, 8, 3))
    assert preprocessing_for(of(picture)).votes
    with pytest.raises(SignError, match="does not choose between faces"):
        preprocessing_for(of(picture, faces="mean"))
    clips = model(2, "affect", ["a", "b"], ChunksSection.model_validate({"resize": {"w": 8, "h": 8}}), (16, 8, 8, 3))
    with pytest.raises(SignError, match="answers for single frames"):
        preprocessing_for(of(clips))


def test_only_models_of_faces_are_asked() -> None:
    assert preprocessing_for(of(model())) == FaceGeometrySection()
    assert preprocessing_for(of(model(3, "affect", list("abc")))) == FaceGeometrySection()
    for task, advice in (("sign", "Ask /timeline"), ("features", "only serves other models")):
        with pytest.raises(SignError, match=advice):
            preprocessing_for(of(model(2, task, ["a", "b"])))


def test_a_stretch_of_which_nothing_could_be_read_shows_no_face() -> None:
    grid_s = sample_times(0.0, 8.0, 2.0)
    seen_s = np.array([time_s for time_s in grid_s if not 2.0 <= time_s < 5.0])
    outputs = Track(seen_s, np.zeros((len(seen_s), 1), np.float32), np.ones(len(seen_s), bool), MEDIA)
    windows = tension_windows(grid_s, 2.0, 2.0)
    curve = curve_of(outputs, windows, grid_s, [0.5] * len(grid_s), min_faces=3)
    unknown = [point.time_s for point in curve if point.value is None]
    assert unknown == [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]


def test_the_curve_begins_with_the_first_sample_of_the_part() -> None:
    assert [first_on_grid(start_s, 2.0) for start_s in (0.0, 0.2, 0.5, 1.7)] == [0.0, 0.5, 0.5, 2.0]
