"""Arithmetic of sliding windows as Keras defines it, for convolutions and pools: sizes and padding of one axis."""

from convert.keras.graph import Setting


def spread(value: Setting, rank: int) -> tuple[int, ...]:
    """A setting for each spatial axis: one number stands for all."""
    sizes = tuple(int(item) for item in value) if isinstance(value, (list, tuple)) else (int(value),) * rank
    if len(sizes) != rank or any(size < 1 for size in sizes):
        raise ValueError(f"{value!r} does not fit {rank} axes")
    return sizes


def output_size(size: int | None, kernel: int, stride: int, dilation: int, padding: str) -> int | None:
    """Windows along one axis; None where the size is unknown."""
    if size is None:
        return None
    if padding in ("same", "causal"):
        return -(-size // stride)
    extent = (kernel - 1) * dilation + 1
    if size < extent:
        raise ValueError(f"a window of {extent} does not fit into {size}")
    return (size - extent) // stride + 1


def padding_of(size: int | None, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int] | None:
    """Zeros before and after along one axis; None where they depend on a size that is known only at run time."""
    extent = (kernel - 1) * dilation
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return extent, 0
    if padding != "same":
        raise ValueError(f"the padding {padding!r} is not known")
    if size is None:
        if stride != 1:
            return None
        return extent // 2, extent - extent // 2
    total = max((-(-size // stride) - 1) * stride + extent + 1 - size, 0)
    return total // 2, total - total // 2
