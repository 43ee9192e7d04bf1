"""The contract of a method: one class in one file of this folder, and nothing about it anywhere else.

From the class come its place in the selector, its controls, its address, its docs row and its tests.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from playground.knobs import Choice
from playground.networks import Backbone

if TYPE_CHECKING:
    from playground.config import RunConfig

Result = TypeVar("Result")


@dataclass(frozen=True)
class Reference:
    """A line that gives a curve its meaning: `metric` has this `value` when ... (`meaning`)."""

    metric: str
    value: float
    meaning: str


def in_full_precision(function: Callable[..., Result]) -> Callable[..., Result]:
    """Marks tensor mathematics that half precision would spoil: autocast is off inside, and tensors come in as float32."""

    @functools.wraps(function)
    def exact(*values: Any) -> Result:
        with torch.autocast(values[0].device.type, enabled=False):
            return function(*(each.float() if torch.is_tensor(each) and each.dtype == torch.bfloat16 else each for each in values))

    return exact


class Method(Choice, nn.Module):
    """A way to learn without labels.

    A subclass declares what it is (the class variables), its `Knobs`, and builds its heads in `__init__`. Live knobs are read
    from `self.knobs` and `self.masking` at every call: both are replaced when somebody moves one.
    """

    family: ClassVar[str]
    paper: ClassVar[str]
    link: ClassVar[str]
    equation: ClassVar[str]
    advice: ClassVar[str] = ""  # a warning or hint that belongs beside its controls
    views: ClassVar[int] = 2
    accepts: ClassVar[frozenset[str]] = frozenset({"resnet", "vit"})
    masked: ClassVar[bool] = False
    min_batch: ClassVar[int] = 2
    suggests: ClassVar[dict[str, Any]] = {}

    def __init__(self, backbone: Backbone, config: RunConfig) -> None:
        super().__init__()
        self.backbone = backbone
        self.knobs: Any = config.method
        self.masking: Any = config.masking

    @classmethod
    def check(cls, config: RunConfig) -> None:
        """Raises ConfigError where the knobs do not go with the rest of the config."""

    @classmethod
    def references(cls, config: RunConfig) -> list[Reference]:
        """The loss's landmarks, such as its value when all outputs are the same."""
        return []

    def loss(self, views: list[Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        """views: `self.views` tensors (B, 3, H, W) in [0, 1] -> named scalars, `loss` among them; the others are drawn too."""
        raise NotImplementedError

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D): the representation that is kept and judged, the backbone's output."""
        return self.backbone(images)

    def project(self, embedding: Tensor) -> Tensor | None:
        """(B, D) -> (B, P): what the loss works on, or None where there is no projector."""
        return None

    def learning_rate_factors(self) -> dict[str, float]:
        """How much faster than the rest some of its parts learn, by the name of the submodule."""
        return {}

    def after_step(self, progress: float) -> None:
        """What follows an update: a moving average, a queue. progress: 0 at the start of the run, 1 at its end."""

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Numbers of its own on some probe images, named like metrics."""
        return {}

    def mean_baseline(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """What `diagnostics` would be for the trivial solution (predicting the mean); empty where there is none."""
        return {}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Rows of (K, 3, H, W) in [0, 1] to show, by name, in order: original, masked, reconstruction, pasted."""
        return {}
