"""Heads: models that read what another one gives."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.errors import RefusedError
from service.registry.loader import check_required
from service.registry.manifest import Manifest
from tests.pixel_models import publish_clip_models, publish_means
from tests.service.registry.conftest import Opened
from tests.service.registry.graphs import draft

IMAGE = {"kind": "image", "resize": {"w": 8, "h": 8}}


def head(width: int, pipeline: dict[str, object], **changes: object) -> Manifest:
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
    with pytest.raises(RefusedError, match="gives 12 numbers; the input takes 40"):
        check_required(head(40, statistics), below)


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
    async with opened(default_model="clip-colour") as registry:
        model = await registry.get("clip-colour")
        assert model.required is not None
        assert (model.required.manifest.name, model.required.width, model.width) == ("chunk-means", 3, 3)
