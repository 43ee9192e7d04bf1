"""Gradients of several losses on the same weights: separated, compared, combined."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def flat_gradient(loss: Tensor, weights: list[nn.Parameter]) -> Tensor:
    """The gradient of one loss as one vector (P,)."""
    gradients = torch.autograd.grad(loss, weights, allow_unused=True, retain_graph=True)
    return torch.cat([torch.zeros_like(w).flatten() if g is None else g.flatten() for w, g in zip(weights, gradients, strict=True)])


def add_gradient(weights: list[nn.Parameter], gradient: Tensor) -> None:
    """Adds a flat gradient (P,) to those of the weights."""
    for weight, part in zip(weights, gradient.split([weight.numel() for weight in weights]), strict=True):
        share = part.view_as(weight)
        weight.grad = share.clone(memory_format=torch.preserve_format) if weight.grad is None else weight.grad + share


def shuffled_others(count: int, generator: torch.Generator) -> Tensor:
    """For each of T tasks, the indices of all other tasks in random order: (T, T - 1)."""
    others = [[j for j in range(count) if j != i] for i in range(count)]
    orders = [torch.randperm(count - 1, generator=generator, device=generator.device) for _ in others]
    return torch.stack([torch.tensor(each, device=order.device)[order] for each, order in zip(others, orders, strict=True)])


def without_conflict(gradients: Tensor, others: Tensor) -> Tensor:
    """PCGrad: removes from each gradient the component that conflicts with another, one after the other (Yu et al., 2020, algorithm 1).

    gradients: (T, P); others: (T, T - 1), for each task the order in which the other tasks are considered -> (T, P).
    """
    kept = []
    for own, order in zip(gradients, others, strict=True):
        for other in gradients[order]:
            own = own - (own @ other).clamp(max=0) / (other @ other).clamp(min=1e-20) * other
        kept.append(own)
    return torch.stack(kept)


def balanced(factors: Tensor, norms: Tensor, ratios: Tensor, asymmetry: float, rate: float) -> Tensor:
    """One GradNorm step (Chen et al., 2018, equation 2, its slope in units of the mean norm): new factors (T,), of unchanged sum.

    norms: (T,) lengths of the weighted gradients; ratios: (T,) each loss divided by its first value, both measured from the lower bound,
    so that 1 means no progress and 0 the lowest possible loss, for negative losses as well.
    """
    target = norms.mean() * (ratios / ratios.mean()).clamp(min=1e-3) ** asymmetry
    slope = (norms - target).sign() * norms / factors  # of |norm - target|, the norm being linear in its factor
    moved = (factors - rate * slope / norms.mean().clamp(min=1e-20)).clamp(min=1e-2)
    return moved * factors.sum() / moved.sum()
