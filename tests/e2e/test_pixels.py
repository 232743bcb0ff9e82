"""Models of pixels through the doors: pictures of all kinds, hands on white, clips, and the authors' real files."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pillow_heif
import pytest
from PIL import Image, ImageOps

from convert.draft import PublishOptions
from convert.work import ArchitectureSource, convert_keras
from service.media.upright import Pixels
from tests.media_made import MATRICES, corners, drawn_hand, film, signing, stored_as, turned
from tests.pixel_models import COLORS, publish_clip_models, publish_means
from tests.running import RunningService, running_service
from tests.streaming import as_png, streamed, streaming

EIGHT = {"w": 8, "h": 8, "method": "area", "library": "opencv"}
IMAGE = {"kind": "image", "resize": EIGHT, "scale": 1 / 25.5}
MIB = 1024 * 1024
Numbers = npt.NDArray[Any]
Steps = Callable[[Pixels], Numbers]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    root = tmp_path_factory.mktemp("store")
    publish_means(root, "colors", IMAGE, (8, 8, 3))
    publish_means(root, "top-left", {**IMAGE, "resize": {"w": 2, "h": 2}, "orientation": "as_stored"}, (2, 2, 3))
    publish_means(root, "hand", {**IMAGE, "crop": "hand", "whole_up_to": 64}, (8, 8, 3))
    publish_means(root, "white", {"kind": "hand_crop", "resize": EIGHT, "scale": 1 / 25.5}, (8, 8, 3))
    drawn = {"kind": "hand_crop", "resize": EIGHT, "scale": 1 / 25.5, "draw": "cvzone", "color": "bgr"}
    publish_means(root, "drawn", drawn, (8, 8, 3))
    publish_clip_models(root)
    folder = tmp_path_factory.mktemp("service")
    settings = {"SIGN_DEFAULT_MODEL": "colors", "SIGN_SLOTS": "1", "SIGN_PIXEL_BYTES": str(MIB)}
    settings |= {"SIGN_STREAM_SLOTS": "1", "SIGN_STREAM_MAX_FPS": "1000"}
    with running_service(folder, SIGN_MODEL_STORE=str(root), **settings) as running:
        yield running


@pytest.mark.parametrize("model", ["colors", "white", "hand", "drawn"])
def test_live_frames_are_read_as_the_same_clip_is(service: RunningService, tmp_path: Path, model: str) -> None:
    def paint(index: int) -> Pixels:
        if model == "colors":
            return np.full((48, 64, 3), ((220, 30, 30), (30, 30, 220))[index // 17 % 2], np.uint8)
        return drawn_hand(320, 240, at=(0.45 + 0.002 * index, 0.6), size=0.9)

    clip = film(tmp_path / "clip.mp4", paint, frames=50, rate=10)
    filed = service.client.post("/timeline", content=clip.read_bytes(), params={"model": model}).json()
    name = f'sign_batch_rows_sum{{model="{model}"}}'
    rows = service.metric(name)
    live = streamed(service, as_png(clip), model=model)
    assert [one["class_name"] for one in live["segments"]] == [one["class_name"] for one in filed["segments"]]
    for one, other in zip(live["segments"], filed["segments"], strict=True):
        assert (one["start_time"], one["end_time"]) == (other["start_time"], other["end_time"])
        assert one["confidence"] == pytest.approx(other["confidence"], abs=1e-5)
    assert live["processed"] == 25
    assert service.metric(name) - rows == 25  # each picture goes through the model once


def test_models_of_clips_do_not_stream(service: RunningService) -> None:
    with streaming(service) as client:
        client.say("start", model="clip-color")
        code, reason = client.closed()
    assert code == 4422
    assert "/timeline" in reason


def test_a_window_of_more_pixels_than_may_be_kept_is_refused(service: RunningService) -> None:
    with streaming(service) as client:
        client.say("start", model="colors", window_s=60.0)
        code, reason = client.closed()
    assert code == 4422
    assert "1048576" in reason


def plain(color: tuple[int, ...], size: tuple[int, int] = (40, 30), mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, color)


def stored(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def expected(rgb: tuple[float, float, float]) -> list[float]:
    """The answer of a model of means for a picture of one color."""
    logits = np.exp(np.array(rgb) / 25.5)
    return list(logits / logits.sum())


def answered(service: RunningService, medium: bytes | Path, model: str = "colors", **options: object) -> list[float]:
    response = service.predict(medium, model=model, return_probabilities=True, **options)
    assert response.status_code == 200, response.text
    return [response.json()["probabilities"][name] for name in COLORS]


PLAIN = {
    "jpeg": (stored(plain((200, 40, 90)), "JPEG", quality=100), (200, 40, 90)),
    "png": (stored(plain((200, 40, 90)), "PNG"), (200, 40, 90)),
    "webp": (stored(plain((200, 40, 90)), "WEBP", lossless=True), (200, 40, 90)),
    "gif": (stored(plain((200, 40, 90)).convert("P", palette=Image.Palette.ADAPTIVE), "GIF"), (200, 40, 90)),
    "bmp": (stored(plain((200, 40, 90)), "BMP"), (200, 40, 90)),
    "png with four channels, half transparent": (stored(plain((200, 0, 0, 128), mode="RGBA"), "PNG"), (227, 127, 127)),
    "png of 16 bits": (stored(Image.fromarray(np.full((30, 40), 0x8000, np.uint16)), "PNG"), (128, 128, 128)),
    "one pixel": (stored(plain((10, 20, 200), (1, 1)), "PNG"), (10, 20, 200)),
    "cmyk jpeg": (stored(plain((255, 0, 255, 0), mode="CMYK"), "JPEG", quality=100), (0, 255, 0)),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_every_kind_of_picture_gives_its_own_color(service: RunningService, kind: str) -> None:
    medium, color = PLAIN[kind]
    assert answered(service, medium) == pytest.approx(expected(color), abs=0.02)


def test_a_heic_turned_by_exif_is_seen_upright(service: RunningService) -> None:
    upright = Image.fromarray(corners(64, 48))
    straight = answered(service, stored(upright, "PNG"))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    lying = Image.fromarray(stored_as(corners(64, 48), 6))
    pillow_heif.from_pillow(lying).save(buffer, quality=-1, exif=exif.tobytes())
    response = service.predict(buffer.getvalue(), return_probabilities=True).json()
    assert (response["media"]["width"], response["media"]["height"]) == (64, 48)
    assert [response["probabilities"][name] for name in COLORS] == pytest.approx(straight, abs=0.02)


def test_as_stored_leaves_a_turned_video_lying(service: RunningService, tmp_path: Path) -> None:
    """The mean does not tell; the size that the answer names does."""
    clip = turned(film(tmp_path / "lying.mp4", lambda _: corners()), MATRICES[6])
    sizes = [service.predict(clip, model=model).json()["media"] for model in ("colors", "top-left")]
    assert [(size["width"], size["height"]) for size in sizes] == [(48, 64), (64, 48)]


def test_a_landmark_file_is_refused_for_a_model_of_pixels(service: RunningService) -> None:
    pose = b"\xcd\xcc\xcc\x3d" + (64).to_bytes(2, "little") * 3 + (1).to_bytes(2, "little") * 2 + b"A" * 64
    response = service.predict(pose)
    assert (response.status_code, response.json()["code"]) == (415, "media-wrong-kind")


def test_on_video_frames_vote_and_say_what_each_of_them_shows(service: RunningService, tmp_path: Path) -> None:
    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), (220, 30, 30) if index < 10 else (30, 30, 220), np.uint8)

    clip = film(tmp_path / "clip.mp4", paint, frames=20, rate=10)
    body = service.predict(clip, start_time=0, clip_duration=2, return_frames=True).json()
    frames = body["evidence"]["frames"]
    assert [frame["class_name"] for frame in frames] == ["red"] * 5 + ["blue"] * 5
    assert [frame["time"] for frame in frames] == pytest.approx([0.2 * k for k in range(10)])
    assert body["evidence"]["frames_sampled"] == 10
    timeline = service.client.post("/timeline", content=clip.read_bytes()).json()
    assert [segment["class_name"] for segment in timeline["segments"]] == ["red", "blue"]
    assert timeline["segments"][0]["end_time"] == pytest.approx(1.0, abs=0.3)


def test_a_large_picture_without_a_hand_is_declined_and_a_small_one_is_the_hand(service: RunningService) -> None:
    large = service.predict(stored(plain((200, 40, 90), (320, 240)), "PNG"), model="hand").json()
    assert (large["declined"], large["top"], large["evidence"]["hand_frames"]) == (True, [], 0)
    small = service.predict(stored(plain((200, 40, 90), (64, 64)), "PNG"), model="hand").json()
    assert (small["declined"], small["predicted_class_name"]) == (False, "red")


def test_a_hand_is_found_cropped_and_laid_on_white(service: RunningService, tmp_path: Path) -> None:
    picture = stored(Image.fromarray(drawn_hand()), "PNG")
    whole, crop, canvas = (answered(service, picture, model) for model in ("colors", "hand", "white"))
    assert crop[0] > whole[0]
    assert canvas != pytest.approx(crop, abs=1e-3)
    assert answered(service, picture, "drawn") != pytest.approx(canvas[::-1], abs=1e-3)
    clip = signing(tmp_path / "hand.mp4", frames=10)
    body = service.predict(clip, model="white", return_frames=True).json()
    assert body["evidence"]["handedness"] == "right"
    assert body["evidence"]["hand_frames"] == len(body["evidence"]["frames"]) > 0


def test_what_needs_too_much_memory_is_refused_with_advice(service: RunningService, tmp_path: Path) -> None:
    clip = film(tmp_path / "long.mp4", lambda _: corners(), frames=300, rate=30)
    assert service.predict(clip, model="clip-color", clip_duration=5).status_code == 200
    response = service.predict(clip, model="clip-color")
    assert (response.status_code, response.json()["code"]) == (413, "too-many-frames")
    assert "clip_duration" in response.json()["detail"]


def test_a_clips_head_answers_from_its_chunks(service: RunningService, tmp_path: Path) -> None:
    def paint(index: int) -> Pixels:
        return np.full((48, 64, 3), (240, 20, 20) if index < 64 else (20, 20, 240), np.uint8)

    clip = film(tmp_path / "clip.mp4", paint, frames=130, rate=30)
    before = service.metric('sign_batch_rows_sum{model="chunk-means"}')
    body = service.client.post("/timeline", content=clip.read_bytes(), params={
        "model": "clip-color", "return_windows": "true", "smoothing": "none", "clip_duration": 3,
    }).json()  # fmt: skip
    windows = body["windows"]
    assert body["warnings"] == ["The model's windows are always 32 frames long; clip_duration was not followed."]
    assert [round(window["start_time"] * 30) for window in windows] == [*range(0, 96, 8), 96]
    assert all(round(window["clip_duration"] * 30) in (32, 34) for window in windows)
    assert [windows[0]["predicted_class_name"], windows[-1]["predicted_class_name"]] == ["red", "blue"]
    assert service.metric('sign_batch_rows_sum{model="chunk-means"}') - before == 32  # 128 frames in chunks of 4, once


def test_a_short_clip_is_padded_and_a_long_one_keeps_its_middle(service: RunningService, tmp_path: Path) -> None:
    short = film(tmp_path / "short.mp4", lambda _: np.full((48, 64, 3), (240, 20, 20), np.uint8), frames=10, rate=30)
    body = service.predict(short, model="clip-color", return_probabilities=True).json()
    logits = np.array([20, 20, 240]) / 255 * 10 / 4  # ten frames among black ones, in chunks of four
    shares = np.exp(logits) / np.exp(logits).sum()
    assert [body["probabilities"][name] for name in ("blue", "green", "red")] == pytest.approx(list(shares), abs=0.02)
    assert body["warnings"] == []
    long = film(tmp_path / "long.mp4", lambda _: np.full((48, 64, 3), (240, 20, 20), np.uint8), frames=40, rate=30)
    assert (
        "8 more than the model takes were left out" in service.predict(long, model="clip-color").json()["warnings"][0]
    )


def test_a_clip_model_refuses_a_picture_and_its_features_answer_nobody(service: RunningService) -> None:
    picture = stored(plain((1, 2, 3)), "PNG")
    assert service.predict(picture, model="clip-color").json()["code"] == "media-wrong-kind"
    assert service.predict(picture, model="chunk-means").json()["code"] == "model-wrong-task"


@pytest.fixture(scope="module")
def authors(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningService, Path]]:
    """The authors' own files, converted with the presets that their shapes call for."""
    root, models = tmp_path_factory.mktemp("authors"), testdata / "keras" / "models"
    letters = root.parent / "letters.txt"
    for name, file, labels, pipeline in (
        ("smnist", "smnist_cnn_k2150.h5", "ABCDEFGHIJKLMNOPQRSTUVWXY", None),
        ("tm", "tm_mobilenetv2_k240.h5", "xyz", None),
        ("asl27", "asl27_weightsonly_k224.h5", "_ABCDEFGHIJKLMNOPQRSTUVWXYZ", None),
        ("fer", "fer_mini_xception48_k205.h5", "1234567", "fer-48"),
    ):
        letters.write_text("\n".join(labels))
        options = PublishOptions(name=name, store=root, labels=str(letters), pipeline=pipeline)
        architecture = models / "asl27_weightsonly_k224.json" if name == "asl27" else None
        convert_keras(models / file, options, ArchitectureSource(architecture))
    folder = tmp_path_factory.mktemp("service")
    settings = {"SIGN_DEFAULT_MODEL": "smnist", "SIGN_SLOTS": "1"}
    with running_service(folder, SIGN_MODEL_STORE=str(root), **settings) as running:
        yield running, root


