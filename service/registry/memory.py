"""How much memory a loaded model takes."""

from service.registry.manifest import Manifest

SESSION_BYTES = 8 << 20
"""What ONNX Runtime takes for any graph."""


def memory_estimate_bytes(manifest: Manifest) -> int:
    """Memory that a loaded model takes, from the size of its files: twice that, and 8 MiB.

    Measured as growth of resident memory: 0.1 MiB of weights took 1.5 MiB, 6 MiB took 19, 96 MiB took 148 (matrices are
    kept packed a second time). What the arena holds between runs comes on top: 27 MiB a row for four 3-D convolutions
    on 16 × 56 × 56, next to nothing for landmarks; `session.BATCH_BYTES` bounds the rows.
    """
    return 2 * sum(file.bytes for file in manifest.files.values()) + SESSION_BYTES
