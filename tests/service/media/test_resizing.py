"""Resizing and greying: exactly what the authors' libraries do."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from pydantic import ValidationError

from service.media.resize import Library, Method, Resize, ShortSide
from service.media.resizing import resize_picture, to_gray
from service.media.upright import Pixels
from service.track import FloatArray

SIZES = [(640, 480), (333, 517), (28, 28), (5, 1), (1, 1), (1921, 3)]


def picture(width: int, height: int, seed: int = 0) -> Pixels:
    """Noise over a slope, so that every pixel counts."""
    noise = np.random.default_rng(seed).integers(0, 128, (height, width, 3))
    slope = np.add.outer(np.arange(height), np.arange(width))[..., None] % 128
    return np.asarray(noise + slope, np.uint8)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_pillow_nearest_is_what_keras_directory_generator_loads(width: int, height: int) -> None:
    ours = resize_picture(picture(width, height), Resize(w=300, h=300, method="nearest", library="pillow"))
    author = Image.fromarray(picture(width, height)).resize((300, 300), Image.Resampling.NEAREST)
    assert np.array_equal(ours, np.asarray(author))


def authors_fit(rgb: Pixels) -> Pixels:
    """Teachable Machine's ImageOps.fit by a Pillow before 13, which brings columns to their number before rows.

    Since 13 Pillow begins with the rows of a tall picture, and rounds other numbers in between; of a wide one it still
    begins with the columns, so the rows of a tall one are given to it as columns here, one way at a time.
    """
    height, width = rgb.shape[:2]
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    lanczos = Image.Resampling.LANCZOS
    columns = Image.fromarray(rgb).resize((224, height), lanczos, box=(left, 0, left + side, height))
    lying = columns.transpose(Image.Transpose.TRANSPOSE).resize((224, 224), lanczos, box=(top, 0, top + side, 224))
    return np.asarray(lying.transpose(Image.Transpose.TRANSPOSE), np.uint8)


@pytest.mark.parametrize(("width", "height"), [*SIZES, (223, 301), (333, 500), (97, 131)])
def test_pillow_lanczos_of_the_center_square_is_teachable_machines_fit(width: int, height: int) -> None:
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    resize = Resize(w=224, h=224, method="lanczos", library="pillow")
    ours = resize_picture(picture(width, height), resize, (left, top, left + side, top + side))
    assert np.array_equal(ours, authors_fit(picture(width, height)))
    if width >= height:
        author = ImageOps.fit(Image.fromarray(picture(width, height)), (224, 224), Image.Resampling.LANCZOS)
        assert np.array_equal(ours, np.asarray(author))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_opencv_area_of_grey_is_the_sign_mnist_loop(width: int, height: int) -> None:
    rgb = picture(width, height)
    ours = resize_picture(to_gray(rgb, "opencv"), Resize(w=28, h=28, method="area", library="opencv"))
    author = cv2.resize(cv2.cvtColor(rgb[..., ::-1].copy(), cv2.COLOR_BGR2GRAY), (28, 28), interpolation=cv2.INTER_AREA)
    assert ours.shape == (28, 28, 1)
    assert np.array_equal(ours[..., 0], author)


@pytest.mark.parametrize("library", ["pillow", "opencv", "torch"])
def test_grey_has_the_bt601_weights_in_every_library(library: Library) -> None:
    primaries = np.eye(3, dtype=np.uint8)[None] * 255
    assert np.allclose(to_gray(primaries, library)[0, :, 0], [76.245, 149.685, 29.07], atol=0.51)


def test_pillows_grey_is_its_own_to_the_level() -> None:
    rgb = picture(64, 48)
    assert np.array_equal(to_gray(rgb, "pillow")[..., 0], np.asarray(Image.fromarray(rgb).convert("L")))


def _one_axis(method: Method, values: FloatArray, new: int) -> list[float]:
    """torch.nn.functional.interpolate along one axis, pixel by pixel, from its documentation."""
    old, made = len(values), []
    for at in range(new):
        center = (at + 0.5) * old / new - 0.5
        if method == "nearest":
            made.append(values[min(int(np.float32(at) * np.float32(old / new)), old - 1)])  # float32, as it computes
        elif method == "bilinear":
            place = max(center, 0.0)
            left = int(place)
            made.append(values[left] + (place - left) * (values[min(left + 1, old - 1)] - values[left]))
        elif method == "area":
            start, stop = at * old // new, -(-(at + 1) * old // new)
            made.append(values[start:stop].mean())
        else:
            first = int(np.floor(center))
            taps = [values[min(max(first + k, 0), old - 1)] for k in (-1, 0, 1, 2)]
            made.append(sum(tap * _cubic(abs(center - first - k)) for k, tap in zip((-1, 0, 1, 2), taps, strict=True)))
    return made


def _cubic(distance: float) -> float:
    a = -0.75
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a


@pytest.mark.parametrize("method", ["nearest", "bilinear", "area", "bicubic"])
@given(old=st.integers(1, 40), new=st.integers(1, 40))
def test_torchs_arithmetic_is_that_of_its_documentation(method: Method, old: int, new: int) -> None:
    values = picture(old, 1)
    ours = resize_picture(values, Resize(w=new, h=1, method=method, library="torch"))
    assert ours.dtype == np.float32
    for channel in range(3):
        assert np.allclose(ours[0, :, channel], _one_axis(method, values[0, :, channel].astype(float), new), atol=1e-3)


def test_torch_has_no_lanczos() -> None:
    with pytest.raises(ValidationError, match="no lanczos"):
        Resize(w=8, h=8, method="lanczos", library="torch")


@pytest.mark.parametrize(
    ("width", "height", "scaled"),
    [
        (640, 480, (242, 182)),
        (480, 640, (182, 242)),
        (333, 517, (182, 282)),
        (182, 182, (182, 182)),
        (91, 40, (414, 182)),
    ],
)
def test_the_short_side_is_scaled_and_the_middle_cut_as_pytorchvideo_does(
    width: int, height: int, scaled: tuple[int, int]
) -> None:
    """Beside the whole picture by PyTorch's arithmetic, cut as torchvision's CenterCrop; checked against PyTorch itself
    by `make parity-torch`."""
    side = ShortSide(182, 160)
    assert side.scaled(width, height) == scaled
    large = resize_picture(picture(width, height), Resize(w=scaled[0], h=scaled[1], library="torch"))
    top, left = round((scaled[1] - 160) / 2), round((scaled[0] - 160) / 2)
    ours = resize_picture(picture(width, height), side)
    assert np.array_equal(ours, large[top : top + 160, left : left + 160])
    whole = resize_picture(picture(width, height), ShortSide(182, 160, whole=True))
    assert whole.dtype == np.uint8
    assert np.abs(whole - ours).max() <= 0.5


def test_no_square_larger_than_the_short_side_is_cut() -> None:
    with pytest.raises(ValueError, match="no square of 200"):
        ShortSide(182, 200)
