"""What a researcher's own loop does with a clip, without a service around it; heavy imports wait for the process."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).parents[2]


class Letters:
    """Decode with PyAV, MediaPipe 0.10.21 on each frame that asl-letters samples, its features, ONNX on one thread.

    source: `hands` or `holistic`; of Holistic no hand is read.
    """

    def __init__(self, source: str = "hands") -> None:
        os.environ["OPENCV_FOR_THREADS_NUM"] = "1"  # as in the service's slots: a process is one core's
        import onnxruntime as ort  # noqa: PLC0415 - like MediaPipe, only in this process
        from mediapipe.python.solutions.hands import Hands  # noqa: PLC0415
        from mediapipe.python.solutions.holistic import Holistic  # noqa: PLC0415

        from service.pipelines.keypoints import KeypointsSection  # noqa: PLC0415
        from service.registry.manifest import read_manifest  # noqa: PLC0415

        folder = max((ROOT / "model_store" / "asl-letters").glob("[0-9]*"), key=lambda path: int(path.name))
        self._manifest = read_manifest(folder / "manifest.json")
        section = self._manifest.pipeline
        assert isinstance(section, KeypointsSection)
        self._section = section
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = ort.InferenceSession(str(folder / "model.onnx"), options)
        self._graph: Any = Hands(max_num_hands=1) if source == "hands" else Holistic()

    def answer(self, path: str) -> dict[str, Any]:
        """The surest letter of a clip and how sure it is; no letter where no hand is seen."""
        from service.pipelines.keypoints import tensor  # noqa: PLC0415
        from service.track import Window  # noqa: PLC0415

        rows = tensor(self._track(path), Window(0.0, float("inf")), self._section)
        if not len(rows):
            return {"predicted_class_name": None, "confidence": 0.0}
        names = [entry.name for entry in self._session.get_inputs()]
        arrays = {"track": rows.values, "mask": rows.mask}
        inputs = {name: arrays[kind] for name, kind in zip(names, ("track", "mask"), strict=False)}
        (given,) = self._session.run([self._manifest.output.name], inputs)
        sure = np.asarray(given[0], np.float64) ** (1 / self._manifest.output.temperature)
        sure /= sure.sum()
        return {
            "predicted_class_name": (self._manifest.labels or ())[int(sure.argmax())],
            "confidence": float(sure.max()),
        }

    def _track(self, path: str) -> Any:
        import av  # noqa: PLC0415

        from service.track import MediaInfo, Track  # noqa: PLC0415

        self._graph.reset()
        times: list[float] = []
        points: list[Any] = []
        rate = getattr(self._section.sampling, "rate", None)
        with av.open(path) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for frame in container.decode(video=0):
                if rate is not None and frame.time + 1e-6 < len(times) / rate:
                    continue
                found = self._graph.process(frame.to_ndarray(format="rgb24", threads=1))
                hands = getattr(found, "multi_hand_landmarks", None)
                times.append(frame.time)
                points.append([[p.x, p.y, p.z, 0.0] for p in hands[0].landmark] if hands else np.full((21, 4), np.nan))
                size = (frame.width, frame.height)
        values: npt.NDArray[np.float32] = np.asarray(points, np.float32)
        present = ~np.isnan(values[:, 0, 0])
        media = MediaInfo("video", "mp4", *size, times[-1], 30.0)
        return Track(np.asarray(times), values, present, media, ("hand",), present.astype(np.float32))
