"""Arithmetic of sliding windows as Keras defines it, for convolutions and pools: sizes and padding of one axis."""

from dataclasses import dataclass

from convert.graph.layer_graph import Setting


def spread(value: Setting, rank: int) -> tuple[int, ...]:
    """A setting for each spatial axis: one number stands for all."""
    sizes = tuple(int(item) for item in value) if isinstance(value, (list, tuple)) else (int(value),) * rank
    if len(sizes) != rank or any(size < 1 for size in sizes):
        raise ValueError(f"{value!r} does not fit {rank} axes")
    return sizes


def compute_output_size(size: int | None, kernel: int, stride: int, dilation: int, padding: str) -> int | None:
    """Windows along one axis; None where the size is unknown."""
    if size is None:
        return None
    if padding in ("same", "causal"):
        return -(-size // stride)
    extent = (kernel - 1) * dilation + 1
    if size < extent:
        raise ValueError(f"a window of {extent} does not fit into {size}")
    return (size - extent) // stride + 1


def compute_padding(size: int | None, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int] | None:
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


@dataclass(frozen=True, slots=True)
class TransposedCut:
    """What of a transposed convolution's whole reach is kept along one axis.

    before, after: places cut away (after may be negative: so many zeros are added); reach: of one kernel.
    """

    before: int
    after: int
    reach: int

    def length(self, size: int, stride: int) -> int:
        """The output's length."""
        return (size - 1) * stride + self.reach - self.before - self.after


def cut_transposed(kernel: int, stride: int, dilation: int, padding: str, extra: int | None) -> TransposedCut:
    """Keras' output length, padded as the convolution that it is the gradient of.

    extra: `output_padding`. Without it the length is size · stride ("same"), or at least that ("valid").
    """
    reach = (kernel - 1) * dilation + 1
    if padding not in ("same", "valid"):
        raise ValueError(f"the padding {padding!r} is not known")
    if padding == "valid":
        return TransposedCut(0, min(reach - stride, 0) if extra is None else -extra, reach)
    total = reach - stride if extra is None else 2 * (reach // 2) - extra
    before = max(total, 0) // 2
    return TransposedCut(before, total - before, reach)


def fit_aspect_box(height: int, width: int, target_height: int, target_width: int) -> tuple[int, int, int, int]:
    """Top, left, height and width of the largest middle with the target's shape; sizes are rounded down."""
    cut_height = max(min(height, width * target_height // target_width), 1)
    cut_width = max(min(width, height * target_width // target_height), 1)
    return (height - cut_height) // 2, (width - cut_width) // 2, cut_height, cut_width