def _from_graph(root: Path, name: str, tensor: Numbers) -> list[float]:
    session = ort.InferenceSession(str(root / name / "1" / "model.onnx"))
    (scores,) = session.run(None, {session.get_inputs()[0].name: tensor.astype(np.float32)})
    return [float(score) for score in np.asarray(scores)[0]]


def _authors_letter(rgb: Pixels) -> Numbers:
    small = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (28, 28), interpolation=cv2.INTER_AREA)
    return small.reshape(1, 28, 28, 1) / 255.0


def _authors_teachable(rgb: Pixels) -> Numbers:
    image = ImageOps.fit(Image.fromarray(rgb), (224, 224), Image.Resampling.LANCZOS)
    return (np.asarray(image).astype(np.float32) / 127.5 - 1)[None]


def _authors_outline(rgb: Pixels) -> Numbers:
    blur = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (5, 5), 2)
    lines = cv2.adaptiveThreshold(blur, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY_INV, 11, 2)
    _, outline = cv2.threshold(lines, 70, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    return cv2.resize(outline, (128, 128)).reshape(1, 128, 128, 1)


def _authors_face(rgb: Pixels) -> Numbers:
    small = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (48, 48))
    return ((small.astype(np.float32) / 255.0 - 0.5) * 2.0).reshape(1, 48, 48, 1)


@pytest.mark.parametrize(
    ("name", "preset", "size", "steps"),
    [
        ("smnist", "sign-mnist", (64, 50), _authors_letter),
        ("smnist", "sign-mnist", (28, 28), _authors_letter),
        ("tm", "teachable-machine", (321, 200), _authors_teachable),
        ("tm", "teachable-machine", (63, 99), _authors_teachable),
        ("asl27", "hand-outline", (200, 150), _authors_outline),
        ("fer", "fer-48", (48, 48), _authors_face),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_an_authors_file_answers_as_his_own_steps_do(
    authors: tuple[RunningService, Path], name: str, preset: str, size: tuple[int, int], steps: Steps
) -> None:
    service, root = authors
    manifest = service.client.get(f"/models/{name}/versions/1").json()
    assert preset in str(manifest)
    picture = np.asarray(Image.fromarray(drawn_hand(320, 320)).resize(size), np.uint8)
    probabilities = service.predict(
        stored(Image.fromarray(picture), "PNG"), model=name, return_probabilities=True
    ).json()["probabilities"]
    assert list(probabilities.values()) == pytest.approx(_from_graph(root, name, steps(picture)), abs=1e-5)
