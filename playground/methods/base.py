"""The contract of a method: one class in one file of this folder. No other file names a method.

The selector, the controls, the address, the row in README and the tests are all made from the class.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from torch import Tensor, nn

from playground.definitions import Definition
from playground.knobs import Choice
from playground.networks import Backbone, ViT

Result = TypeVar("Result")


class Config(Protocol):
    """The part of a run's config that methods read. `playground.config.RunConfig` has it; methods cannot import it, because it imports
    them."""

    data: Any  # the knobs of the dataset, whose class is `data.choice`; method and network likewise
    method: Any
    network: Any
    masking: Any
    steps: int
    batch_size: int
    accumulation: int

    def with_method(self, name: str) -> Config:
        """The same run with another method. Raises ConfigError if they do not go together."""


@dataclass(frozen=True)
class Batch:
    """The input of one training step, made from B training images.

    views: (B, 3, H, W) each, in [0, 1]; local_views: smaller crops (B, 3, h, h), if the method uses them;
    rows: (B,) indices of the training images; factors: name -> (B,) labels, for baselines that learn from labels.
    """

    views: list[Tensor]
    local_views: list[Tensor] = field(default_factory=list)
    rows: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    factors: dict[str, Tensor] = field(default_factory=dict)

    def first(self, count: int) -> Batch:
        """The batch of the first `count` images alone."""
        labels = {name: each[:count] for name, each in self.factors.items()}
        return Batch([view[:count] for view in self.views], [view[:count] for view in self.local_views], self.rows[:count], labels)


@dataclass(frozen=True)
class Measure:
    """How to read a curve that only this method has. low and high: ends of the axis, if the quantity is bounded.

    formula, unit, source: its definition, as pages show it. An empty source means the method's paper.
    """

    title: str
    good: str
    low: float | None = None
    high: float | None = None
    formula: str = ""
    unit: str = ""
    source: str = ""


@dataclass(frozen=True)
class Reference:
    """A reference line in a chart: `metric` has this `value` in the case that `meaning` describes.

    best: the lowest possible value, which a collapsed network also reaches. Coming close to it proves nothing.
    """

    metric: str
    value: float
    meaning: str
    best: bool = False


def in_full_precision(function: Callable[..., Result]) -> Callable[..., Result]:
    """Decorator for computations that half precision would make too inexact: autocast is off, and bfloat16 arguments become float32."""

    @functools.wraps(function)
    def exact(*values: Any) -> Result:
        with torch.autocast(values[0].device.type, enabled=False):
            return function(*(each.float() if torch.is_tensor(each) and each.dtype == torch.bfloat16 else each for each in values))

    return exact


class Method(Choice, nn.Module):
    """A way to learn without labels.

    A subclass sets the class variables, declares its `Knobs`, and builds its heads in `__init__`. Live knobs are read
    from `self.knobs` and `self.masking` at every call: both are replaced when a live knob changes.
    """

    family: ClassVar[str]
    paper: ClassVar[str]
    link: ClassVar[str]
    equation: ClassVar[str]  # of the loss, in LaTeX
    loss_unit: ClassVar[str] = "none"
    advice: ClassVar[str] = ""  # a warning or a hint, shown next to its controls
    meant_for: ClassVar[str] = ""  # for methods whose k-NN accuracy on photographs is not above random weights after two minutes
    introduces: ClassVar[str] = ""  # the page that shows it first: collapse or masking; one method for each page
    views: ClassVar[int] = 2
    accepts: ClassVar[frozenset[str]] = frozenset({"resnet", "vit"})
    masked: ClassVar[bool] = False  # it hides patches, so it uses `config.masking`
    multi_crop: ClassVar[bool] = False  # it uses local views, so it uses `config.crops`
    trains: ClassVar[bool] = True  # False for a baseline whose weights never change
    min_batch: ClassVar[int] = 2
    cannot_reconstruct: ClassVar[str] = (
        "it hides no patches"  # why it cannot reconstruct under a given mask, as the end of a sentence; "" if it can
    )
    suggests: ClassVar[dict[str, Any]] = {}
    remedies: ClassVar[dict[str, dict[str, str]]] = {}  # failure -> {knob that helps when every safeguard is on: direction}
    measures: dict[str, Measure] = {}  # of the values that `loss` and `diagnostics` return besides the loss

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__()
        self.backbone = backbone
        self.knobs: Any = config.method
        self.masking: Any = config.masking

    @classmethod
    def check(cls, config: Config) -> None:
        """Raises ConfigError if the knobs do not fit the rest of the config."""

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """Reference lines of the loss, such as its value when all outputs are the same."""
        return []

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """The lowest and the highest possible loss, for any weights: 0 and infinity for errors and for cross-entropies of unbounded
        outputs.

        Multi-task weighting uses the distance to the lower bound; the judge uses both bounds to decide whether a loss has diverged.
        """
        return 0.0, math.inf

    @classmethod
    def loss_of_guessing(cls, config: Config) -> float:
        """The loss of a random guess: the highest reference line that is not the lowest possible loss; minus infinity if there is none."""
        lines = [each.value for each in cls.references(config) if each.metric == "loss" and not each.best]
        return max(lines, default=-math.inf)

    @classmethod
    def loss_definition(cls, config: Config) -> Definition:
        """What the curve of the loss shows, and how to read it with its reference lines."""
        lines = [each for each in cls.references(config) if each.metric == "loss"]
        good = "falls; its lowest possible value is not known: compare it with earlier steps of the same run only"
        if lines:
            good = "falls below the dashed line: the loss of a network that cannot tell any two images apart"
        if any(each.best for each in lines):
            good = "falls toward the dashed line; a collapsed network also reaches this line, so a low loss alone proves nothing"
        meaning = " ".join((cls.__doc__ or cls.summary).partition("\n\n")[0].split())
        return Definition("Loss", good, f"{cls.title}: {meaning}", "", cls.loss_unit, f"{cls.paper}. {cls.link}", latex=cls.equation)

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """How many negatives each view is compared with in one step; None if the method has no negatives."""
        return None

    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """Runs before update number `step` (from 1): a round of clustering, for example. images: all training images, (N, 3, H, W)
        uint8."""

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Named scalars: `loss`, and others that are shown as curves."""
        raise NotImplementedError

    def backward(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Adds the gradient of what `loss` returned to the weights; returns the scalars to show."""
        values["loss"].backward()
        return values

    def after_step(self, progress: float) -> None:
        """Runs after an update: a moving average, for example. progress: 0 at the start of the run, 1 at its end."""

    def learning_rate_factors(self) -> dict[str, float]:
        """Factors on the learning rate of some submodules, by the name of the submodule."""
        return {}

    @property
    def encoder(self) -> nn.Module | None:
        """The network that `embed` passes images through: student or teacher, whichever is evaluated. None if it takes no images."""
        return self.backbone

    def attention(self, images: Tensor) -> Tensor | None:
        """(B, 3, H, W) -> (B, heads, L, L): attention of each patch in the last block of `encoder`; None if the encoder is not a ViT."""
        return self.encoder.attention(images) if isinstance(self.encoder, ViT) else None

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D): the representation that is kept and evaluated, the output of the backbone."""
        return self.backbone(images)

    def project(self, embedding: Tensor) -> Tensor | None:
        """(B, D) -> (B, P): the input of the loss, or None if there is no projector."""
        return None

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """Soft assignments of images to clusters, if the method makes any: name -> (B, K) probabilities. Their use is shown and judged."""
        return {}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Measures that only this method has, on some probe images, named like metrics: how well it solves its pretext task."""
        return {}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """What `diagnostics` gives for the trivial solution (predicting the mean, guessing); empty if there is none."""
        return {}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Rows of (K, 3, H, W) in [0, 1] to show, by name, in order: original, masked, reconstruction, pasted."""
        return {}
