"""Transposed convolutions, resizing and crops: shapes as Keras gives them, values as their definitions give them."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.errors import RefusalError
from convert.graph.export import export
from convert.graph.windows import cut_transposed, fit_aspect_box
from convert.parity import measure_reference
from tests.convert.made import layer, save_h5, sequential
from tests.convert.running import read, session_of

PICTURE = np.arange(6 * 4, dtype=np.float32).reshape(1, 6, 4, 1)


def picture_layer(folder: Path, kind: str, version: str = "2.15.0", **config: Any) -> Any:
    """A session of a model of this layer alone over 6 × 4 pictures, proven against the definition."""
    file = save_h5(folder / "m.h5", sequential((6, 4, 1), layer(kind, "one", **config)), {}, version)
    graph = read(file)
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed
    return session_of(graph)[0]


TRANSPOSED = [
    (padding, stride, gap, extra, kernel)
    for padding, stride, gap, extra, kernel in itertools.product(
        ("valid", "same"), (1, 2, 4), (1, 2), (None, 0, 1), (2, 3)
    )
    if (stride == 1 or gap == 1) and (extra or 0) < stride
]


@pytest.mark.parametrize(("padding", "stride", "gap", "extra", "kernel"), TRANSPOSED)
def test_transposed_convolutions_agree_with_their_definition(
    padding: str, stride: int, gap: int, extra: int | None, kernel: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(kernel)
    weights = {
        "kernel": rng.normal(0, 0.4, (kernel, 3, 2, 1)).astype(np.float32),
        "bias": rng.normal(0, 0.2, 2).astype(np.float32),
    }
    entry = layer(
        "Conv2DTranspose", "up", filters=2, kernel_size=[kernel, 3], strides=stride, padding=padding,
        dilation_rate=gap, output_padding=extra, use_bias=True,
    )  # fmt: skip
    graph = read(save_h5(tmp_path / "m.h5", sequential((6, 4, 1), entry), {"up": weights}))
    exported = export(graph)
    content = exported.model.SerializeToString()
    assert measure_reference(graph, content).passed
    assert session_of(graph)[0].run([PICTURE])[0].shape[1:] == exported.output_shapes[0][1:]


@given(st.integers(1, 30), st.integers(1, 7), st.integers(1, 5), st.sampled_from(["same", "valid"]))
def test_without_output_padding_the_length_is_kerass(size: int, kernel: int, stride: int, padding: str) -> None:
    cut = cut_transposed(kernel, stride, 1, padding, None)
    expected = size * stride + (max(kernel - stride, 0) if padding == "valid" else 0)
    assert cut.length(size, stride) == expected


def test_nearest_takes_the_pixel_under_the_center(tmp_path: Path) -> None:
    session = picture_layer(tmp_path, "Resizing", height=3, width=8, interpolation="nearest")
    got = session.run([PICTURE])[0][0, :, :, 0]
    assert np.array_equal(got, PICTURE[0, 1::2, :, 0].repeat(2, axis=1))


def test_bilinear_looks_between_centers(tmp_path: Path) -> None:
    session = picture_layer(tmp_path, "Resizing", height=6, width=8, interpolation="bilinear")
    got = session.run([PICTURE])[0][0, 0, :, 0]
    assert got == pytest.approx([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])


def test_a_center_crop_is_the_middle_or_what_fits_enlarged(tmp_path: Path) -> None:
    got = picture_layer(tmp_path, "CenterCrop", height=3, width=2).run([PICTURE])[0]
    assert np.array_equal(got, PICTURE[:, 1:4, 1:3])
    enlarged = picture_layer(tmp_path, "CenterCrop", height=8, width=8).run([PICTURE])[0]
    middle = picture_layer(tmp_path, "Resizing", height=8, width=8, crop_to_aspect_ratio=True).run([PICTURE])[0]
    assert np.array_equal(enlarged, middle)


def test_a_random_crop_is_the_middle_outside_training(tmp_path: Path) -> None:
    got = picture_layer(tmp_path, "RandomCrop", height=4, width=4).run([PICTURE])[0]
    assert np.array_equal(got, PICTURE[:, 1:5])


def test_a_random_crop_of_keras_3_is_refused_unless_nothing_is_cropped(tmp_path: Path) -> None:
    got = picture_layer(tmp_path, "RandomCrop", version="3.5.0", height=6, width=4).run([PICTURE])[0]
    assert np.array_equal(got, PICTURE)
    with pytest.raises(RefusalError, match="versions of Keras 3 differ"):
        picture_layer(tmp_path, "RandomCrop", version="3.5.0", height=4, width=4)


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300), st.integers(1, 300))
def test_the_box_of_an_aspect_lies_within_the_picture(height: int, width: int, tall: int, broad: int) -> None:
    top, left, own_height, own_width = fit_aspect_box(height, width, tall, broad)
    assert 0 <= top <= height - own_height
    assert 0 <= left <= width - own_width
    assert own_height == height or own_width == width


@pytest.mark.parametrize("setting", [{"interpolation": "lanczos3"}, {"pad_to_aspect_ratio": True}, {"antialias": True}])
def test_other_ways_to_resize_are_refused_by_name(setting: dict[str, Any], tmp_path: Path) -> None:
    entry = layer("Resizing", "one", height=3, width=3, **setting)
    graph = read(save_h5(tmp_path / "m.h5", sequential((6, 4, 1), entry), {}))
    with pytest.raises(RefusalError, match=r"lanczos3|pad_to_aspect_ratio|antialias"):
        export(graph)
