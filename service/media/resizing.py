"""Resizing and graying as the authors' libraries do it. Only workers import this."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from service.media.resize import Library, Method, Resize, ShortSide
from service.media.upright import Pixels
from service.track import FloatArray

Picture = npt.NDArray[Any]
"""H × W × C; whole gray levels (uint8), or their fractions (float32) where PyTorch's arithmetic made it."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels; Pillow takes fractions of a pixel."""

_PILLOW: dict[Method, Image.Resampling] = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_OPENCV: dict[Method, int] = {
    "nearest": cv2.INTER_NEAREST,
    "bilinear": cv2.INTER_LINEAR,
    "area": cv2.INTER_AREA,
    "bicubic": cv2.INTER_CUBIC,
    "lanczos": cv2.INTER_LANCZOS4,
}
_TORCH_CUBIC = -0.75


def resize_picture(picture: Picture, resize: Resize | ShortSide, box: Box | None = None) -> Picture:
    """The picture (H × W × C, C = 1 or 3), or a box of it, at the wanted size.

    Pillow takes the box's fractions into account; for the others it is cut out at whole pixels first.
    """
    if isinstance(resize, ShortSide):
        return _by_short_side(_cut(picture, box), resize)
    return _LIBRARIES[resize.library](picture, resize, box)


def to_gray(rgb: Pixels, library: Library) -> Picture:
    """H × W × 1 by the BT.601 weights, rounded as the library rounds; PyTorch's are not rounded."""
    if library == "pillow":
        return np.asarray(Image.fromarray(rgb).convert("L"), np.uint8)[..., None]
    if library == "opencv":
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)[..., None]
    weights = np.array([0.2989, 0.587, 0.114], np.float32)
    return (rgb.astype(np.float32) @ weights)[..., None]


def _by_pillow(picture: Picture, resize: Resize, box: Box | None) -> Picture:
    """Columns first, then rows, as all Pillows before 13 do; 13 begins with the rows of tall pictures.

    Between the two, levels are rounded: the other way round a quarter of them come out one apart, and some five.
    """
    flat = picture[..., 0] if picture.shape[2] == 1 else picture
    image, method = Image.fromarray(np.ascontiguousarray(flat)), _PILLOW[resize.method]
    if box is None:
        box = (0, 0, image.width, image.height)
    if resize.method != "nearest":
        left, top, right, bottom = box
        image = image.resize((resize.w, image.height), method, box=(left, 0, right, image.height))
        box = (0, top, resize.w, bottom)
    image = image.resize((resize.w, resize.h), method, box=box)
    return np.asarray(image, np.uint8).reshape(resize.h, resize.w, picture.shape[2])


def _by_opencv(picture: Picture, resize: Resize, box: Box | None) -> Picture:
    cut = np.ascontiguousarray(_cut(picture, box))
    small = cv2.resize(cut, (resize.w, resize.h), interpolation=_OPENCV[resize.method])
    return np.asarray(small).reshape(resize.h, resize.w, picture.shape[2])


def _by_torch(picture: Picture, resize: Resize, box: Box | None) -> Picture:
    """As torch.nn.functional.interpolate without antialias and align_corners, on floating point numbers."""
    cut = _cut(picture, box)
    taps = _TORCH[resize.method]
    return _interpolate(cut, taps(cut.shape[0], resize.h), taps(cut.shape[1], resize.w))


def _by_short_side(picture: Picture, resize: ShortSide) -> Picture:
    """Only what the crop leaves is computed."""
    height, width = picture.shape[:2]
    scaled_width, scaled_height = resize.scaled(width, height)
    rows = _middle(_bilinear_taps(height, scaled_height), resize.crop)
    columns = _middle(_bilinear_taps(width, scaled_width), resize.crop)
    made = _interpolate(picture, rows, columns)
    return np.rint(made).astype(np.uint8) if resize.whole else made


def _middle(taps: "Taps", crop: int) -> "Taps":
    """The middle of an axis, from where torchvision's CenterCrop begins (halves go to the even pixel)."""
    places, weights = taps
    first = round((len(places) - crop) / 2)
    return places[first : first + crop], weights[first : first + crop]


def _interpolate(picture: Picture, rows: "Taps", columns: "Taps") -> Picture:
    """The new pixels of these rows and columns."""
    row_places, row_weights = rows
    column_places, column_weights = columns
    left = int(column_places.min())
    needed_columns = picture[:, left : int(column_places.max()) + 1]
    needed = np.einsum("yk,ykxc->yxc", row_weights, needed_columns[row_places].astype(np.float32), optimize=True)
    made = np.einsum("xk,yxkc->yxc", column_weights, needed[:, column_places - left], optimize=True)
    return np.asarray(made, np.float32)


def _cut(picture: Picture, box: Box | None) -> Picture:
    if box is None:
        return picture
    left, top, right, bottom = (int(edge) for edge in box)
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


Taps = tuple[npt.NDArray[np.intp], FloatArray]
"""For each of the new pixels: which old ones it is made of, and their weights."""


def _nearest_taps(old: int, new: int) -> Taps:
    scale = np.float32(old / new)
    places = np.minimum(np.floor(np.arange(new, dtype=np.float32) * scale).astype(np.intp), old - 1)
    return places[:, None], np.ones((new, 1), np.float32)


def _centers(old: int, new: int) -> FloatArray:
    """Where the new pixels' centers lie among the old ones; float32, rounded once, as PyTorch's fused arithmetic."""
    scale = np.float64(np.float32(old / new))
    return ((np.arange(new) + 0.5) * scale - 0.5).astype(np.float32)


def _bilinear_taps(old: int, new: int) -> Taps:
    at = np.maximum(_centers(old, new), 0)
    first = np.floor(at).astype(np.intp)
    share = (at - first).astype(np.float32)
    return np.stack([first, np.minimum(first + 1, old - 1)], axis=1), np.stack([1 - share, share], axis=1)


def _bicubic_taps(old: int, new: int) -> Taps:
    at = _centers(old, new)
    first = np.floor(at)
    distances = np.abs((at - first)[:, None] - np.arange(-1, 3))
    near = ((_TORCH_CUBIC + 2) * distances - (_TORCH_CUBIC + 3)) * distances**2 + 1
    far = ((distances - 5) * distances + 8) * distances * _TORCH_CUBIC - 4 * _TORCH_CUBIC
    places = np.clip(first[:, None].astype(np.intp) + np.arange(-1, 3), 0, old - 1)
    return places, np.where(distances <= 1, near, far).astype(np.float32)


def _area_taps(old: int, new: int) -> Taps:
    starts = [i * old // new for i in range(new)]
    stops = [-(-(i + 1) * old // new) for i in range(new)]
    widest = max(stop - start for start, stop in zip(starts, stops, strict=True))
    offsets = np.arange(widest)
    lengths = np.subtract(stops, starts)[:, None]
    weights = np.where(offsets < lengths, 1 / lengths, 0).astype(np.float32)
    return np.minimum(np.array(starts)[:, None] + offsets, old - 1), weights


_TORCH: dict[Method, Callable[[int, int], Taps]] = {
    "nearest": _nearest_taps,
    "bilinear": _bilinear_taps,
    "area": _area_taps,
    "bicubic": _bicubic_taps,
}
_LIBRARIES: dict[Library, Callable[[Picture, Resize, Box | None], Picture]] = {
    "pillow": _by_pillow,
    "opencv": _by_opencv,
    "torch": _by_torch,
}
