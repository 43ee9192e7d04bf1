"""Copies of the weights at some steps of a run, so that pages can run the network of that step on any image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOST = 24  # copies per run, in addition to those of the first steps
ROOM = 128 << 20  # bytes for the copies of one run
EARLY = 20  # first steps, in which much changes; small networks are copied there at every measurement
LARGEST = torch.finfo(torch.float16).max


class WeightSnapshots:
    """Decides which snapshots of a run come with the weights."""

    def __init__(self, steps: int) -> None:
        self.gap, self.last, self.steps = steps / MOST, -steps, steps

    def due(self, step: int) -> bool:
        """Whether to copy the weights at this snapshot."""
        return step in (0, self.steps) or step <= min(EARLY, 2 * self.gap) or step - self.last >= 0.9 * self.gap

    def copy(self, step: int, method: nn.Module) -> dict[str, Tensor]:
        """The state of the method, on the CPU, in half precision. Large networks are copied less often."""
        state = {name: to_half(each.detach()).cpu() for name, each in method.state_dict().items()}
        size = sum(each.numel() * each.element_size() for each in state.values())
        self.last, self.gap = step, max(self.gap, self.steps * size / ROOM)
        return state


def to_half(values: Tensor) -> Tensor:
    """A copy in float16, exact to a thousandth; values beyond its range are clamped. Integers are not changed."""
    return values.clamp(-LARGEST, LARGEST).half() if values.is_floating_point() else values.clone()
