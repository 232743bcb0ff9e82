"""The graphs that a worker keeps."""

import pytest

from service.media.upright import Pixels
from service.observe.landmarker import LandmarkFrame
from service.observe.landmarkers import MOST_GRAPHS, Landmarkers
from service.observe.request import LandmarkRequest


class Graph:
    """Counts what is done to it."""

    def __init__(self) -> None:
        self.resets = 0
        self.closed = 0

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        del rgb
        return LandmarkFrame()

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed += 1


class Workshop:
    def __init__(self) -> None:
        self.built: list[Graph] = []
        self.landmarkers = Landmarkers(self.build)

    def build(self, request: LandmarkRequest) -> Graph:
        del request
        self.built.append(Graph())
        return self.built[-1]

    def use(self, confidence: float) -> Graph:
        with self.landmarkers.borrow(at(confidence)) as graph:
            assert isinstance(graph, Graph)
            return graph


def at(confidence: float) -> LandmarkRequest:
    return LandmarkRequest("hands", ("hand",), min_detection_confidence=confidence)


def test_a_graph_is_built_once_and_reset_for_each_medium() -> None:
    shop = Workshop()
    assert shop.use(0.5) is shop.use(0.5)
    assert shop.built[0].resets == 2


def test_requests_that_differ_in_their_parts_alone_share_a_graph() -> None:
    shop = Workshop()
    with shop.landmarkers.borrow(LandmarkRequest("hands", ("left_hand",))) as first:
        pass
    with shop.landmarkers.borrow(LandmarkRequest("hands", ("hand",))) as second:
        assert first is second


def test_the_least_recently_used_graph_is_closed_when_there_are_too_many() -> None:
    shop = Workshop()
    for step in range(MOST_GRAPHS):
        shop.use(step / 10)
    shop.use(0.0)
    shop.use(0.9)
    assert [graph.closed for graph in shop.built] == [0, 1, 0, 0]


def test_a_graph_that_failed_is_closed_and_not_used_again() -> None:
    shop = Workshop()
    with pytest.raises(RuntimeError, match="timestamp"), shop.landmarkers.borrow(at(0.5)):
        raise RuntimeError("timestamp mismatch")
    assert shop.built[0].closed == 1
    assert shop.use(0.5) is shop.built[1]


def test_closing_closes_all() -> None:
    shop = Workshop()
    for step in range(MOST_GRAPHS):
        shop.use(step / 10)
    shop.landmarkers.close()
    assert all(graph.closed == 1 for graph in shop.built)
