"""Optimizers, and the learning-rate schedule: a linear warm-up, then half a cosine down to zero."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from playground.knobs import Choice, catalog, knob


class Optimizer(Choice):
    """An optimizer."""

    class Knobs(Choice.Knobs):
        """The knobs of every optimizer."""

        learning_rate: float = knob(3e-3, 1e-6, 10, "The peak learning rate, reached after the warm-up.", live=True, log=True)
        weight_decay: float = knob(1e-4, 0, 1, "Pulls weights toward zero; biases and normalization parameters are not decayed.")
        warmup_fraction: float = knob(0.05, 0, 0.9, "The share of the run in which the learning rate rises from zero (warm-up).")

    @classmethod
    def build(cls, groups: list[dict[str, Any]], knobs: Any) -> torch.optim.Optimizer:
        """The torch optimizer over parameter groups."""
        raise NotImplementedError


class AdamW(Optimizer):
    """Loshchilov and Hutter, 2019."""

    name, title = "adamw", "AdamW"
    summary = "Adapts the step of each weight: a safe choice for short runs."

    @classmethod
    def build(cls, groups: list[dict[str, Any]], knobs: Any) -> torch.optim.Optimizer:
        """Fused: one kernel for all weights."""
        return torch.optim.AdamW(groups, lr=knobs.learning_rate, weight_decay=knobs.weight_decay, betas=(0.9, 0.95), fused=True)


class SGD(Optimizer):
    """With momentum, as in most long training recipes."""

    name, title = "sgd", "SGD"
    summary = "Plain gradient steps with momentum: the usual choice for long runs."

    class Knobs(Optimizer.Knobs):
        """Momentum, and other defaults."""

        learning_rate: float = knob(0.06, 1e-6, 10, "The peak learning rate, reached after the warm-up.", live=True, log=True)
        weight_decay: float = knob(5e-4, 0, 1, "Pulls weights toward zero; biases and normalization parameters are not decayed.")
        momentum: float = knob(0.9, 0, 0.999, "How much of the previous step is kept.")

    @classmethod
    def build(cls, groups: list[dict[str, Any]], knobs: Any) -> torch.optim.Optimizer:
        """Fused: one kernel for all weights."""
        return torch.optim.SGD(groups, lr=knobs.learning_rate, weight_decay=knobs.weight_decay, momentum=knobs.momentum, fused=True)


class LARS(Optimizer):
    """You et al., 2017."""

    name, title = "lars", "LARS"
    summary = "Each layer's step is proportional to the norm of its weights: made for very large batches."

    class Knobs(Optimizer.Knobs):
        """The learning rate has another meaning than for SGD: each layer moves by a share of the norm of its weights."""

        learning_rate: float = knob(2, 1e-6, 100, "The peak learning rate, reached after the warm-up.", live=True, log=True)
        weight_decay: float = knob(1e-6, 0, 1, "Pulls weights toward zero; biases and normalization parameters are not decayed.")
        momentum: float = knob(0.9, 0, 0.999, "How much of the previous step is kept.")
        trust: float = knob(0.02, 1e-4, 1, "The step of a layer as a share of its norm, at a learning rate of 1.", log=True)

    @classmethod
    def build(cls, groups: list[dict[str, Any]], knobs: Any) -> torch.optim.Optimizer:
        """Our own implementation, because torch has none."""
        return LayerwiseSGD(groups, knobs.learning_rate, knobs.momentum, knobs.trust)


class LayerwiseSGD(torch.optim.Optimizer):
    """SGD with momentum whose step for each matrix w of gradient g is trust |w| / (|g| + decay |w|) (You et al., 2017, equation 6).

    Groups with "adapts": False (biases and normalization) take plain steps. There is no synchronization with the device.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float, momentum: float, trust: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "trust": trust, "weight_decay": 0.0, "adapts": True})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One update of all weights that have a gradient."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._move(weights, self._directions(weights, group), group)

    def _directions(self, weights: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
        """Gradients with weight decay, each scaled for its layer."""
        gradients, decay = [weight.grad for weight in weights if weight.grad is not None], group["weight_decay"]
        directions = list(torch._foreach_add(gradients, weights, alpha=decay))
        if group["adapts"]:
            for direction, length, slope in zip(directions, torch._foreach_norm(weights), torch._foreach_norm(gradients), strict=True):
                rate = group["trust"] * length / (slope + decay * length + 1e-8)
                direction.mul_(torch.where((length > 0) & (slope > 0), rate, 1.0))
        return directions

    def _move(self, weights: list[Tensor], directions: list[Tensor], group: dict[str, Any]) -> None:
        speeds = [self.state[weight].setdefault("speed", torch.zeros_like(weight)) for weight in weights]
        torch._foreach_mul_(speeds, group["momentum"])
        torch._foreach_add_(speeds, directions)
        torch._foreach_add_(weights, speeds, alpha=-group["lr"])


def parameter_groups(module: nn.Module, weight_decay: float, factors: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """Weight decay and layer-wise adaptation for matrices and kernels, not for biases, normalization parameters and other vectors.

    factors: factors on the learning rate of submodules, by their names ("predictor"). Each group has its factor as "factor".
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            factor = next((each for part, each in (factors or {}).items() if f"{name}.".startswith(f"{part}.")), 1.0)
            groups.setdefault((factor, weight.ndim > 1), []).append(weight)
    return [
        {"params": weights, "factor": factor, "adapts": matrices, "weight_decay": weight_decay if matrices else 0.0}
        for (factor, matrices), weights in groups.items()
    ]


def schedule(step: int, steps: int, warmup_fraction: float) -> float:
    """The share of the peak learning rate that update number `step` (from 0) of `steps` uses, in (0, 1]."""
    warmup = round(steps * warmup_fraction)
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1))) / 2


CATALOG = catalog(Optimizer, sys.modules[__name__])
