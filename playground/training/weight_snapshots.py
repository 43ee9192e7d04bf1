"""The weights of a run through time: kept now and then, so that any image can be shown to the network as it was."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MOST = 24  # copies of one run, beside those of the first steps
ROOM = 128 << 20  # bytes that the copies of one run may take
EARLY = 20  # steps in which much changes; small networks are kept whenever they are measured there
LARGEST = torch.finfo(torch.float16).max


class WeightSnapshots:
    """Which of a run's snapshots come with the weights."""

    def __init__(self, steps: int) -> None:
        self.gap, self.last, self.steps = steps / MOST, -steps, steps

    def due(self, step: int) -> bool:
        """Whether weights are kept at this snapshot."""
        return step in (0, self.steps) or step <= min(EARLY, 2 * self.gap) or step - self.last >= 0.9 * self.gap

    def copy(self, step: int, method: nn.Module) -> dict[str, Tensor]:
        """The state of the method, on the CPU, numbers in half precision. Large networks are kept less often."""
        state = {name: to_half(each.detach()).cpu() for name, each in method.state_dict().items()}
        size = sum(each.numel() * each.element_size() for each in state.values())
        self.last, self.gap = step, max(self.gap, self.steps * size / ROOM)
        return state


def to_half(values: Tensor) -> Tensor:
    """A copy in float16, exact to a thousandth; what is beyond its range is moved to its edge. Whole numbers stay as they are."""
    return values.clamp(-LARGEST, LARGEST).half() if values.is_floating_point() else values.clone()
