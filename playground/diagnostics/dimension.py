"""The number of dimensions of the features, by four definitions for different questions.

participation_ratio  over how many directions the variance is spread
alpha_req            how fast the variance falls from one direction to the next
two_nn               how many coordinates describe a point among its neighbors, also on a curved surface
lidar                in how many directions images differ more than views of one image
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.diagnostics.base import diagnostic
from playground.diagnostics.geometry import centered, squared_distances
from playground.diagnostics.spectrum import singular_values

KEPT = 0.9  # share of the points in the fit of TwoNN: the largest ratios come from outliers
FIRST, LAST = 4, 100  # ranks between which alpha-ReQ is fitted, as in its authors' code
NOTHING = 1e-12  # of the largest eigenvalue: anything smaller is a rounding error
WITHIN, TINY = 1e-4, 1e-7  # LiDAR's delta and epsilon


@diagnostic("Participation ratio", "high: many directions share the variance; 1 is a line", 1, unit="dimensions")
def participation_ratio(features: Tensor) -> Tensor:
    """Over how many directions the variance is spread: 1 is a line, or no variance at all.

    Formula: (sum l)^2 / sum l^2, with l the eigenvalues of the features' covariance.
    Unit: dimensions, from 1 to min(N - 1, D).
    Source: Gao et al., 2017, equation 5.

    features: (N, D) -> scalar. Both sums are a trace and a norm, so no decomposition is needed.
    """
    x = centered(features)
    x = (x / x.abs().max().clamp(min=torch.finfo(x.dtype).tiny)).float()
    gram = x.T @ x if x.shape[0] >= x.shape[1] else x @ x.T
    total, squares = gram.diagonal().sum(), gram.square().sum()
    return torch.where(squares > 0, total.square() / squares.clamp(min=torch.finfo(gram.dtype).tiny), 1)


@diagnostic("alpha-ReQ", "near 1: variance falls as 1/rank; far above 1: few directions hold all variance; near 0: noise", 0, 3, live=False)
def alpha_req(features: Tensor) -> Tensor:
    """The exponent of a power law for the decrease of variance from one direction to the next.

    Formula: minus the slope of ln l over ln i, with l the eigenvalues of the covariance at ranks i = 4 to 100, each weighted by 1 / i.
    Unit: none, from 0.
    Source: Agrawal et al., 2022, equation 1; the fit is that of Stringer et al., 2019.

    Fewer ranks if there are fewer. 0 if fewer than three of them have any variance.
    features: (N, D) -> scalar.
    """
    values = singular_values(centered(features))[: min(len(features) - 1, LAST)].square()
    values = values[values > NOTHING * values.max()] if len(values) else values
    ranks = torch.arange(1, len(values) + 1, dtype=values.dtype, device=values.device)[FIRST - 1 :]
    if len(ranks) < 3:
        return values.new_zeros(())
    x, y, weights = ranks.log(), values[FIRST - 1 :].log(), 1 / ranks / (1 / ranks).sum()
    x, y = x - (weights * x).sum(), y - (weights * y).sum()
    return -(weights * x * y).sum() / (weights * x * x).sum()


@diagnostic(
    "Intrinsic dimension (TwoNN)", "low compared with D: images lie on a surface of few dimensions", 0, unit="coordinates", live=False
)
def two_nn(features: Tensor) -> Tensor:
    """The dimension of the surface on which the points lie, from the distances of the first and the second neighbor.

    Formula: d in -ln(1 - F(mu)) = d ln mu, with mu = r2 / r1 the distance of the second neighbor over that of the first, and F the
      share of images with a smaller mu: a line through the origin, fitted to the 90% smallest mu.
    Unit: coordinates, from 0.
    Source: Facco et al., 2017, equation 5.

    Points that coincide with another are left out; 0 if fewer than three are left.
    features: (N, D) -> scalar from 0.
    """
    if len(features) < 3:
        return features.new_zeros(())
    squared = squared_distances(features, torch.float64).fill_diagonal_(torch.inf)
    first, second = squared.topk(2, largest=False).values.unbind(1)
    ratios = ((second / first)[first > 0].log() / 2).sort().values
    count = int(KEPT * len(ratios))
    if len(ratios) < 3:
        return features.new_zeros(())
    shares = torch.arange(1, len(ratios) + 1, dtype=ratios.dtype, device=ratios.device) / len(ratios)
    x, y = ratios[:count], -torch.log1p(-shares[:count])
    return (x * y).sum() / x.square().sum().clamp(min=torch.finfo(x.dtype).tiny)


@diagnostic(
    "LiDAR",
    "high: images differ in many directions, compared with the variation between views of one image",
    1,
    unit="dimensions",
    live=False,
)
def lidar(views: Tensor) -> Tensor:
    """The effective rank of a linear discriminant analysis in which each image is a class, from 1 to min(P - 1, D).

    Formula: exp(-sum p ln p), with p the normalized eigenvalues of W^-1/2 B W^-1/2, B the covariance of the images' means over their
      views and W that of the views around them, plus 1e-4 of the identity.
    Unit: dimensions, from 1 to min(P - 1, D), with P the number of images.
    Source: Thilak et al., 2024, equations 1 to 4.

    1 if all views of all images are equal. views: (P, Q, D), Q views of each image -> scalar.
    """
    x = views.double()
    means = x.mean(1)
    within = (x - means[:, None]).flatten(0, 1)
    between = centered(means)
    values, vectors = torch.linalg.eigh(within.T @ within / len(within))
    whitened = between @ (vectors * (values.clamp(min=0) + WITHIN).rsqrt())
    eigenvalues = singular_values(whitened).square()
    shares = eigenvalues / eigenvalues.sum().clamp(min=torch.finfo(x.dtype).tiny) + TINY
    return torch.exp(-(shares * shares.log()).sum()).clamp(min=1)
