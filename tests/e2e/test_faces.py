"""Models of faces through the doors: emotions, valence and arousal of pictures and films, and heads over them."""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from convert.draft import PublishOptions
from convert.work import ArchitectureSource, convert_keras
from service.media.resize import Resize
from service.media.sampling import Rate
from service.media.upright import Pixels
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import MOST_FACES, FaceRequest
from service.registry.store import Store
from service.track import FloatArray, Track
from tests.media_made import call_for, corners, film
from tests.mediapipe_reference import need_mediapipe
from tests.pixel_models import AFFECT, EMOTIONS, publish_emotions
from tests.running import RunningService, running_service, wait_until
from tests.service.registry.graphs import draft, linear

EIGHT = Resize(w=8, h=8, library="pillow")

pytestmark = pytest.mark.filterwarnings("ignore")  # what MediaPipe's imports and protobuf warn of is not ours


@pytest.fixture(scope="module")
def store(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Planted models, heads over them, and a real network of FER-2013 with the preset that its shape calls for."""
    root = tmp_path_factory.mktemp("store")
    labels = root.parent / "emotions.txt"
    labels.write_text("angry\ndisgust\nfear\nhappy\nsad\nsurprise\nneutral\n")
    file = testdata / "keras" / "models" / "fer_mini_xception64_k205.h5"
    convert_keras(file, PublishOptions(name="fer", store=root, labels=str(labels)), ArchitectureSource())
    publish_emotions(root)
    publish_emotions(root, "everyone", faces="mean")
    publish_emotions(root, "small", whole_up_to=64, layout="nchw")
    for emotions in ("logits", "softmax"):
        fields = draft(
            f"head-{emotions}",
            labels=list(AFFECT),
            pipeline={"kind": "series", "statistics": ["mean"], "emotions": emotions},
            requires={"name": "emotions", "version": 1},
            inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", 5], "from": "track"}],
            output={"name": "y", "shape": ["batch", 5], "activation": "none"},
        )
        Store(root).publish(fields, {"model.onnx": linear(np.eye(5, dtype=np.float32))})
        fields |= {"name": f"tension-{emotions}", "task": "highlight", "labels": None}
        fields["output"] = {"name": "y", "shape": ["batch", 1], "activation": "none"}
        blue = np.array([[0], [0], [1], [0], [0]], np.float32)
        Store(root).publish(fields, {"model.onnx": linear(blue)})
    publish_emotions(root, "features", features=True)
    fields = draft(
        "restless",
        task="highlight",
        labels=None,
        pipeline={"kind": "series", "statistics": ["mean", "std"]},
        requires={"name": "features", "version": 1},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", 10], "from": "track"}],
        output={"name": "y", "shape": ["batch", 1], "activation": "none"},
    )
    Store(root).publish(fields, {"model.onnx": linear(np.eye(10, 1, -7, dtype=np.float32))})
    return root


@pytest.fixture(scope="module")
def service(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service")
    settings = {"SIGN_DEFAULT_MODEL": "emotions", "SIGN_SLOTS": "1", "SIGN_JOBS_CHUNK_S": "1"}
    with running_service(folder, SIGN_MODEL_STORE=str(store), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def landmarkers() -> Iterator[Landmarkers]:
    kept = Landmarkers()
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def two(testdata: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of the avatar and, smaller and bluer, himself."""
    whole = Image.open(testdata / "videos" / "heic" / "avatar_a_orientation1.jpg").convert("RGB")
    head = np.asarray(whole.crop((300, 60, 600, 360)), np.uint8)
    small = np.asarray(Image.fromarray(head).resize((200, 200)), np.uint8)
    picture = np.full((300, 600, 3), 90, np.uint8)
    picture[:, :300] = head
    picture[50:250, 350:550] = np.clip(small.astype(int) + np.array([-40, -20, 60]), 0, 255)
    path = tmp_path_factory.mktemp("pictures") / "two.png"
    Image.fromarray(picture).save(path)
    return path


def seen(path: Path, landmarkers: Landmarkers, count: int = 1) -> Track:
    call = call_for(path, FaceRequest(EIGHT, count=count), sampling=Rate(rate=2))
    return observe(call, lambda: None, landmarkers).track


def outputs(faces: FloatArray | Pixels) -> FloatArray:
    """The planted network's numbers for N × H × W × 3 faces."""
    red, green, blue = faces.astype(np.float64).mean(axis=(1, 2)).T
    return np.stack([red / 25.5, green / 25.5, blue / 25.5, (red - green) / 255, blue / 255], axis=1)


def reported(logits: FloatArray) -> FloatArray:
    grown = np.exp(logits[:, :3])
    return np.concatenate([grown / grown.sum(axis=1, keepdims=True), logits[:, 3:]], axis=1)


def of_samples(track: Track) -> FloatArray:
    """What is reported of each sample with a face: of the mean of its faces' outputs."""
    assert track.faces is not None
    pairs = zip(track.values, track.faces, strict=True)
    return reported(np.stack([outputs(faces[:count]).mean(axis=0) for faces, count in pairs if count]))


@pytest.mark.parametrize(("model", "count"), [("emotions", 1), ("everyone", MOST_FACES)])
def test_a_picture_is_answered_with_its_faces_mean(
    service: RunningService, two: Path, landmarkers: Landmarkers, model: str, count: int
) -> None:
    body = service.predict(two, model=model, return_probabilities=True).json()
    (wanted,) = of_samples(seen(two, landmarkers, count))
    assert list(body["probabilities"]) == list(EMOTIONS)
    assert list(body["probabilities"].values()) == pytest.approx(list(wanted[:3]), abs=1e-5)
    assert body["predicted_class_name"] == EMOTIONS[int(wanted[:3].argmax())]
    assert body["affect"] == {
        "valence": pytest.approx(wanted[3], abs=1e-5),
        "arousal": pytest.approx(wanted[4], abs=1e-5),
        "faces": min(count, 2),
    }
    assert (body["evidence"]["face_frames"], body["evidence"]["hand_frames"]) == (1, 0)
    more = "More than one face is seen; the largest is looked at."
    assert body["warnings"] == ([more] if count == 1 else [])


@pytest.mark.parametrize("clip", ["faces/sintel_face_girl.mp4", "avatar/words/happy.mp4"])
def test_a_film_is_answered_with_the_mean_of_its_samples(
    service: RunningService, testdata: Path, landmarkers: Landmarkers, clip: str
) -> None:
    path = testdata / "videos" / clip
    track = seen(path, landmarkers)
    body = service.predict(path, return_probabilities=True, return_frames=True).json()
    samples = of_samples(track)
    wanted = samples.mean(axis=0)
    assert list(body["probabilities"].values()) == pytest.approx(list(wanted[:3]), abs=1e-5)
    assert (body["affect"]["valence"], body["affect"]["arousal"]) == pytest.approx(tuple(wanted[3:]), abs=1e-5)
    faces = int(track.present.sum())
    assert body["affect"]["faces"] == body["evidence"]["face_frames"] == faces
    assert body["evidence"]["frames_sampled"] == len(track)
    frames = body["evidence"]["frames"]
    assert [frame["time"] for frame in frames] == pytest.approx(track.times_s[track.present])
    assert [frame["class_name"] for frame in frames] == [EMOTIONS[k] for k in samples[:, :3].argmax(axis=1)]


@pytest.mark.parametrize("medium", ["noface/sintel_dunes_noface.mp4", "rendered/abc_light.mp4"])
def test_without_a_face_nothing_is_said(service: RunningService, testdata: Path, medium: str) -> None:
    body = service.predict(testdata / "videos" / medium).json()
    assert (body["declined"], body["predicted_class_name"], body["top"]) == (True, None, [])
    assert body["affect"] == {"valence": None, "arousal": None, "faces": 0}
    assert body["evidence"]["face_frames"] == 0


def test_a_mirrored_film_has_the_same_feelings(service: RunningService, testdata: Path, tmp_path: Path) -> None:
    picture = np.asarray(Image.open(testdata / "videos" / "heic" / "avatar_a_orientation1.jpg").convert("RGB"))
    bodies = []
    for mirrored in (False, True):
        path = tmp_path / f"{mirrored}.png"
        Image.fromarray(np.ascontiguousarray(picture[:, ::-1]) if mirrored else picture).save(path)
        bodies.append(service.predict(path, mirrored=mirrored, return_probabilities=True).json())
    assert bodies[0]["probabilities"] == bodies[1]["probabilities"]
    assert bodies[0]["affect"] == bodies[1]["affect"]


def test_a_picture_of_a_faces_size_is_the_face(service: RunningService, tmp_path: Path) -> None:
    Image.fromarray(corners()).save(tmp_path / "face.png")
    body = service.predict(tmp_path / "face.png", model="small").json()
    assert (body["declined"], body["affect"]["faces"]) == (False, 1)
    assert service.predict(tmp_path / "face.png").json()["declined"]


def test_timeline_names_the_route_for_emotions(service: RunningService, two: Path) -> None:
    for route in ("/timeline", "/jobs/timeline"):
        response = service.client.post(route, content=two.read_bytes(), params={"model": "emotions"})
        assert (response.status_code, response.json()["code"]) == (422, "model-wrong-task")
        assert "/highlights" in response.json()["detail"]


def test_a_job_answers_as_predict_does(service: RunningService, testdata: Path) -> None:
    path = testdata / "videos" / "faces" / "sintel_face_close.mp4"
    direct = service.predict(path, model="everyone", return_probabilities=True).json()
    job = service.client.post(
        "/jobs/predict", content=path.read_bytes(), params={"model": "everyone", "return_probabilities": "true"}
    )
    assert job.status_code == 202, job.text
    address = job.headers["location"]
    wait_until(lambda: service.client.get(address).json()["state"] == "succeeded", 30, "the job did not succeed")
    result = service.client.get(f"{address}/result").json()
    assert result["affect"] == pytest.approx(direct["affect"])
    assert result["probabilities"] == pytest.approx(direct["probabilities"])
    assert result["evidence"] == direct["evidence"]


def test_a_head_gets_logits_or_what_is_reported(
    service: RunningService, testdata: Path, landmarkers: Landmarkers
) -> None:
    path = testdata / "videos" / "faces" / "sintel_face_girl.mp4"
    track = seen(path, landmarkers)
    raw = outputs(track.values[track.present][:, 0])
    for emotions, wanted in (("logits", raw), ("softmax", reported(raw))):
        body = service.predict(path, model=f"head-{emotions}", return_probabilities=True).json()
        assert list(body["probabilities"].values()) == pytest.approx(list(wanted.mean(axis=0)), abs=1e-5)
        assert "affect" not in body


def test_highlights_show_the_same_numbers_sample_by_sample(
    service: RunningService, testdata: Path, landmarkers: Landmarkers
) -> None:
    path = testdata / "videos" / "faces" / "sintel_face_girl.mp4"
    track = seen(path, landmarkers)
    options = {"model": "emotions", "return_series": "true", "min_faces": "1"}
    body = service.client.post("/highlights", content=path.read_bytes(), params=options).json()
    shown = [sample for sample in body["series"] if sample["values"]]
    assert [list(sample["values"]) for sample in shown] == [list(AFFECT)] * len(shown)
    values = np.array([list(sample["values"].values()) for sample in shown])
    assert values == pytest.approx(of_samples(track), abs=1e-5)
    assert track.boxes is not None
    boxes = np.array([sample["box"] for sample in shown])
    assert boxes == pytest.approx(track.boxes[track.present], abs=1e-5)


@pytest.mark.parametrize("emotions", ["logits", "softmax"])
def test_a_heads_choice_holds_for_highlights_too(
    service: RunningService, testdata: Path, landmarkers: Landmarkers, emotions: str
) -> None:
    path = testdata / "videos" / "faces" / "sintel_face_girl.mp4"
    track = seen(path, landmarkers)
    raw = outputs(track.values[track.present][:, 0])
    wanted = raw if emotions == "logits" else reported(raw)
    options = {"model": f"tension-{emotions}", "window": "60", "min_faces": "1"}
    body = service.client.post("/highlights", content=path.read_bytes(), params=options).json()
    assert body["tension"][0]["value"] == pytest.approx(wanted[:, 2].mean(), abs=1e-5)


def test_a_head_reads_mean_and_deviation_of_features(
    service: RunningService, testdata: Path, landmarkers: Landmarkers
) -> None:
    path = testdata / "videos" / "faces" / "sintel_face_girl.mp4"
    track = seen(path, landmarkers)
    options = {"model": "restless", "window": "60", "min_faces": "1"}
    body = service.client.post("/highlights", content=path.read_bytes(), params=options).json()
    wanted = outputs(track.values[track.present][:, 0])[:, 2].std()
    assert body["tension"][0]["value"] == pytest.approx(wanted, abs=1e-4)
    assert service.predict(path, model="features").json()["code"] == "model-wrong-task"


def test_ten_faces_in_every_frame_are_answered_from_the_largest(
    service: RunningService, two: Path, tmp_path: Path
) -> None:
    crowd: Pixels = np.tile(np.asarray(Image.open(two).convert("RGB"), np.uint8)[:, :300], (2, 5, 1))
    path = film(tmp_path / "crowd.mp4", lambda _: crowd, frames=4, rate=2)
    body = service.predict(path, model="everyone").json()
    assert body["affect"]["faces"] == 4 * MOST_FACES
    assert body["warnings"] == ["More than 4 faces are seen; the 4 largest are looked at."]


def authors_emotions(path: Path, graph: Path) -> FloatArray:
    """MediaPipe's own face detector, then the steps of the network's author, twice a second: N × 7."""
    need_mediapipe()
    from mediapipe.python.solutions.face_detection import FaceDetection  # noqa: PLC0415

    session = ort.InferenceSession(str(graph))
    answers = []
    with FaceDetection(min_detection_confidence=0.5) as detector, av.open(str(path)) as container:
        for index, coded in enumerate(container.decode(video=0)):
            if index % 12:
                continue
            frame = coded.to_ndarray(format="rgb24", src_colorspace="ITU601", dst_colorspace="ITU601")
            found = detector.process(frame).detections
            box = found[0].location_data.relative_bounding_box
            (height, width), (x, y, w, h) = frame.shape[:2], (box.xmin, box.ymin, box.width, box.height)
            rows = slice(int((y - 0.1 * h) * height), int((y + 1.1 * h) * height))
            face = frame[rows, int((x - 0.1 * w) * width) : int((x + 1.1 * w) * width)]
            small = cv2.resize(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), (64, 64))
            tensor = (small.astype(np.float32) / 255 - 0.5) * 2
            answers.append(session.run(None, {session.get_inputs()[0].name: tensor[None, :, :, None]})[0][0])
    return np.stack(answers)


@pytest.mark.parametrize("clip", ["words/happy", "words/thank_you", "letters/c"])
def test_a_real_network_says_of_a_film_what_its_authors_steps_say(
    service: RunningService, store: Path, testdata: Path, clip: str
) -> None:
    path = testdata / "videos" / "avatar" / f"{clip}.mp4"
    body = service.predict(path, model="fer", return_probabilities=True).json()
    wanted = authors_emotions(path, store / "fer" / "1" / "model.onnx").mean(axis=0)
    assert list(body["probabilities"].values()) == pytest.approx(list(wanted), abs=1e-4)
    assert body["affect"] == {"valence": None, "arousal": None, "faces": body["evidence"]["frames_sampled"]}
