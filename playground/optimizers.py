"""Optimizers, and how the learning rate goes over a run: a linear warm-up, then half a cosine down to zero."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from playground.knobs import Choice, catalog, knob


class Optimizer(Choice):
    """A way to update the weights."""

    class Knobs(Choice.Knobs):
        """What every optimizer has."""

        learning_rate: float = knob(3e-3, 1e-6, 10, "How far each step goes, at its peak after the warm-up.", live=True, log=True)
        weight_decay: float = knob(1e-4, 0, 1, "Pulls weights toward zero; biases and norms are left alone.")
        warmup_fraction: float = knob(0.05, 0, 0.9, "The share of the run in which the learning rate climbs from zero.")

    @classmethod
    def build(cls, groups: list[dict[str, Any]], knobs: Any) -> torch.optim.Optimizer:
        """The torch optimizer over parameter groups."""
        raise NotImplementedError


class AdamW(Optimizer):
    """Loshchilov and Hutter, 2019."""

    name, title = "adamw", "AdamW"
    summary = "Adapts each weight's step: the safe choice for short runs."

    @classmethod
    def build(cls, groups: list[dict[str, Any]], knobs: Any) -> torch.optim.Optimizer:
        """Fused: one kernel for all weights."""
        return torch.optim.AdamW(groups, lr=knobs.learning_rate, weight_decay=knobs.weight_decay, betas=(0.9, 0.95), fused=True)


class SGD(Optimizer):
    """With momentum, as most of the field's long recipes use it."""

    name, title = "sgd", "SGD"
    summary = "Plain steps with momentum: the field's choice for long runs."

    class Knobs(Optimizer.Knobs):
        """Momentum, and a learning rate that suits it."""

        learning_rate: float = knob(0.06, 1e-6, 10, "How far each step goes, at its peak after the warm-up.", live=True, log=True)
        weight_decay: float = knob(5e-4, 0, 1, "Pulls weights toward zero; biases and norms are left alone.")
        momentum: float = knob(0.9, 0, 0.999, "How much of the last step's direction is kept.")

    @classmethod
    def build(cls, groups: list[dict[str, Any]], knobs: Any) -> torch.optim.Optimizer:
        """Fused: one kernel for all weights."""
        return torch.optim.SGD(groups, lr=knobs.learning_rate, weight_decay=knobs.weight_decay, momentum=knobs.momentum, fused=True)


def parameter_groups(module: nn.Module, weight_decay: float, factors: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """Matrices and kernels decay; biases, norms and other vectors do not.

    factors: how much faster than the rest a submodule learns, by its name. Each group carries its own as "factor".
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, weight in module.named_parameters():
        if weight.requires_grad:
            factor = (factors or {}).get(name.partition(".")[0], 1.0)
            groups.setdefault((factor, weight.ndim > 1), []).append(weight)
    return [
        {"params": weights, "factor": factor, "weight_decay": weight_decay if decays else 0.0}
        for (factor, decays), weights in groups.items()
    ]


def schedule(step: int, steps: int, warmup_fraction: float) -> float:
    """The share of the peak learning rate that update number `step` (from 0) of `steps` uses, in (0, 1]."""
    warmup = round(steps * warmup_fraction)
    if step < warmup:
        return (step + 1) / warmup
    return (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1))) / 2


CATALOG = catalog(Optimizer, sys.modules[__name__])
