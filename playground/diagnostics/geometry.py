"""The geometry of features on the unit sphere: alignment and uniformity (Wang and Isola, 2020), and their spread."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.base import diagnostic

BINS = 50  # of a histogram of similarities
ROUNDING = 1e-12  # share of the squared length: rows that differ by less are equal
NEAR = 8  # times the rounding error of numbers near 1
ALIKE = 1e-6  # squared distance of unit rows that float32 cannot distinguish from 0


@diagnostic("Alignment", "low: two views of one image lie close together", 0, 4)
def alignment(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared distance of unit features of two views, alpha = 2: 0 is perfect, 2 is unrelated, 4 is opposite.

    Formula: mean over images of |u - v|^2, with u and v the features of two views of one image, each divided by its length.
    Unit: none, from 0 to 4.
    Source: Wang and Isola, 2020, section 4.1.

    first, second: (P, D), each row two views of one image -> scalar.
    """
    return (unit(first) - unit(second)).square().sum(1).mean()


@diagnostic("Uniformity", "low: features spread over the whole sphere", -4, 0)
def uniformity(features: Tensor) -> Tensor:
    """Log of the mean Gaussian potential over pairs, t = 2: 0 is a single point, about -4 is uniform in many dimensions.

    Formula: ln of the mean over pairs of images of exp(-2 |u - v|^2), with u and v features divided by their length.
    Unit: none, from -8 to 0.
    Source: Wang and Isola, 2020, section 4.1.

    features: (N, D) -> scalar.
    """
    z = unit(features)
    squared = torch.pdist(z).square()
    return torch.logsumexp(-2 * squared, 0) - math.log(len(squared))


@diagnostic("Feature std", "near 1/sqrt(D): every dimension is in use; 0 is collapse", 0, unit="spread")
def feature_std(features: Tensor) -> Tensor:
    """Mean over dimensions of the standard deviation of unit features: 1/sqrt(D) if they are spread over the sphere, 0 if collapsed.

    Formula: mean over dimensions of the standard deviation over images of u, the features divided by their length.
    Unit: none, from 0 to 1/sqrt(D).
    Source: Chen and He, 2021, section 4.1.

    features: (N, D) -> scalar.
    """
    return unit(features).std(0, correction=0).mean()


@diagnostic("View agreement", "high: two views of one image are closer than two images; 0: no closer than chance", -1, 1)
def view_agreement(first: Tensor, second: Tensor) -> Tensor:
    """How much closer two views of one image are than views of different images: 1 - the ratio of mean squared distances of unit rows.

    Formula: 1 - (mean |u - v|^2 over views of one image) / (mean |u - v|^2 over views of different images), features divided by length.
    Unit: none, from -1 to 1; 1 is perfect, 0 is chance.
    Source: our own: alignment of Wang and Isola, 2020, divided by its value for unrelated images.

    first, second: (P, D), each row two views of one image -> scalar in [-1, 1]. Alignment also becomes low when all features
    collapse to one point; this measure does not. It is 0 if all views are equal to seven digits.
    """
    a, b = unit(first), unit(second)
    between = 2 - 2 * (a.sum(0) @ b.sum(0) - (a * b).sum()) / max(len(a) * (len(a) - 1), 1)
    within = (a - b).square().sum(1).mean()
    return torch.where(between > ALIKE, 1 - within / between.clamp(min=ALIKE), torch.zeros_like(within)).clamp(-1, 1)


@defined("similarity", "Similarity of two views", "of one image: near 1; of different images: spread out below")
def similarity_histograms(first: Tensor, second: Tensor) -> dict[str, Tensor]:
    """Histograms of the similarity of two views of one image, and of views of different images: 50 equal bins of the cosine in [-1, 1].

    Formula: u . v / (|u| |v|), with u and v the features of two views; a histogram over all pairs of one image, and of different ones.
    Unit: share of the pairs, over the cosine from -1 to 1.
    Source: Wang and Isola, 2020, figure 3, with distances.

    first, second: (P, D), each row two views of one image -> "positive" and "negative", each (BINS,) with a sum of 1.
    """
    cosine = unit(first) @ unit(second).T
    own = torch.eye(len(cosine), dtype=torch.bool, device=cosine.device)
    pairs = {"positive": cosine[own], "negative": cosine[~own]}
    return {name: torch.histc(each.clamp(-1, 1).cpu(), BINS, -1, 1) / max(len(each), 1) for name, each in pairs.items()}


def unit(features: Tensor) -> Tensor:
    """(N, D) -> rows of length 1, in float32."""
    return F.normalize(features.float(), dim=1)


def centered(features: Tensor) -> Tensor:
    """(N, D) -> the rows minus their mean, in float64; all zero if the rows differ only by rounding errors."""
    x = features.double()
    away = x - x.mean(0)
    return away * (away.square().sum() > ROUNDING * x.square().sum())


def squared_distances(features: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(N, D) -> (N, N) squared Euclidean distances by one matrix product in `dtype`; distances within its rounding error are 0."""
    x = centered(features)
    spread = x.square().sum(1).mean().clamp(min=torch.finfo(x.dtype).tiny)
    z = (x / spread.sqrt()).to(dtype)
    lengths = z.square().sum(1)
    squared = torch.addmm(lengths[:, None] + lengths, z, z.T, alpha=-2)
    return squared.where(squared > NEAR * torch.finfo(dtype).eps, 0).fill_diagonal_(0) * spread.to(dtype)
