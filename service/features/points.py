"""The names of landmarks, as MediaPipe has them, and the bones between them."""

from typing import Final

from service.track import PART_POINTS, PartName

_FINGERS: Final = ("INDEX_FINGER", "MIDDLE_FINGER", "RING_FINGER", "PINKY")

HAND_POINTS: Final = (
    "WRIST",
    *(f"THUMB_{joint}" for joint in ("CMC", "MCP", "IP", "TIP")),
    *(f"{finger}_{joint}" for finger in _FINGERS for joint in ("MCP", "PIP", "DIP", "TIP")),
)

POSE_POINTS: Final = (
    "NOSE",
    *(f"{side}_EYE{place}" for side in ("LEFT", "RIGHT") for place in ("_INNER", "", "_OUTER")),
    "LEFT_EAR",
    "RIGHT_EAR",
    "MOUTH_LEFT",
    "MOUTH_RIGHT",
    *(
        f"{side}_{joint}"
        for joint in (
            "SHOULDER",
            "ELBOW",
            "WRIST",
            "PINKY",
            "INDEX",
            "THUMB",
            "HIP",
            "KNEE",
            "ANKLE",
            "HEEL",
            "FOOT_INDEX",
        )
        for side in ("LEFT", "RIGHT")
    ),
)

FACE_POINTS: Final = tuple(str(number) for number in range(PART_POINTS["face"]))

POINTS: Final[dict[PartName, tuple[str, ...]]] = {
    "left_hand": HAND_POINTS,
    "right_hand": HAND_POINTS,
    "hand": HAND_POINTS,
    "pose": POSE_POINTS,
    "face": FACE_POINTS,
}

POSE_BONES: Final = (
    *((0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10)),
    *((11, 12), (11, 13), (13, 15), (15, 17), (15, 19), (15, 21), (17, 19)),
    *((12, 14), (14, 16), (16, 18), (16, 20), (16, 22), (18, 20)),
    *((11, 23), (12, 24), (23, 24), (23, 25), (24, 26), (25, 27), (26, 28)),
    *((27, 29), (28, 30), (29, 31), (30, 32), (27, 31), (28, 32)),
)


def point_names(parts: tuple[PartName, ...]) -> tuple[str, ...]:
    """A name for each point of a track, like hand_WRIST; of a second person's part face2_0."""
    names: list[str] = []
    for place, part in enumerate(parts):
        number = parts[:place].count(part) + 1
        prefix = part if number == 1 else f"{part}{number}"
        names += [f"{prefix}_{point}" for point in POINTS[part]]
    return tuple(names)
