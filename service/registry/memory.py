"""How much memory a loaded model takes."""

from service.registry.manifest import Manifest

SESSION_BYTES = 8 << 20
"""What ONNX Runtime takes for any graph."""
UNEXPECTED_BYTES = 64 << 20
"""What the process may grow beyond a model's estimate while it loads, by whatever else goes on, before it counts."""


def memory_estimate_bytes(manifest: Manifest) -> int:
    """Memory that a loaded model takes: twice the size of its files and 8 MiB, or what the converter measured if more.

    Measured as growth of resident memory: 0.1 MiB of weights took 1.5 MiB, 6 MiB took 19, 96 MiB took 148 (matrices are
    kept packed a second time). What the arena holds between runs comes on top: 27 MiB a row for four 3-D convolutions
    on 16 × 56 × 56, next to nothing for landmarks; `session.BATCH_BYTES` bounds the rows.
    """
    of_files = 2 * sum(file.bytes for file in manifest.files.values()) + SESSION_BYTES
    return max(of_files, manifest.memory_bytes or 0)
