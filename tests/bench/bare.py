"""The bare loop: decode → landmarks → features → ONNX, without a service around it."""

import os
from multiprocessing.connection import Connection

import numpy as np

from tests.running import ROOT


def serve_bare_loop(pipe: Connection, source: str) -> None:
    """Answer each clip whose path comes through the pipe; None ends the loop."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MediaPipe's C++ would drown the figures
    os.environ["OPENCV_FOR_THREADS_NUM"] = "1"  # as in the service's slots: a process is one core's
    import av  # noqa: PLC0415 - like MediaPipe, only in this process
    import onnxruntime as ort  # noqa: PLC0415
    from mediapipe.python.solutions.hands import Hands  # noqa: PLC0415
    from mediapipe.python.solutions.holistic import Holistic  # noqa: PLC0415

    from service.pipelines.keypoints import KeypointsSection, tensor  # noqa: PLC0415
    from service.registry.manifest import read_manifest  # noqa: PLC0415
    from service.track import MediaInfo, Track, Window  # noqa: PLC0415

    folder = max((ROOT / "model_store" / "asl-letters").glob("[0-9]*"), key=lambda path: int(path.name))
    section = read_manifest(folder / "manifest.json").pipeline
    assert isinstance(section, KeypointsSection)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(folder / "model.onnx"), options)
    graph = Hands(max_num_hands=1) if source == "hands" else Holistic()
    rate = getattr(section.sampling, "rate", None)
    while (path := pipe.recv()) is not None:
        graph.reset()
        times, points = [], []
        step = 0
        with av.open(path) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for frame in container.decode(video=0):
                if rate is not None and frame.time + 1e-6 < step / rate:
                    continue
                step += 1
                found = graph.process(frame.to_ndarray(format="rgb24", threads=1))
                hands = getattr(found, "multi_hand_landmarks", None)
                times.append(frame.time)
                points.append([[p.x, p.y, p.z, 0.0] for p in hands[0].landmark] if hands else np.full((21, 4), np.nan))
                size = (frame.width, frame.height)
        values = np.asarray(points, np.float32)
        present = ~np.isnan(values[:, 0, 0])
        media = MediaInfo("video", "mp4", *size, times[-1], 30.0)
        track = Track(np.asarray(times), values, present, media, ("hand",), present.astype(np.float32))
        rows = tensor(track, Window(0.0, float("inf")), section)
        if len(rows):
            names = [entry.name for entry in session.get_inputs()]
            arrays = {"track": rows.values, "mask": rows.mask}
            session.run(None, {name: arrays[kind] for name, kind in zip(names, ("track", "mask"), strict=False)})
        pipe.send("done")
