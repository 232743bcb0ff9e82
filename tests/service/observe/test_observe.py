"""From a medium to a Track, with real graphs in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.sampling import EveryNth, Rate
from service.observe.call import ObserveCall, ObserveResult
from service.observe.cancelled import ObservationCancelledError
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import LandmarkRequest
from service.track import FloatArray, Track
from tests.media_made import (
    MATRICES,
    call_for,
    drawn_hand,
    film,
    numbered,
    signing,
    stored_as,
    turned,
)

pytestmark = pytest.mark.filterwarnings("ignore")

TWO_HANDS = LandmarkRequest("hands", ("left_hand", "right_hand"), max_hands=2)
BODY = LandmarkRequest("holistic", ("pose", "left_hand", "right_hand"))
BODY_AND_FACE = LandmarkRequest("holistic", ("pose", "left_hand", "right_hand", "face"))

Observe = Callable[[ObserveCall], ObserveResult]


@pytest.fixture(scope="module")
def look() -> Iterator[Observe]:
    landmarkers = Landmarkers()
    yield lambda call: observe(call, lambda: None, landmarkers)
    landmarkers.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signing(tmp_path_factory.mktemp("clips") / "right.mp4")


def wrist_x(track: Track) -> FloatArray:
    return track.part("hand")[:, 0, 0]


def same(first: Track, second: Track) -> bool:
    return np.array_equal(first.values, second.values, equal_nan=True) and np.array_equal(first.times_s, second.times_s)


def refusal(look: Observe, call: ObserveCall) -> SignError:
    with pytest.raises(SignError) as caught:
        look(call)
    return caught.value


def test_a_video_of_a_hand_gives_a_track_of_it(look: Observe, clip: Path) -> None:
    result = look(call_for(clip))
    track = result.track
    assert (track.parts, track.values.shape) == (("hand",), (20, 21, 4))
    assert track.times_s == pytest.approx(np.arange(20) / 10)
    assert track.present.mean() > 0.9
    assert track.side() == "right"
    assert track.warnings == ()
    assert (result.decoded, result.observed) == (20, 20)
    assert result.decode_s > 0
    assert result.observe_s > 0


def test_the_same_call_gives_the_same_bits(look: Observe, clip: Path, tmp_path: Path) -> None:
    before = look(call_for(clip)).track
    look(call_for(signing(tmp_path / "other.mp4", frames=5, mirrored=True)))
    assert same(before, look(call_for(clip)).track)


def test_only_sampled_frames_are_observed(look: Observe, clip: Path) -> None:
    result = look(call_for(clip, sampling=Rate(rate=2)))
    assert (result.decoded, result.observed, len(result.track)) == (20, 4, 4)


def test_a_rate_above_the_cameras_repeats_observations(look: Observe, clip: Path) -> None:
    result = look(call_for(clip, sampling=Rate(rate=20)))
    assert (result.observed, len(result.track)) == (20, 40)
    assert np.array_equal(result.track.values[0::2], result.track.values[1::2], equal_nan=True)
    assert result.track.handedness is not None
    assert len(result.track.handedness) == 40


def test_counting_frames_takes_each_nth_from_the_first_of_the_file(look: Observe, clip: Path) -> None:
    track = look(call_for(clip, sampling=EveryNth(every=3, fps=10), start_s=0.5)).track
    assert track.times_s == pytest.approx([0.6, 0.9, 1.2, 1.5, 1.8])


def test_another_frame_rate_than_the_authors_is_said(look: Observe, clip: Path) -> None:
    track = look(call_for(clip, sampling=EveryNth(every=3, fps=30))).track
    assert len(track) == 20
    assert any("30 frames per second" in sentence for sentence in track.warnings)


def test_a_part_takes_the_grid_points_that_lie_in_it(look: Observe, clip: Path) -> None:
    track = look(call_for(clip, sampling=Rate(rate=5), start_s=0.5, duration_s=0.9)).track
    assert track.times_s == pytest.approx([0.6, 0.8, 1.0, 1.2])
    assert track.media.duration == pytest.approx(2.0)


def test_a_mirrored_video_that_is_said_to_be_so_gives_the_same_track(look: Observe, clip: Path, tmp_path: Path) -> None:
    mirrored = signing(tmp_path / "mirrored.mp4", mirrored=True)
    right, left = look(call_for(clip)).track, look(call_for(mirrored)).track
    undone = look(call_for(mirrored, mirrored=True)).track
    assert (right.side(), left.side(), undone.side()) == ("right", "left", "right")
    assert np.nanmax(np.abs(wrist_x(right) - wrist_x(undone))) < 0.03


def test_selfie_gives_the_coordinates_of_the_flipped_frame_and_the_persons_side(look: Observe, clip: Path) -> None:
    plain = look(call_for(clip)).track
    selfie = look(call_for(clip, LandmarkRequest("hands", ("hand",), selfie=True))).track
    assert selfie.side() == "right"
    assert np.nanmax(np.abs(wrist_x(plain) - (1 - wrist_x(selfie)))) < 0.03


def test_mirrored_and_selfie_undo_each_other(look: Observe, clip: Path) -> None:
    selfie = LandmarkRequest("hands", ("hand",), selfie=True)
    plain = look(call_for(clip)).track
    both = look(call_for(clip, selfie, mirrored=True)).track
    assert same(plain, both)
    assert both.side() == "left"  # a mirrored picture of a left hand is what the frame shows


def test_one_hand_is_never_two(look: Observe, clip: Path) -> None:
    track = look(call_for(clip, TWO_HANDS)).track
    seen = [~np.isnan(track.part(part)[:, 0, 0]) for part in ("left_hand", "right_hand")]
    assert not (seen[0] & seen[1]).any()
    assert (seen[0] | seen[1]).mean() > 0.9
    assert track.handedness is None


def test_more_hands_than_the_model_follows_are_said(look: Observe, tmp_path: Path) -> None:
    both = np.concatenate([drawn_hand(240, 240), drawn_hand(240, 240)[:, ::-1]], axis=1)
    path = film(tmp_path / "both.mp4", lambda _: both, frames=6)
    track = look(call_for(path, LandmarkRequest("hands", ("hand",), max_hands=2))).track
    assert any("More than one hand" in sentence for sentence in track.warnings)
    two = look(call_for(path, TWO_HANDS)).track
    assert np.nanmean(two.part("right_hand")[:, 0, 0]) < 0.5 < np.nanmean(two.part("left_hand")[:, 0, 0])


@pytest.mark.parametrize("orientation", [3, 5, 6, 8])
def test_landmarks_of_a_turned_video_are_those_of_the_upright_one(
    orientation: int, look: Observe, tmp_path: Path
) -> None:
    upright = drawn_hand(320, 240, at=(0.35, 0.6), size=0.9)
    stored = stored_as(upright, orientation)
    plain = look(call_for(film(tmp_path / "plain.mp4", lambda _: upright, frames=6))).track
    lying = turned(film(tmp_path / "lying.mp4", lambda _: stored, frames=6), MATRICES[orientation])
    track = look(call_for(lying)).track
    assert (track.media.width, track.media.height) == (320, 240)
    assert np.nanmax(np.abs(track.values[..., :2] - plain.values[..., :2])) < 0.03


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reader", ["JPEG", "HEIF"])
def test_landmarks_of_a_turned_picture_are_those_of_the_upright_one(
    reader: str, orientation: int, look: Observe, tmp_path: Path
) -> None:
    upright = drawn_hand(320, 240, at=(0.35, 0.6), size=0.9)
    plain, lying = tmp_path / "plain", tmp_path / "lying"
    Image.fromarray(upright).save(plain, "PNG")
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored_as(upright, orientation)).save(lying, reader, exif=exif.tobytes(), quality=95)
    expected, track = look(call_for(plain)).track, look(call_for(lying)).track
    assert (track.media.kind, len(track), float(track.times_s[0])) == ("picture", 1, 0.0)
    assert np.abs(track.values[..., :2] - expected.values[..., :2]).max() < 0.03


def test_a_gif_of_one_picture_is_a_picture(look: Observe, tmp_path: Path) -> None:
    path = tmp_path / "still"
    Image.fromarray(drawn_hand()).save(path, "GIF")
    media = look(call_for(path)).track.media
    assert (media.kind, media.format, media.duration) == ("picture", "gif", None)


def test_the_part_of_a_video_beyond_its_end_is_empty(look: Observe, clip: Path) -> None:
    assert refusal(look, call_for(clip, start_s=2.5)).code == "window-empty"
    assert refusal(look, call_for(clip, start_s=1.91, duration_s=0.05)).code == "window-empty"


def test_what_is_too_long_is_refused_by_the_header(look: Observe, clip: Path) -> None:
    limits = MediaLimits(33_000_000, 1.0, 100)
    error = refusal(look, call_for(clip, limits=limits))
    assert (error.code, error.limit) == ("media-too-long", 1.0)
    assert error.actual == pytest.approx(2.0)
    assert len(look(call_for(clip, limits=limits, start_s=0.5, duration_s=1.0)).track) == 10


def test_more_frames_than_allowed_are_refused(look: Observe, clip: Path) -> None:
    limits = MediaLimits(33_000_000, 120, 19)
    assert refusal(look, call_for(clip, limits=limits)).code == "too-many-frames"
    assert refusal(look, call_for(clip, limits=limits, sampling=EveryNth(every=1, fps=10))).code == "too-many-frames"


def test_a_recording_without_a_duration_is_limited_while_it_is_read(look: Observe, tmp_path: Path) -> None:
    path = film(
        tmp_path / "live.webm", numbered(), frames=30, codec="libvpx-vp9", container="webm", options={"live": "1"}
    )
    assert refusal(look, call_for(path, limits=MediaLimits(33_000_000, 1.0, 99))).code == "media-too-long"
    assert refusal(look, call_for(path, limits=MediaLimits(33_000_000, 9.0, 9))).code == "too-many-frames"
    assert look(call_for(path)).track.media.duration == pytest.approx(3.0, abs=0.11)


def test_work_stops_where_nobody_wants_it_any_more(clip: Path) -> None:
    asked = 0

    def keep_going() -> None:
        nonlocal asked
        asked += 1
        if asked == 5:
            raise InterruptedError

    landmarkers = Landmarkers()
    with pytest.raises(InterruptedError):
        observe(call_for(clip), keep_going, landmarkers)
    assert len(observe(call_for(clip), lambda: None, landmarkers).track) == 20
    landmarkers.close()


def test_without_the_face_pose_and_hands_are_the_same_to_the_bit(look: Observe, testdata: Path) -> None:
    path = testdata / "videos/avatar/letters/b.mp4"
    with_face, without = look(call_for(path, BODY_AND_FACE)).track, look(call_for(path, BODY)).track
    for part in BODY.parts:
        assert np.array_equal(with_face.part(part), without.part(part), equal_nan=True)
    assert with_face.frames_with(("face",)) == len(with_face)
    assert without.frames_with(("right_hand",)) > 0.5 * len(without)


@pytest.mark.parametrize(("name", "side"), [("bye_left", "left"), ("abc_light", "right")])
def test_a_rendered_hand_has_its_true_side_mirrored_or_not(name: str, side: str, look: Observe, testdata: Path) -> None:
    path = testdata / f"videos/rendered/{name}.mp4"
    other = "left" if side == "right" else "right"
    assert look(call_for(path)).track.side() == side
    assert look(call_for(path, mirrored=True)).track.side() == other
    assert look(call_for(path, LandmarkRequest("hands", ("hand",), selfie=True))).track.side() == side


def test_the_avatar_signs_with_the_right_hand(look: Observe, testdata: Path) -> None:
    path = testdata / "videos/avatar/letters/b.mp4"
    assert look(call_for(path)).track.side() == "right"
    body = look(call_for(path, BODY)).track
    assert body.frames_with(("right_hand",)) > 8 > body.frames_with(("left_hand",))


@pytest.mark.parametrize(
    "stem", ["a_orientation1", "b_orientation6", "l_orientation8", "v_orientation3", "y_orientation5"]
)
def test_a_phones_heic_and_jpeg_show_the_hand_in_the_same_place(stem: str, look: Observe, testdata: Path) -> None:
    heic = look(call_for(testdata / f"videos/heic/avatar_{stem}.heic")).track
    jpeg = look(call_for(testdata / f"videos/heic/avatar_{stem}.jpg")).track
    assert (heic.media.width, heic.media.height) == (jpeg.media.width, jpeg.media.height) == (880, 720)
    assert heic.present.all()
    assert np.abs(heic.values[..., :2] - jpeg.values[..., :2]).max() < 0.03
    assert heic.part("hand")[0, :, 1].min() < heic.part("hand")[0, 0, 1] - 0.05  # fingers point up


def test_a_turned_clip_has_the_landmarks_of_the_upright_one(look: Observe, testdata: Path) -> None:
    lying = look(call_for(testdata / "videos/misc/avatar_b_rotated_matrix.mp4")).track
    upright = look(call_for(testdata / "videos/misc/avatar_b_vp9.webm")).track
    assert (lying.media.width, lying.media.height) == (640, 360)
    both = lying.present & upright.present
    assert both.sum() > 6
    assert np.median(np.abs(lying.values[both] - upright.values[both])[..., :2]) < 0.01


def test_every_video_shows_a_plausible_number_of_hands(look: Observe, testdata: Path) -> None:
    shares = {}
    for path in sorted((testdata / "videos").rglob("*.mp4")):
        track = look(call_for(path, sampling=Rate(rate=4))).track
        shares[f"{path.parent.name}/{path.stem}"] = track.frames_with(("hand",)) / len(track)
    for name, share in shares.items():
        if name.startswith("rendered/"):
            assert share > 0.95, name
        elif name.startswith(("faces/", "noface/")):
            assert share < 0.2, name
        else:
            assert share > (0.3 if name.startswith(("letters/", "digits/")) else 0.1), name


def test_a_hand_is_found_in_every_photograph(look: Observe, testdata: Path) -> None:
    tracks = [look(call_for(path)).track for path in sorted((testdata / "pictures/hands").glob("*.jpg"))]
    assert len(tracks) == 33
    assert all(track.present.all() for track in tracks)
    assert sum(track.side() == "right" for track in tracks) >= 31


def test_whoever_counts_frames_goes_on_counting_from_a_sampled_one(look: Observe, tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", numbered(), frames=60, rate=10, keyframe_every=7)
    whole = look(call_for(path, sampling=EveryNth(every=3, fps=10))).track.times_s
    for anchor in whole[::4]:
        call = call_for(path, sampling=EveryNth(every=3, fps=10), start_s=float(anchor), counted=False)
        assert np.array_equal(look(call).track.times_s, whole[whole >= anchor])


def test_a_call_says_whether_anything_lies_behind_its_part(look: Observe, clip: Path) -> None:
    assert look(call_for(clip)).at_end
    assert look(call_for(clip, start_s=1.0, duration_s=5.0)).at_end
    assert not look(call_for(clip, duration_s=1.0)).at_end


def test_a_call_that_preemptible_keeps_what_it_has_seen(clip: Path) -> None:
    decoded = 0

    def until_the_tenth() -> None:
        nonlocal decoded
        decoded += 1
        if decoded > 10:
            raise ObservationCancelledError

    landmarkers = Landmarkers()
    try:
        result = observe(call_for(clip, preemptible=True), until_the_tenth, landmarkers)
        assert (result.preempted, result.at_end) == (True, False)
        assert 8 <= len(result.track) <= 10
        with pytest.raises(ObservationCancelledError):
            observe(call_for(clip, preemptible=True), until_the_tenth, landmarkers)
        with pytest.raises(ObservationCancelledError):
            observe(call_for(clip), until_the_tenth, landmarkers)
    finally:
        landmarkers.close()
