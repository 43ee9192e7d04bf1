"""How everything is measured: at rest, without gradients, and in full float32, whatever precision the training takes its steps in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

_BACKENDS: Any = torch.backends  # torch does not type what these have
KERNELS = (_BACKENDS.cuda.matmul, _BACKENDS.cudnn.conv, _BACKENDS.mkldnn.matmul, _BACKENDS.mkldnn.conv)


@contextmanager
def measuring(method: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradient and no rounding inside; afterwards the method is as it was.

    Features that differ little between images drown in the rounding of half precision, whose noise fills every dimension: a layer
    that has collapsed to a line (rank 1 of 128) would be measured as one of rank 27.
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
    """float32 with all of its 24 bits: neither autocast nor the shortened products (TF32) that some kernels take instead."""
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
