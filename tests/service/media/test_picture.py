"""Pictures of every kind come out upright, RGB and no larger than allowed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.picture import is_still, read_picture
from service.media.sniff import MediaType, sniff
from service.media.upright import Pixels
from tests.media_made import LIMITS, corner_names, corners, medium, stored_as

ORIENTATION = 0x0112


def kind_of(path: Path) -> MediaType:
    return sniff(path.read_bytes()[:4096])


def read(path: Path, limits: MediaLimits = LIMITS) -> Pixels:
    return read_picture(medium(path), kind_of(path), limits)[0]


@pytest.mark.parametrize("reader", ["JPEG", "PNG", "WEBP", "BMP", "HEIF", "AVIF"])
def test_every_kind_of_picture_is_read(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Image.fromarray(corners()).save(path, reader, quality=95)
    pixels, media = read_picture(medium(path), kind_of(path), LIMITS)
    assert corner_names(pixels) == "rgbw"
    assert (media.kind, media.width, media.height, media.duration) == ("picture", 64, 48, None)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reader", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_exif_orientation_is_applied_once(reader: str, orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(stored_as(corners(), orientation)).save(path, reader, exif=exif.tobytes(), quality=95)
    pixels = read(path)
    assert pixels.shape == (48, 64, 3)
    assert corner_names(pixels) == "rgbw"


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "RGBA", "LA", "I;16"])
def test_every_color_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    grey = np.full((20, 30), 200, np.uint8)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert("RGB").convert(mode)
    image.save(path, "JPEG" if mode == "CMYK" else "PNG")
    pixels = read(path)
    assert pixels.shape == (20, 30, 3)
    assert pixels.dtype == np.uint8
    assert float(pixels.mean()) == pytest.approx(255 if mode == "1" else 200, abs=60 if mode == "1" else 3)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(path, "PNG")
    assert read(path).min() == 255


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    Image.new("1", (8000, 8000)).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:200])  # nothing is there to decode
    with pytest.raises(SignError) as caught:
        read(path)
    assert caught.value.code == "picture-too-large"
    assert (caught.value.limit, caught.value.actual) == (33_000_000, 64_000_000)


@pytest.mark.parametrize("reader", ["JPEG", "PNG", "WEBP", "BMP", "HEIF", "AVIF"])
def test_a_picture_that_is_cut_off_is_corrupt(reader: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, reader)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SignError) as caught:
        read(path)
    assert caught.value.code == "media-corrupt"


def test_a_gif_of_one_picture_is_still_and_one_of_two_is_not(tmp_path: Path) -> None:
    one, two, broken = tmp_path / "one", tmp_path / "two", tmp_path / "broken"
    frames = [Image.fromarray(corners()), Image.fromarray(corners()[::-1])]
    frames[0].save(one, "GIF")
    frames[0].save(two, "GIF", save_all=True, append_images=frames[1:])
    broken.write_bytes(b"GIF89a")
    assert is_still(medium(one), kind_of(one))
    assert not is_still(medium(two), kind_of(two))
    assert not is_still(medium(broken), kind_of(broken))
    assert corner_names(read(one)) == "rgbw"


def test_a_photograph_from_a_phone_stands_upright(testdata: Path) -> None:
    pixels = read(testdata / "videos/heic/arrow_iphone_orientation6.heic")
    assert pixels.shape == (4032, 3024, 3)
