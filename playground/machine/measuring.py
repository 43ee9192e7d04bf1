"""The context of all measurements: evaluation mode, no gradients, and full float32, for any precision of the training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

_BACKENDS: Any = torch.backends  # torch has no types for their attributes
KERNELS = (_BACKENDS.cuda.matmul, _BACKENDS.cudnn.conv, _BACKENDS.mkldnn.matmul, _BACKENDS.mkldnn.conv)


@contextmanager
def measuring(method: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients and full float32 inside; afterwards the mode of the method is restored.

    In half precision, rounding errors can be larger than small differences between images, and they fill every dimension: a layer
    that has collapsed to a line (rank 1 of 128) would be measured as rank 27.
    """
    training = method.training
    method.eval()
    try:
        with torch.inference_mode(), full_float32():
            yield
    finally:
        method.train(training)


@contextmanager
def full_float32() -> Iterator[None]:
    """float32 with all of its 24 bits: no autocast, and no TF32, which some kernels use instead."""
    with ExitStack() as stack:
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, enabled=False))
        usual = [each.fp32_precision for each in KERNELS]
        try:
            for each in KERNELS:
                each.fp32_precision = "ieee"
            yield
        finally:
            for each, before in zip(KERNELS, usual, strict=True):
                each.fp32_precision = before
