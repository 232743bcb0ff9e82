"""Make torchvision's Python part importable beside a CPU-only torch (development and parity environments only).

There is no CPU build of torchvision to install here, and its compiled operators do not load without CUDA. Importing it
fails only because it registers shapes for operators that do not exist. Defining their names is enough for
pytorchvideo and timm, which use its Python transforms. Import this before torchvision. Tried with torch 2.13.0+cpu,
torchvision 0.28.0, timm 1.0, pytorchvideo 0.1.5.
"""

import sys

import torch

_OPERATORS = (
    "nms",
    "qnms",
    "roi_align",
    "ps_roi_align",
    "roi_pool",
    "ps_roi_pool",
    "deform_conv2d",
    "_roi_align_backward",
    "_ps_roi_align_backward",
    "_roi_pool_backward",
    "_ps_roi_pool_backward",
    "_deform_conv2d_backward",
)
_library = torch.library.Library("torchvision", "DEF")
for _name in _OPERATORS:
    _library.define(f"{_name}(Tensor x) -> Tensor")

import torchvision.transforms.functional as _functional  # noqa: E402

# pytorchvideo 0.1.5 imports this module by a name that torchvision has dropped
sys.modules.setdefault("torchvision.transforms.functional_tensor", _functional)
