"""MediaPipe's Holistic without the face mesh: a graph of the subgraphs that its wheel carries."""

from typing import NamedTuple, cast

from google.protobuf import text_format  # type: ignore[import-untyped]
from mediapipe.calculators.core import constant_side_packet_calculator_pb2 as _constants
from mediapipe.calculators.tensor import tensors_to_detections_calculator_pb2 as _detections
from mediapipe.calculators.util import thresholding_calculator_pb2 as _thresholds
from mediapipe.framework import calculator_pb2
from mediapipe.python.solution_base import SolutionBase

from service.media.upright import Pixels

# The graph names these messages; a message is known to protobuf once its module is imported.
_REGISTERED = (_constants, _detections, _thresholds)

_OUTPUTS = ("pose_landmarks", "left_hand_landmarks", "right_hand_landmarks")
_POSE = "poselandmarkcpu__"
_DETECTION_SCORE = f"{_POSE}posedetectioncpu__TensorsToDetectionsCalculator.min_score_thresh"
_TRACKING_SCORE = (
    f"{_POSE}poselandmarkbyroicpu__tensorstoposelandmarksandsegmentation__ThresholdingCalculator.threshold"
)
_GRAPH = """
input_stream: "image"
output_stream: "pose_landmarks"
output_stream: "left_hand_landmarks"
output_stream: "right_hand_landmarks"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:0:complexity"
  output_side_packet: "PACKET:1:smooth"
  output_side_packet: "PACKET:2:previous"
  node_options: {
    [type.googleapis.com/mediapipe.ConstantSidePacketCalculatorOptions]: {
      packet { int_value: 1 }
      packet { bool_value: true }
      packet { bool_value: true }
    }
  }
}
node {
  calculator: "PoseLandmarkCpu"
  input_stream: "IMAGE:image"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  input_side_packet: "SMOOTH_LANDMARKS:smooth"
  input_side_packet: "USE_PREV_LANDMARKS:previous"
  output_stream: "LANDMARKS:pose_landmarks"
}
node {
  calculator: "HandLandmarksLeftAndRightCpu"
  input_stream: "IMAGE:image"
  input_stream: "POSE_LANDMARKS:pose_landmarks"
  output_stream: "LEFT_HAND_LANDMARKS:left_hand_landmarks"
  output_stream: "RIGHT_HAND_LANDMARKS:right_hand_landmarks"
}
"""


class HolisticWithoutFaceGraph(SolutionBase):  # type: ignore[misc]
    """Pose and hands in video mode, complexity 1, smoothed, as Holistic's defaults."""

    def __init__(self, min_detection_confidence: float, min_tracking_confidence: float) -> None:
        super().__init__(
            graph_config=text_format.Parse(_GRAPH, calculator_pb2.CalculatorGraphConfig()),
            calculator_params={
                _DETECTION_SCORE: min_detection_confidence,
                _TRACKING_SCORE: min_tracking_confidence,
            },
            outputs=list(_OUTPUTS),
        )

    def process(self, image: Pixels) -> NamedTuple:
        """Landmarks of the next frame."""
        return cast(NamedTuple, super().process({"image": image}))
