"""Heads: models that read what another one gives."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from service.errors import InvalidModelError
from service.registry.manifest import Manifest
from service.registry.requirement import check_required
from tests.pixel_models import publish_clip_models, publish_means
from tests.service.registry.conftest import Opened
from tests.service.registry.graphs import draft

IMAGE = {"kind": "image", "resize": {"w": 8, "h": 8}}


def head(width: int, pipeline: Mapping[str, object], **changes: object) -> Manifest:
    fields = draft(
        "head",
        version=1,
        files={"model.onnx": {"sha256": "0" * 64, "bytes": 1}},
        pipeline=pipeline,
        requires={"name": "below", "version": 1},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", width], "from": "track"}],
    )
    return Manifest.model_validate({**fields, **changes})


def test_statistics_of_ten_channels_are_forty_numbers(root: Path) -> None:
    statistics = {"kind": "series", "statistics": ["mean", "std", "max", "min"]}
    below = publish_means(root, "below", IMAGE, (8, 8, 3), labels=list("abc"))
    check_required(head(12, statistics), below)
    with pytest.raises(InvalidModelError, match=r"gives 12 numbers \(mean, std, max, min of 3\); the input takes 40"):
        check_required(head(40, statistics), below)


def test_an_input_of_any_width_reads_what_there_is(root: Path) -> None:
    below = publish_means(root, "below", IMAGE, (8, 8, 3), labels=list("abc"))
    inputs = [{"name": "x", "dtype": "float32", "shape": ["batch", 5, "width"], "from": "track"}]
    check_required(head(3, {"kind": "series", "length": {"length": 5}}, inputs=inputs), below)


def test_of_several_numbers_the_one_that_is_the_tension_is_named() -> None:
    statistics = {"kind": "series", "statistics": ["mean"]}
    three = {"name": "y", "shape": ["batch", 3], "activation": "softmax"}
    kinds = {"task": "highlight", "labels": ["calm", "tense", "bright"]}
    assert head(3, statistics, output=three | {"channel": "bright"}, **kinds).output.channel == "bright"
    named = three | {"channels": ["a", "b", "c"], "channel": "b"}
    assert head(3, statistics, output=named, task="highlight", labels=None).output.channel == "b"
    with pytest.raises(ValidationError, match=r"channel: 'loud' is none of \['calm', 'tense', 'bright'\]"):
        head(3, statistics, output=three | {"channel": "loud"}, **kinds)


def test_a_series_without_what_it_reads_is_no_manifest() -> None:
    with pytest.raises(ValidationError, match="reads another model"):
        head(12, {"kind": "series", "statistics": ["mean"]}, requires=None)


def test_a_pipeline_makes_what_the_graph_takes() -> None:
    shape = ["batch", 9, 8, 3]
    inputs = [{"name": "x", "dtype": "float32", "shape": shape, "from": "track"}]
    with pytest.raises(ValidationError, match=r"\(8, 8, 3\)"):
        head(1, IMAGE, inputs=inputs)


@pytest.mark.anyio
async def test_a_head_is_loaded_with_the_model_below(opened: Opened, root: Path) -> None:
    publish_clip_models(root)
    async with opened(default_model="clip-color") as registry:
        model = await registry.get("clip-color")
        assert model.required is not None
        assert (model.required.manifest.name, model.required.width, model.width) == ("chunk-means", 3, 3)
