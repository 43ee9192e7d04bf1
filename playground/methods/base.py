"""The contract of a method: one class in one file of this folder, and nothing about it anywhere else.

From the class come its place in the selector, its controls, its address, its docs row and its tests.
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
    """What a method may know of the run it trains in: `playground.config.RunConfig`, which stands on the methods, has it all."""

    data: Any  # the knobs of the data set, whose class is `data.choice`; method and network likewise
    method: Any
    network: Any
    masking: Any
    steps: int
    batch_size: int
    accumulation: int

    def with_method(self, name: str) -> Config:
        """The same run with another method. Raises ConfigError where that cannot be."""


@dataclass(frozen=True)
class Batch:
    """What one step sees of B training images.

    views: (B, 3, H, W) each, in [0, 1]; local_views: smaller crops (B, 3, h, h), where the method takes any;
    rows: (B,) which training images they are; factors: name -> (B,) labels, for baselines that may look at them.
    """

    views: list[Tensor]
    local_views: list[Tensor] = field(default_factory=list)
    rows: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    factors: dict[str, Tensor] = field(default_factory=dict)

    def first(self, count: int) -> Batch:
        """The part of it that belongs to the first `count` images."""
        labels = {name: each[:count] for name, each in self.factors.items()}
        return Batch([view[:count] for view in self.views], [view[:count] for view in self.local_views], self.rows[:count], labels)


@dataclass(frozen=True)
class Measure:
    """How to read one of a method's own curves. low and high: the axis where the quantity has limits.

    formula, unit, source: its definition, as pages show it; without a source it is the method's paper.
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
    """A line that gives a curve its meaning: `metric` has this `value` when ... (`meaning`).

    best: no value can be better, and a collapsed network has it, too: to come near it proves nothing.
    """

    metric: str
    value: float
    meaning: str
    best: bool = False


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
    equation: ClassVar[str]  # of the loss, in LaTeX
    loss_unit: ClassVar[str] = "none"
    advice: ClassVar[str] = ""  # a warning or hint that belongs beside its controls
    meant_for: ClassVar[str] = ""  # said where two minutes of it teach k-NN no more about photographs than random weights know
    introduces: ClassVar[str] = ""  # the page that begins with it: collapse, or masking; one method for each
    views: ClassVar[int] = 2
    accepts: ClassVar[frozenset[str]] = frozenset({"resnet", "vit"})
    masked: ClassVar[bool] = False  # whether it hides patches, and so has `config.masking`
    multi_crop: ClassVar[bool] = False  # whether it takes local views, and so has `config.crops`
    trains: ClassVar[bool] = True  # False for a baseline whose weights stay as they are
    min_batch: ClassVar[int] = 2
    cannot_reconstruct: ClassVar[str] = (
        "it hides no patches"  # why it cannot fill in under a given mask, as a sentence goes on; "" if it can
    )
    suggests: ClassVar[dict[str, Any]] = {}
    remedies: ClassVar[dict[str, dict[str, str]]] = {}  # failure -> its own numbers that help with every safeguard on, and which way
    measures: dict[str, Measure] = {}  # of the numbers that `loss` and `diagnostics` give beside the loss

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__()
        self.backbone = backbone
        self.knobs: Any = config.method
        self.masking: Any = config.masking

    @classmethod
    def check(cls, config: Config) -> None:
        """Raises ConfigError where the knobs do not go with the rest of the config."""

    @classmethod
    def references(cls, config: Config) -> list[Reference]:
        """The loss's landmarks, such as its value when all outputs are the same."""
        return []

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """Between what its loss stays, whatever the weights: from 0 to no end for errors and for cross-entropies of free outputs.

        Losses are weighed as they exceed the lower bound, and the judge measures their rise by both.
        """
        return 0.0, math.inf

    @classmethod
    def loss_of_guessing(cls, config: Config) -> float:
        """What the loss is for who knows nothing: its highest landmark that is not the best loss; minus infinity where it states none."""
        lines = [each.value for each in cls.references(config) if each.metric == "loss" and not each.best]
        return max(lines, default=-math.inf)

    @classmethod
    def loss_definition(cls, config: Config) -> Definition:
        """What the curve of the loss shows, and how to read it beside its landmarks."""
        lines = [each for each in cls.references(config) if each.metric == "loss"]
        good = "falls; its lowest possible value is not known: compare it with earlier steps of the same run only"
        if lines:
            good = "falls below the dashed line: the loss of a network that cannot tell any two images apart"
        if any(each.best for each in lines):
            good = "falls towards the dashed line; a collapsed network reaches that, too, so a low loss alone proves nothing"
        meaning = " ".join((cls.__doc__ or cls.summary).partition("\n\n")[0].split())
        return Definition("Loss", good, f"{cls.title}: {meaning}", "", cls.loss_unit, f"{cls.paper}. {cls.link}", latex=cls.equation)

    @classmethod
    def negatives(cls, config: Config) -> int | None:
        """How many negatives each view is really compared with in one step; None where the idea does not apply."""
        return None

    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """What precedes update number `step` (from 1), such as a round of clustering. images: all of training, (N, 3, H, W) uint8."""

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Named scalars, `loss` among them; the others are drawn too."""
        raise NotImplementedError

    def backward(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Adds the gradient of what `loss` returned to the weights; returns the scalars to draw."""
        values["loss"].backward()
        return values

    def after_step(self, progress: float) -> None:
        """What follows an update: a moving average, a queue. progress: 0 at the start of the run, 1 at its end."""

    def learning_rate_factors(self) -> dict[str, float]:
        """How much faster than the rest some of its parts learn, by the name of the submodule."""
        return {}

    @property
    def encoder(self) -> nn.Module | None:
        """The network that `embed` shows images to: of a student and a teacher the one whose features count. None for no images."""
        return self.backbone

    def attention(self, images: Tensor) -> Tensor | None:
        """(B, 3, H, W) -> (B, heads, L, L): where each patch looks, in the last block of `encoder`; None where that is no ViT."""
        return self.encoder.attention(images) if isinstance(self.encoder, ViT) else None

    def embed(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, D): the representation that is kept and judged, the backbone's output."""
        return self.backbone(images)

    def project(self, embedding: Tensor) -> Tensor | None:
        """(B, D) -> (B, P): what the loss works on, or None where there is no projector."""
        return None

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """How it sorts images into bins, where it does: name -> (B, K) probabilities. Their use is drawn and judged."""
        return {}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Numbers of its own on some probe images, named like metrics: how well it does the task it trains on."""
        return {}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """What `diagnostics` would be for the trivial solution (predicting the mean, guessing); empty where there is none."""
        return {}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Rows of (K, 3, H, W) in [0, 1] to show, by name, in order: original, masked, reconstruction, pasted."""
        return {}
