"""Multi-task: several objectives on one encoder, and the cosine of their gradients."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from playground.knobs import Choice, ConfigError, knob, named, option
from playground.methods.base import Batch, Config, Measure, Method
from playground.methods.shared.gradients import add_gradient, balanced, flat_gradient, shuffled_others, without_conflict
from playground.metric_names import by_metric, metric
from playground.networks import Backbone

PLACES = ("first", "second", "third")
NOTHING = "none"
TINY = 1e-12  # the least distance of a loss from its lower bound
LIMIT = 5.0  # of a learned log variance: the weight of a solved task would grow without end


def _tasks(*preferred: str) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    """The methods that accept the chosen network, the preferred ones first."""

    def options(picked: Mapping[str, Any]) -> tuple[str, ...]:
        from playground.methods import CATALOG
        from playground.networks import CATALOG as NETWORKS

        family = NETWORKS[picked["network"]].family if picked["network"] in NETWORKS else ""
        alone = [name for name, each in CATALOG.items() if each.family not in (MultiTask.family, "baseline") and family in each.accepts]
        return (*[name for name in preferred if name in (*alone, NOTHING)], *[name for name in alone if name not in preferred])

    return options


class MultiTask(Method):
    """Each task has its own loss and head, with its default settings; the encoder is shared.

    Weights are fixed, learned from each task's uncertainty (Kendall et al., 2018, equation 7), balanced by gradient norms (GradNorm,
    Chen et al., 2018, equation 2), or fixed with conflicting parts of the gradients removed (PCGrad, Yu et al., 2020, algorithm 1).
    Learned weights use the distance of each loss from its lower bound, because some losses are negative.
    """

    name, title, family = "multitask", "Multi-task", "multi-task"
    summary = "Two or three objectives train one encoder; the cosine of their gradients shows whether they agree."
    paper = "Yu et al., 2020: Gradient Surgery for Multi-Task Learning"
    link = "https://arxiv.org/abs/2001.06782"
    equation = r"\sum_i w_i L_i, \qquad g_i \leftarrow g_i - \frac{\min(g_i \cdot g_j, 0)}{\|g_j\|^2}\, g_j"
    loss_unit = "that of its tasks, weighted"
    meant_for = (
        "Meant to show whether two tasks agree on one encoder: in the same time, either task alone reaches a higher k-NN accuracy on "
        "photographs, and both together hardly more than random weights."
    )
    advice = (
        "Cosine below zero: the gradients of the tasks conflict. PCGrad removes the conflicting part; the other weightings only balance."
    )

    suggests = {"batch_size": 128, "steps": 250}  # every task needs its own forward pass

    class Knobs(Choice.Knobs):
        """The tasks and their weights."""

        first: str = named("The first objective.", _tasks("simclr", "mae"))
        second: str = named("The second objective.", _tasks("rotation", "simmim"))
        third: str = named("A third objective, or none.", _tasks(NOTHING))
        weighting: Literal["fixed", "uncertainty", "gradnorm", "pcgrad"] = option(
            "fixed",
            "fixed: the weights below. uncertainty: learned. gradnorm: all tasks learn equally fast. pcgrad: fixed, without conflicts.",
        )
        first_weight: float = knob(1, 0, 10, "Weight of the first loss. Learned weightings multiply it by their own factors.", live=True)
        second_weight: float = knob(1, 0, 10, "Weight of the second loss.", live=True)
        third_weight: float = knob(1, 0, 10, "Weight of the third loss.", live=True)
        asymmetry: float = knob(1.5, 0, 5, "GradNorm: how strongly a slow task is favored.")
        balance_rate: float = knob(0.03, 0, 1, "GradNorm: how fast the weights move.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        names = _chosen(config)
        self.tasks = nn.ModuleDict({name: alone.method.choice(backbone, alone) for name in names for alone in [config.with_method(name)]})
        self.log_variances = nn.Parameter(torch.zeros(len(names)), requires_grad=self.knobs.weighting == "uncertainty")
        self.balance: Tensor
        self.first_losses: Tensor
        self.least: Tensor
        self.register_buffer("balance", torch.ones(len(names)))  # GradNorm's factors for the weights
        self.register_buffer("first_losses", torch.zeros(len(names)))  # distance from the lower bound
        self.register_buffer("least", torch.tensor([low for low, _ in _bounds(config)]), persistent=False)  # lower bounds of the losses
        self.measures = self._described()

    @classmethod
    def check(cls, config: Config) -> None:
        """The tasks must differ, and each must fit the data, the network and the batch size."""
        names = _chosen(config)
        for place, name in zip(PLACES, names, strict=False):
            if names.count(name) > 1:
                raise ConfigError(f"method.{place}", f"multitask: the tasks must differ, got {name} twice")
            try:
                config.with_method(name)
            except ConfigError as error:
                raise ConfigError(f"method.{place}", f"multitask: {error}") from None

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """The bounds of the tasks, weighted. GradNorm may put all weight on one of them; a log variance may reach either of its limits."""
        knobs, bounds = config.method, _bounds(config)
        weights = [getattr(knobs, f"{place}_weight") for place, _ in zip(PLACES, bounds, strict=False)]
        if knobs.weighting == "uncertainty":
            highest = [_times(weight * math.exp(LIMIT), high - low) for weight, (low, high) in zip(weights, bounds, strict=True)]
            return -LIMIT / 2 * len(bounds), sum(each + LIMIT for each in highest) / 2
        lows = [_times(weight, low) for weight, (low, _) in zip(weights, bounds, strict=True)]
        highs = [_times(weight, high) for weight, (_, high) in zip(weights, bounds, strict=True)]
        if knobs.weighting == "gradnorm":
            return len(bounds) * min(lows), len(bounds) * max(highs)
        return sum(lows), sum(highs)

    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """Does this for each task."""
        for task in self._methods():
            task.before_step(step, images, generator)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The weighted sum, and the loss of each task."""
        parts = {name: task.loss(_views(batch, task), generator)["loss"].float() for name, task in self._named()}
        if self.knobs.weighting == "pcgrad":
            self.others = shuffled_others(len(parts), generator)
        weighted = self._weighted(torch.stack([*parts.values()]))
        return {"loss": weighted.sum()} | by_metric("loss", parts)

    def _weighted(self, losses: Tensor) -> Tensor:
        """(T,) losses -> (T,) terms of the sum."""
        if self.knobs.weighting == "uncertainty":  # for a negative loss this term would have no minimum
            return ((losses - self.least) * self._weights() * torch.exp(-self.log_variances) + self.log_variances) / 2
        return losses * self._weights() * self.balance

    def _weights(self) -> Tensor:
        return torch.tensor([getattr(self.knobs, f"{place}_weight") for place, _ in zip(PLACES, self.tasks, strict=False)]).to(self.balance)

    def backward(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """Computes one encoder gradient per task, so that they can be compared; heads learn from the sum as usual."""
        losses = torch.stack([values[metric("loss", name)] for name in self.tasks])
        shared = [weight for weight in self.backbone.parameters() if weight.requires_grad]
        own = [weight for name, weight in self.named_parameters() if weight.requires_grad and not name.startswith("backbone.")]
        values["loss"].backward(retain_graph=True, inputs=own)
        gradients = torch.stack([flat_gradient(loss, shared) for loss in losses])
        parts = gradients * self._slopes()[:, None]
        self._rebalance(losses.detach(), parts)
        add_gradient(shared, (without_conflict(parts, self.others) if self.knobs.weighting == "pcgrad" else parts).sum(0))
        return {name: value.detach() for name, value in values.items()} | self._curves(gradients)

    def _slopes(self) -> Tensor:
        """(T,) the current weight of each loss in the sum."""
        with torch.no_grad():
            return self._weighted(torch.ones(len(self.tasks), device=self.balance.device)) - self._weighted(torch.zeros_like(self.balance))

    def _rebalance(self, losses: Tensor, parts: Tensor) -> None:
        """GradNorm's step on the weights; the sum of the factors does not change."""
        if self.knobs.weighting != "gradnorm":
            return
        above = (losses - self.least).clamp(min=TINY)
        self.first_losses.copy_(torch.where(self.first_losses == 0, above, self.first_losses))
        moved = balanced(self.balance, parts.norm(dim=1), above / self.first_losses, self.knobs.asymmetry, self.knobs.balance_rate)
        self.balance.copy_(moved)

    def _curves(self, gradients: Tensor) -> dict[str, Tensor]:
        """The current weights, and the cosine of every two gradients."""
        weights = by_metric("weight", dict(zip(self.tasks, self._slopes(), strict=True)))
        pairs = itertools.combinations(zip(self.tasks, gradients, strict=True), 2)
        return weights | {metric(metric("cosine", a), b): F.cosine_similarity(x, y, dim=0) for (a, x), (b, y) in pairs}

    def after_step(self, progress: float) -> None:
        """Does this for each task; learned log variances stay within their limits."""
        for task in self._methods():
            task.after_step(progress)
        with torch.no_grad():
            self.log_variances.clamp_(-LIMIT, LIMIT)

    def learning_rate_factors(self) -> dict[str, float]:
        """The factors of each task; log variances must move fast enough for a short run."""
        own = {f"tasks.{name}.{part}": factor for name, task in self._named() for part, factor in task.learning_rate_factors().items()}
        return own | {"log_variances": 10.0}

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """Those of all tasks."""
        return {name: each for task in self._methods() for name, each in task.assignments(images).items()}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Those of all tasks."""
        return {name: each for task in self._methods() for name, each in task.diagnostics(images, generator).items()}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Those of all tasks."""
        return {name: each for task in self._methods() for name, each in task.trivial(images, generator).items()}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Those of the first task that has any."""
        return next((rows for task in self._methods() if (rows := task.pictures(images, generator))), {})

    def _described(self) -> dict[str, Measure]:
        measures = {
            name: replace(each, source=each.source or task.paper) for task in self._methods() for name, each in task.measures.items()
        }
        measures |= {
            metric("loss", name): Measure(
                f"Loss of {task.title}",
                "falls",
                formula=f"the loss of {task.title} alone, before its weight",
                unit=task.loss_unit,
                source=task.paper,
            )
            for name, task in self._named()
        }
        measures |= {
            metric("weight", name): Measure(
                "Weights", "the weight of each loss", formula="w in the sum of w L over the tasks' losses L", unit="none"
            )
            for name in self.tasks
        }
        for a, b in itertools.combinations(self.tasks, 2):
            measures[metric(metric("cosine", a), b)] = Measure(
                "Cosine of the tasks' gradients",
                "above 0: they agree; below 0: they conflict",
                -1,
                1,
                formula="g_a . g_b / (|g_a| |g_b|), with g the gradients of two tasks' losses in the shared encoder",
                unit="none, from -1 to 1",
                source="Yu et al., 2020, definition 1",
            )
        return measures

    def _named(self) -> list[tuple[str, Method]]:
        return [(name, task) for name, task in self.tasks.items() if isinstance(task, Method)]

    def _methods(self) -> list[Method]:
        return [task for _, task in self._named()]


def _chosen(config: Config) -> list[str]:
    return [name for place in PLACES if (name := getattr(config.method, place)) != NOTHING]


def _bounds(config: Config) -> list[tuple[float, float]]:
    """The bounds of each task's loss before its weight."""
    alone = [config.with_method(name) for name in _chosen(config)]
    return [each.method.choice.loss_bounds(each) for each in alone]


def _times(weight: float, bound: float) -> float:
    """A loss of weight 0 adds nothing, even if its bound is infinite."""
    return weight * bound if weight else 0.0


def _views(batch: Batch, task: Method) -> Batch:
    """Only as many views as the task uses."""
    return Batch(batch.views[: task.views], [], batch.rows, batch.factors)
