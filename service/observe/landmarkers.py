"""The graphs that a worker keeps: building one takes a third of a second and leaks a little."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.observe.landmarker import Landmarker
from service.observe.request import LandmarkLibrary, LandmarkMode, LandmarkRequest

MOST_GRAPHS = 3

GraphKey = tuple[str, int, int, float, float, bool, LandmarkMode]


class Landmarkers:
    """At most MOST_GRAPHS landmarkers of different configuration; the least recently used is closed.

    library: what builds them, unless `build` does.
    """

    def __init__(
        self,
        build: Callable[[LandmarkRequest], Landmarker] | None = None,
        most: int = MOST_GRAPHS,
        library: LandmarkLibrary = "engine",
    ) -> None:
        self._build = build or _BUILDERS[library]
        self._most = most
        self._kept: OrderedDict[GraphKey, Landmarker] = OrderedDict()

    @contextmanager
    def borrow(self, request: LandmarkRequest) -> Iterator[Landmarker]:
        """A landmarker that remembers nothing, for one medium. One whose graph fails is not kept."""
        key = _graph_key(request)
        landmarker = self._kept.get(key)
        if landmarker is None:
            landmarker = self._add(key, request)
        self._kept.move_to_end(key)
        try:
            landmarker.reset()
            yield landmarker
        except RuntimeError:
            self._drop(key)
            raise

    def close(self) -> None:
        """Close all."""
        while self._kept:
            self._kept.popitem(last=False)[1].close()

    def _add(self, key: GraphKey, request: LandmarkRequest) -> Landmarker:
        while len(self._kept) >= self._most:
            self._kept.popitem(last=False)[1].close()
        landmarker = self._kept[key] = self._build(request)
        return landmarker

    def _drop(self, key: GraphKey) -> None:
        landmarker = self._kept.pop(key)
        try:
            landmarker.close()
        except RuntimeError:
            return  # a graph that failed reports its failure once more on closing


def build_mediapipe(request: LandmarkRequest) -> Landmarker:
    """The cheapest of MediaPipe's landmarkers that gives the parts. It is imported here, and only in workers."""
    if request.source == "hands":
        from service.observe.hands import HandsLandmarker  # noqa: PLC0415

        return HandsLandmarker(request)
    if request.source == "face_mesh":
        from service.observe.face_mesh import FaceMeshLandmarker  # noqa: PLC0415

        return FaceMeshLandmarker(request)
    if request.complexity != 1:
        return build_engine(request)  # the package carries the networks of complexity 1 alone
    from service.observe.holistic import HolisticLandmarker, HolisticWithoutFaceLandmarker  # noqa: PLC0415

    return HolisticLandmarker(request) if "face" in request.parts else HolisticWithoutFaceLandmarker(request)


def build_engine(request: LandmarkRequest) -> Landmarker:
    """The engine's landmarker that gives the parts. ONNX Runtime is imported here, and only in workers."""
    if request.source == "hands":
        from service.observe.engine.hands import FaithfulHands  # noqa: PLC0415
        from service.observe.engine.robust import RobustHands  # noqa: PLC0415

        return RobustHands(request) if request.mode == "robust" else FaithfulHands(request)
    if request.source == "face_mesh":
        from service.observe.engine.faces import Faces  # noqa: PLC0415

        return Faces(request)
    from service.observe.engine.holistic import Holistic  # noqa: PLC0415

    return Holistic(request)


_BUILDERS: dict[LandmarkLibrary, Callable[[LandmarkRequest], Landmarker]] = {
    "mediapipe": build_mediapipe,
    "engine": build_engine,
}


def _graph_key(request: LandmarkRequest) -> GraphKey:
    """What makes two requests need different graphs."""
    confidences = (request.min_detection_confidence, request.min_tracking_confidence)
    if request.source == "hands":
        return ("hands", request.max_hands, request.complexity, *confidences, request.selfie, request.mode)
    if request.source == "face_mesh":
        return ("face_mesh", 1, 1, *confidences, False, "faithful")
    return ("holistic", 1, request.complexity, *confidences, "face" in request.parts, "faithful")
