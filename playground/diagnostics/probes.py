"""What can be read off the features without training anything more."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from playground.diagnostics.geometry import unit

NEIGHBORS, TEMPERATURE = 20, 0.07


def knn_accuracy(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """How often an image's nearest neighbors, itself left out, know its label: one accuracy a factor.

    A vote of the 20 nearest by cosine, weighted exp(cos / 0.07) (Wu et al., 2018, section 3.4).
    features: (N, D), factors: name -> (N,) labels -> name -> scalar in [0, 1].
    """
    z = unit(features)
    cosine, rows = (z @ z.T).fill_diagonal_(-2).topk(min(NEIGHBORS, len(z) - 1))
    weights = ((cosine - 1) / TEMPERATURE).exp()
    return {name: _vote(labels[rows], weights, labels) for name, labels in factors.items()}


def _vote(votes: Tensor, weights: Tensor, labels: Tensor) -> Tensor:
    """votes, weights: (N, k) -> the share of rows whose heaviest label is theirs."""
    ballots = F.one_hot(votes, int(labels.max()) + 1) * weights[..., None]
    return (ballots.sum(1).argmax(1) == labels).float().mean()
