"""What a release is asked: each door, with each kind of model, about media of every sort."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.answers.conversions import CONVERSIONS
from tests.answers.media import Media

Options = dict[str, str]

ALL: Options = {"return_probabilities": "true"}
WINDOWS: Options = {"return_probabilities": "true", "return_windows": "true"}
SERIES: Options = {"return_series": "true", "min_faces": "1"}
WORD = "samples/word_fly_right_tan.mp4"
LETTER = "samples/letter_a_right_light.mp4"
GIRL, CLOSE, SPEAKS = "faces/sintel_face_girl.mp4", "faces/sintel_face_close.mp4", "made/speaks.mp4"
FACES = (GIRL, CLOSE, SPEAKS)
PIXELS = ("colors", "counted", "hand", "white", "drawn", "lying")
CLIPS = ("times", "clips", "averaged", "clip-color")
HEADS = (
    "planted",
    "spread-measures",
    "spread-emotions",
    "tension-logits",
    "tension-softmax",
    "forest",
    "masked",
    "packed",
)

_OURS = (("letter_*.mp4", "asl-letters"), ("word_*.mp4", "asl-letters"), ("digit_*.mp4", "asl-digits"))


@dataclass(frozen=True, slots=True)
class Case:
    """One question. door: `predict`, `jobs/timeline`, `stream`, `get` and so on, `command` or `convert`.

    medium: its name, or the address to get; arguments: of a command; slots: of the service that is asked.
    """

    door: str
    medium: str = ""
    model: str = ""
    options: Options = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    slots: str = "1"

    @property
    def name(self) -> str:
        """What the answer is kept under."""
        options = "&".join(f"{name}={value}" for name, value in self.options.items())
        shared = "" if self.slots == "1" else f"slots={self.slots}"
        return " ".join(part for part in (self.door, self.model, self.medium, options, *self.arguments, shared) if part)

    def as_job(self) -> "Case":
        """The same as a job."""
        return replace(self, door=f"jobs/{self.door}")


def all_cases(media: Media) -> list[Case]:
    """All that is asked, in the order in which it is."""
    return [
        *_signs(media),
        *_signs_otherwise(media),
        *_words(media),
        *_pixels(media),
        *_clips(media),
        *_faces(media),
        *_highlights(media),
        *_formats(),
        *_mistakes(),
        *_live(media),
        *_shared(),
        *_commands(),
        *[Case("convert", model=name, arguments=arguments) for name, arguments in CONVERSIONS.items()],
    ]


def _signs(media: Media) -> Iterator[Case]:
    """Our models of letters and digits, on videos."""
    for pattern, model in _OURS:
        for name in media.names(f"samples/{pattern}"):
            timeline = Case("timeline", name, model, WINDOWS)
            yield from (Case("predict", name, model, ALL), timeline, timeline.as_job())
    for pattern, model in (("avatar/letters/*.mp4", "asl-letters"), ("avatar/digits/*.mp4", "asl-digits")):
        names = media.names(pattern)
        yield from (Case("predict", name, model, ALL) for name in names)
        yield from (Case("timeline", name, model, WINDOWS) for name in names[::3])
    long, damaged = "made/long.mp4", "made/damaged.mp4"
    for name in [*media.names("rendered/*.mp4"), *media.names("misc/*"), long, damaged]:
        yield Case("timeline", name, "asl-letters", WINDOWS)
    for name in ("rendered/abc_light.mp4", long, damaged):
        yield Case("jobs/timeline", name, "asl-letters", WINDOWS)
    for name in (damaged, "rendered/bye_left.mp4"):
        yield Case("predict", name, "asl-letters", ALL)


def _signs_otherwise(media: Media) -> Iterator[Case]:
    """The same models on pictures, on other containers, and with options."""
    for name in media.names("pictures/hands/*.jpg"):
        is_digit = name.removeprefix("pictures/hands/")[0].isdigit()
        yield Case("predict", name, "asl-digits" if is_digit else "asl-letters", ALL)
    yield from (Case("predict", name, "asl-letters", ALL) for name in media.names("heic/*"))
    for name in (WORD, "misc/avatar_b_rotated_matrix.mp4", "misc/avatar_b_vp9.webm", "misc/avatar_b.gif"):
        yield Case("predict", name, "asl-letters", ALL).as_job()
        yield Case("predict", name, "asl-letters", {"return_frames": "true", "top_k": "3"})
    for options in (
        {"start_time": "0.5", "clip_duration": "1.5"},
        {"mirrored": "true"},
        {"top_k": "2", "threshold": "0.999"},
        {"start_time": "1.2"},
    ):
        yield Case("predict", WORD, "asl-letters", options)
    for options in (
        {"smoothing": "none"},
        {"stride": "0.1", "clip_duration": "0.6"},
        {"mirrored": "true"},
        {"threshold": "0.99"},
        {"start_time": "0.9", "min_duration": "0.4", "merge_gap": "0.5"},
    ):
        timeline = Case("timeline", WORD, "asl-letters", options)
        yield from (timeline, timeline.as_job())


def _words(media: Media) -> Iterator[Case]:
    """Converted models of landmarks: words of both hands and the body, gestures of one hand in time, single frames."""
    words = media.names("avatar/words/*.mp4")
    for name in words:
        yield Case("predict", name, "five-signs", ALL)
    for model in ("slr", "angles"):
        for name in (LETTER, "samples/letter_b_left_brown.mp4", words[0], "pictures/hands/A_P2.jpg"):
            yield Case("predict", name, model, {**ALL, "return_frames": "true"})
        yield Case("timeline", LETTER, model, WINDOWS)
        yield Case("timeline", LETTER, model, WINDOWS).as_job()
    yield Case("timeline", words[0], "five-signs", {**WINDOWS, "clip_duration": "1", "stride": "0.5"})
    yield Case("jobs/predict", words[0], "five-signs", ALL)


def _pixels(media: Media) -> Iterator[Case]:
    """Models of pictures and of hands' pictures, small ones and their authors' own."""
    for model in PIXELS:
        for name in ("made/hand.mp4", "made/moving.mp4", "made/two_colors.mp4"):
            timeline = Case("timeline", name, model, WINDOWS)
            yield from (Case("predict", name, model, {**ALL, "return_frames": "true"}), timeline, timeline.as_job())
        for name in ("pictures/hands/A_P2.jpg", "heic/avatar_b_orientation6.heic", LETTER):
            yield Case("predict", name, model, ALL)
    for model in ("colors", "counted"):
        for name in ("made/colors.mp4", "made/minute.mp4", "made/pause.mp4"):
            timeline = Case("timeline", name, model, WINDOWS)
            yield from (timeline, timeline.as_job())
        yield Case("jobs/timeline", "made/colors.mp4", model, {**WINDOWS, "start_time": "1.234"})
        yield Case("jobs/predict", "made/minute.mp4", model, ALL)
    for model in ("smnist", "asl27", "tm"):
        yield Case("predict", LETTER, model, ALL)
        for name in media.names("pictures/hands/[A-C]_*.jpg"):
            yield Case("predict", name, model, ALL)


def _clips(media: Media) -> Iterator[Case]:
    """Networks of clips, and a head over one that looks at chunks."""
    made = ("made/two_colors.mp4", "made/brightening.mp4", "made/uneven.mp4", "made/colors.mp4", "made/pause.mp4")
    for model in CLIPS:
        for name in [*made, *media.names("avatar/words/*.mp4")[::3], *media.names("samples/word_*.mp4")]:
            yield Case("predict", name, model, ALL)
        for name in made:
            timeline = Case("timeline", name, model, WINDOWS)
            yield from (timeline, timeline.as_job())
        for options in ({"start_time": "0.5", "clip_duration": "1.5"}, {"start_time": "1.234"}):
            yield Case("predict", made[0], model, options)
            yield Case("timeline", made[0], model, options)
            yield Case("timeline", made[0], model, options).as_job()
        yield Case("jobs/predict", made[0], model, ALL)
    yield Case("timeline", made[0], "clips", {**WINDOWS, "stride": "0.1"})
    yield Case("predict", "made/two_colors.mp4", "many", ALL)


def _faces(media: Media) -> Iterator[Case]:
    """Emotions of videos and pictures, and the heads that answer /predict."""
    picture = "heic/avatar_a_orientation1.jpg"
    films = [*FACES, *media.names("avatar/words/*.mp4"), "noface/sintel_dunes_noface.mp4"]
    for model in ("emotions", "everyone", "fer"):
        for name in [*films, picture]:
            yield Case("predict", name, model, {**ALL, "return_frames": "true"})
        for name in FACES:
            yield Case("highlights", name, model, SERIES)
            yield Case("jobs/predict", name, model, ALL)
    yield Case("predict", picture, "small", ALL)
    for model in ("head-logits", "head-softmax"):
        for name in FACES:
            predict = Case("predict", name, model, ALL)
            yield from (predict, predict.as_job())


def _highlights(media: Media) -> Iterator[Case]:
    """The moments that stand out: by our rule, and by the heads."""
    words, letters = media.names("avatar/words/*.mp4"), media.names("avatar/letters/*.mp4")
    others = [*letters[::5], *media.names("samples/word_*.mp4"), "noface/sintel_dunes_noface.mp4", "made/pause.mp4"]
    for name in [*FACES, *words, *others]:
        yield Case("highlights", name, "face-motion", SERIES)
    yield from (Case("jobs/highlights", name, "face-motion", SERIES) for name in FACES)
    for options in (
        {"faces": "mean"},
        {"signal": "change"},
        {"threshold": "0.1", "min_duration": "0.2", "merge_gap": "0.1"},
        {"channel": "mouth_opening", "top_k": "1"},
        {"start_time": "1.3", "clip_duration": "5"},
        {"sample_rate": "7.5"},
        {"mirrored": "true"},
    ):
        highlights = Case("highlights", SPEAKS, "face-motion", options)
        yield from (highlights, highlights.as_job())
    for model in HEADS:
        for name in [*FACES, "avatar/words/happy.mp4"]:
            yield Case("highlights", name, model, SERIES)
        yield Case("highlights", SPEAKS, model, {"window": "4", "sample_rate": "3"})
        yield Case("jobs/highlights", SPEAKS, model, SERIES)


def _formats() -> Iterator[Case]:
    """Files that people open; what stands at addresses that are only read."""
    for form in ("vtt", "srt", "eaf", "csv", "aihub"):
        for door in ("timeline", "jobs/timeline"):
            yield Case(door, WORD, "asl-letters", {"format": form, "media_name": "fly.mp4"})
    yield Case("timeline", "made/damaged.mp4", "asl-letters", {"format": "vtt"})
    yield Case("timeline", WORD, "asl-letters", {**WINDOWS, "format": "csv"})
    for form in ("vtt", "csv", "edl", "png"):
        for door in ("highlights", "jobs/highlights"):
            yield Case(door, SPEAKS, "planted", {**SERIES, "format": form, "media_name": "speaks.mp4"})
    for address in ("/models", "/models/asl-letters", "/models/planted/versions/1", "/openapi.json", "/metrics"):
        yield Case("get", address)


def _mistakes() -> Iterator[Case]:
    """Requests that are refused."""
    doors = ("predict", "timeline", "highlights", "jobs/predict", "jobs/timeline", "jobs/highlights")
    for door in doors:
        model = "face-motion" if door.endswith("highlights") else "asl-letters"
        for name in ("made/text.mp4", "made/empty.mp4"):
            yield Case(door, name, model)
        yield Case(door, LETTER, "nosuch")
        yield Case(door, LETTER, model, {"version": "9"})
        yield Case(door, LETTER, model, {"start_time": "100"})
        yield Case(door, LETTER, model, {"start_time": "-1", "top_k": "many", "nosuch": "1"})
        for other in ("face-motion", "emotions", "clips", "features", "measures", "planted", "asl-letters"):
            if other != model:
                yield Case(door, "heic/avatar_a_orientation1.jpg", other)
        yield Case(door, "heic/avatar_a_orientation1.jpg", model)
        yield Case(door, "rendered/alphabet_12fps.mp4", "affect" if door.endswith("highlights") else "colors")
        yield Case(door, "made/pause.mp4", "planted" if door.endswith("highlights") else "clips")
    yield Case("timeline", WORD, "asl-letters", {"format": "edl"})
    yield Case("predict", "rendered/alphabet_12fps.mp4", "five-signs", {"clip_duration": "16"})
    yield Case("timeline", "made/minute.mp4", "clip-color", {"clip_duration": "20"})


def _live(media: Media) -> Iterator[Case]:
    """Sessions of /stream."""
    for name in media.names("samples/*.mp4"):
        yield Case("stream", name, "asl-digits" if name.startswith("samples/digit") else "asl-letters")
    for model in ("colors", "hand", "white", "drawn", "counted"):
        yield Case("stream", "made/moving.mp4", model)
    for options in ({"mirrored": "true", "landmarks": "false"}, {"window_s": "0.6", "stride_s": "0.1"},
                    {"say": "flush"}, {"say": "reset"}, {"every_frame": "true"}):  # fmt: skip
        yield Case("stream", WORD, "asl-letters", options)
    for model in ("clips", "five-signs", "face-motion", "emotions", "nosuch"):
        yield Case("stream", WORD, model)


def _shared() -> Iterator[Case]:
    """Long media that two free slots share."""
    for model, name in (("asl-letters", "made/long.mp4"), ("colors", "made/minute.mp4"), ("clips", "made/pause.mp4")):
        timeline = Case("timeline", name, model, WINDOWS, slots="2")
        yield from (timeline, timeline.as_job())
    yield Case("highlights", "made/pause.mp4", "face-motion", SERIES, slots="2")


def _commands() -> Iterator[Case]:
    """Commands; OUT stands for a folder of their own, the others for those where media lie."""
    letters = ("SAMPLES/letter_a_right_light.mp4", "SAMPLES/letter_b_left_brown.mp4", "SAMPLES/word_cab_left_brown.mp4")
    for arguments in (
        ("models",),
        ("predict", *letters, "--return-probabilities"),
        ("predict", letters[0], "--show-probs", "--top-k", "5"),
        ("predict", "MADE/two_colors.mp4", "MADE/colors.mp4", "--model", "clips", "--output", "OUT/"),
        ("predict", "TESTDATA/videos/faces", "--model", "everyone", "--output", "OUT/"),
        ("predict", "MADE/text.mp4", "MADE/empty.mp4", "MADE/nosuch.mp4"),
        ("timeline", *letters, "--output", "OUT/", "--return-windows"),
        ("timeline", "MADE/minute.mp4", "MADE/pause.mp4", "--model", "counted", "--format", "csv", "--output", "OUT/"),
        ("timeline", letters[2], "--show-probs", "--stride", "0.1", "--format", "eaf", "--output", "OUT/cab.eaf"),
        ("highlights", "MADE/speaks.mp4", "--model", "forest", "--return-series"),
        ("highlights", "TESTDATA/videos/faces", "MADE/pause.mp4", "--format", "csv", "--output", "OUT/"),
        ("features", *letters, "--out", "OUT/letters.npz"),
        ("features", letters[0], "--out", "OUT/a.csv"),
        ("features", letters[0], "--out", "OUT/a.pose"),
        ("features", "MADE/speaks.mp4", "--model", "face-motion", "--out", "OUT/faces.csv"),
        ("features", "MADE/speaks.mp4", "--model", "emotions", "--out", "OUT/emotions.npz", "--crops", "OUT/crops"),
        ("features", "MADE/hand.mp4", "--model", "white", "--crops", "OUT/crops"),
        ("features", "MADE/two_colors.mp4", "--model", "clips", "--out", "OUT/clips.npz"),
        ("features", "MADE/two_colors.mp4", "--model", "clip-color", "--out", "OUT/chunks.npz"),
        ("evaluate", "KEPT/labeled", "--fit", "--write-report", "OUT/report.json", "--picture", "OUT/matrix.png"),
    ):  # fmt: skip
        yield Case("command", arguments=arguments)
