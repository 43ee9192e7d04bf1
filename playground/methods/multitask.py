"""Multi-task: several objectives on one encoder, and what their gradients think of each other."""

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
TINY = 1e-12  # of a loss that is as small as it can be
LIMIT = 5.0  # of a learned log variance: a task that is solved asks for ever more weight


def _tasks(*preferred: str) -> Callable[[Mapping[str, Any]], tuple[str, ...]]:
    """The methods that the chosen network can learn by, the preferred ones first."""

    def options(picked: Mapping[str, Any]) -> tuple[str, ...]:
        from playground.methods import CATALOG
        from playground.networks import CATALOG as NETWORKS

        family = NETWORKS[picked["network"]].family if picked["network"] in NETWORKS else ""
        alone = [name for name, each in CATALOG.items() if each.family not in (MultiTask.family, "baseline") and family in each.accepts]
        return (*[name for name in preferred if name in (*alone, NOTHING)], *[name for name in alone if name not in preferred])

    return options


class MultiTask(Method):
    """Each task brings its own loss and head and runs at its own default settings; the encoder is shared.

    Weights are fixed, learned from each task's uncertainty (Kendall et al., 2018, equation 7), balanced by gradient norms (GradNorm,
    Chen et al., 2018, equation 2), or fixed with conflicting parts of the gradients removed (PCGrad, Yu et al., 2020, algorithm 1).
    Learned weights see how far each loss is above the least it can be, since some losses go below zero.
    """

    name, title, family = "multitask", "Multi-task", "multi-task"
    summary = "Two or three objectives train one encoder; the cosine of their gradients shows whether they agree."
    paper = "Yu et al., 2020: Gradient Surgery for Multi-Task Learning"
    link = "https://arxiv.org/abs/2001.06782"
    equation = r"\sum_i w_i L_i, \qquad g_i \leftarrow g_i - \frac{\min(g_i \cdot g_j, 0)}{\|g_j\|^2}\, g_j"
    loss_unit = "that of its tasks, weighted"
    meant_for = (
        "Meant to show whether two tasks agree about one encoder: in the same time, its parts alone know more of a photograph's class, "
        "and it hardly more than random weights."
    )
    advice = "A cosine below zero: the tasks pull the encoder apart. PCGrad removes the part in conflict; the other weightings only trade."

    suggests = {"batch_size": 128, "steps": 250}  # every task brings its own pass through the encoder

    class Knobs(Choice.Knobs):
        """Which tasks, and how they are weighed."""

        first: str = named("The first objective.", _tasks("simclr", "mae"))
        second: str = named("The second objective.", _tasks("rotation", "simmim"))
        third: str = named("A third objective, or none.", _tasks(NOTHING))
        weighting: Literal["fixed", "uncertainty", "gradnorm", "pcgrad"] = option(
            "fixed",
            "fixed: the weights below. uncertainty: learned. gradnorm: all tasks learn at one pace. pcgrad: fixed, without conflict.",
        )
        first_weight: float = knob(1, 0, 10, "Weight of the first loss. Learned weightings multiply it by factors of their own.", live=True)
        second_weight: float = knob(1, 0, 10, "Weight of the second loss, likewise.", live=True)
        third_weight: float = knob(1, 0, 10, "Weight of the third loss, likewise.", live=True)
        asymmetry: float = knob(1.5, 0, 5, "GradNorm: how hard a task that lags behind is pulled forward.")
        balance_rate: float = knob(0.03, 0, 1, "GradNorm: how fast the weights move.")

    def __init__(self, backbone: Backbone, config: Config) -> None:
        super().__init__(backbone, config)
        names = _chosen(config)
        self.tasks = nn.ModuleDict({name: alone.method.choice(backbone, alone) for name in names for alone in [config.with_method(name)]})
        self.log_variances = nn.Parameter(torch.zeros(len(names)), requires_grad=self.knobs.weighting == "uncertainty")
        self.balance: Tensor
        self.first_losses: Tensor
        self.least: Tensor
        self.register_buffer("balance", torch.ones(len(names)))  # GradNorm's factors on the weights
        self.register_buffer("first_losses", torch.zeros(len(names)))  # above the least
        self.register_buffer("least", torch.tensor([low for low, _ in _bounds(config)]), persistent=False)  # what no loss falls below
        self.measures = self._described()

    @classmethod
    def check(cls, config: Config) -> None:
        """Tasks differ, and each goes with the data, the network and the batch."""
        names = _chosen(config)
        for place, name in zip(PLACES, names, strict=False):
            if names.count(name) > 1:
                raise ConfigError(f"method.{place}", f"multitask: its tasks must differ, got {name} twice")
            try:
                config.with_method(name)
            except ConfigError as error:
                raise ConfigError(f"method.{place}", f"multitask: {error}") from None

    @classmethod
    def loss_bounds(cls, config: Config) -> tuple[float, float]:
        """Those of the tasks, weighted. GradNorm may put all weight on one of them; a log variance may reach either of its limits."""
        knobs, bounds = config.method, _bounds(config)
        weights = [getattr(knobs, f"{place}_weight") for place, _ in zip(PLACES, bounds, strict=False)]
        if knobs.weighting == "uncertainty":
            heaviest = [_times(weight * math.exp(LIMIT), high - low) for weight, (low, high) in zip(weights, bounds, strict=True)]
            return -LIMIT / 2 * len(bounds), sum(each + LIMIT for each in heaviest) / 2
        lows = [_times(weight, low) for weight, (low, _) in zip(weights, bounds, strict=True)]
        highs = [_times(weight, high) for weight, (_, high) in zip(weights, bounds, strict=True)]
        if knobs.weighting == "gradnorm":
            return len(bounds) * min(lows), len(bounds) * max(highs)
        return sum(lows), sum(highs)

    def before_step(self, step: int, images: Tensor, generator: torch.Generator) -> None:
        """Each task's own."""
        for task in self._methods():
            task.before_step(step, images, generator)

    def loss(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The weighted sum, and each task's own loss."""
        parts = {name: task.loss(_views(batch, task), generator)["loss"].float() for name, task in self._named()}
        if self.knobs.weighting == "pcgrad":
            self.others = shuffled_others(len(parts), generator)
        weighed = self._weighed(torch.stack([*parts.values()]))
        return {"loss": weighed.sum()} | by_metric("loss", parts)

    def _weighed(self, losses: Tensor) -> Tensor:
        """(T,) losses -> (T,) what each adds to the sum."""
        if self.knobs.weighting == "uncertainty":  # of a loss below zero the term would have no minimum
            return ((losses - self.least) * self._weights() * torch.exp(-self.log_variances) + self.log_variances) / 2
        return losses * self._weights() * self.balance

    def _weights(self) -> Tensor:
        return torch.tensor([getattr(self.knobs, f"{place}_weight") for place, _ in zip(PLACES, self.tasks, strict=False)]).to(self.balance)

    def backward(self, values: dict[str, Tensor]) -> dict[str, Tensor]:
        """One gradient a task for the encoder, so that they can be compared; heads learn by the sum as ever."""
        losses = torch.stack([values[metric("loss", name)] for name in self.tasks])
        shared = [weight for weight in self.backbone.parameters() if weight.requires_grad]
        own = [weight for name, weight in self.named_parameters() if weight.requires_grad and not name.startswith("backbone.")]
        values["loss"].backward(retain_graph=True, inputs=own)
        gradients = torch.stack([flat_gradient(loss, shared) for loss in losses])
        parts = gradients * self._slopes()[:, None]
        self._rebalance(losses.detach(), parts)
        add_gradient(shared, (without_conflict(parts, self.others) if self.knobs.weighting == "pcgrad" else parts).sum(0))
        return {name: value.detach() for name, value in values.items()} | self._drawn(gradients)

    def _slopes(self) -> Tensor:
        """(T,) how much each loss counts in the sum right now."""
        with torch.no_grad():
            return self._weighed(torch.ones(len(self.tasks), device=self.balance.device)) - self._weighed(torch.zeros_like(self.balance))

    def _rebalance(self, losses: Tensor, parts: Tensor) -> None:
        """GradNorm's step on the weights; the sum of the factors stays as it is."""
        if self.knobs.weighting != "gradnorm":
            return
        above = (losses - self.least).clamp(min=TINY)
        self.first_losses.copy_(torch.where(self.first_losses == 0, above, self.first_losses))
        moved = balanced(self.balance, parts.norm(dim=1), above / self.first_losses, self.knobs.asymmetry, self.knobs.balance_rate)
        self.balance.copy_(moved)

    def _drawn(self, gradients: Tensor) -> dict[str, Tensor]:
        """Present weights, and the cosine of every two gradients."""
        weights = by_metric("weight", dict(zip(self.tasks, self._slopes(), strict=True)))
        pairs = itertools.combinations(zip(self.tasks, gradients, strict=True), 2)
        return weights | {metric(metric("cosine", a), b): F.cosine_similarity(x, y, dim=0) for (a, x), (b, y) in pairs}

    def after_step(self, progress: float) -> None:
        """Each task's own; learned log variances stay within bounds."""
        for task in self._methods():
            task.after_step(progress)
        with torch.no_grad():
            self.log_variances.clamp_(-LIMIT, LIMIT)

    def learning_rate_factors(self) -> dict[str, float]:
        """Each task's own; log variances move fast enough for a short run."""
        own = {f"tasks.{name}.{part}": factor for name, task in self._named() for part, factor in task.learning_rate_factors().items()}
        return own | {"log_variances": 10.0}

    def assignments(self, images: Tensor) -> dict[str, Tensor]:
        """Each task's own."""
        return {name: each for task in self._methods() for name, each in task.assignments(images).items()}

    def diagnostics(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """How well each does its task."""
        return {name: each for task in self._methods() for name, each in task.diagnostics(images, generator).items()}

    def trivial(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Each task's own."""
        return {name: each for task in self._methods() for name, each in task.trivial(images, generator).items()}

    def pictures(self, images: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """Of the first task that makes any."""
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
                "Weights", "how much each loss counts", formula="w in the sum of w L over the tasks' losses L", unit="none"
            )
            for name in self.tasks
        }
        for a, b in itertools.combinations(self.tasks, 2):
            measures[metric(metric("cosine", a), b)] = Measure(
                "Cosine of the tasks' gradients",
                "above 0: they agree; below 0: they pull apart",
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
    """Of each task's loss before its weight."""
    alone = [config.with_method(name) for name in _chosen(config)]
    return [each.method.choice.loss_bounds(each) for each in alone]


def _times(weight: float, bound: float) -> float:
    """A loss without weight adds nothing, whatever its bound."""
    return weight * bound if weight else 0.0


def _views(batch: Batch, task: Method) -> Batch:
    """As many views as the task takes."""
    return Batch(batch.views[: task.views], [], batch.rows, batch.factors)
