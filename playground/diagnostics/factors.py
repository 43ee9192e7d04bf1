"""What the features are about: how much of their variance one known cause explains."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.labels import LEAST

COLOR = "average color"  # a factor that every image has, labels or not
ENOUGH = 10  # images for each direction of the causes: then what they explain by chance is a tenth on average, and hardly ever 3 tenths


def explained(features: Tensor, labels: Tensor) -> Tensor:
    """The share of the features' variance that lies between the classes of a factor: eta squared, one-way analysis of variance.

    features: (N, D), labels: (N,), negative where there is none -> scalar in [0, 1]; 0 where nothing varies. It grows by chance with
    the number of classes K, to (K - 1) / (N - 1). Fisher, 1925, chapter 7; Pillai's trace is its kin for several dimensions.
    """
    known = labels >= 0
    return explained_by(features[known], one_hot(labels[known]))


@defined("explained/*", "Explained variance", "high: the features are about this factor")
def explained_by(features: Tensor, causes: Tensor) -> Tensor:
    """The share of the features' variance that a linear regression on known causes explains: R squared over all dimensions.

    Formula: R^2 = (variance of the fit) / (variance of the features), of a linear regression of all dimensions on the factor's classes,
      or on the mean color of each image, its squares and products.
    Unit: share, from 0 to 1; told from 10 images a direction of the cause on, since by chance it is their number over N - 1.
    Source: Fisher, 1925, chapter 7 (eta squared).

    features: (N, D), causes: (N, C) -> scalar in [0, 1]; 0 where nothing varies.
    """
    if len(features) < 2:
        return features.new_zeros(())
    basis, y = _directions(causes).float(), features.float() - features.float().mean(0)
    total = y.square().sum()
    return ((basis.T @ y).square().sum() / total if total > 0 else total).clamp(0, 1)


def too_few_to_explain(causes: Tensor, images: str = "images") -> str:
    """Why it is not told what the causes explain, as the end of a sentence; "" where there are images enough.

    A regression on C directions explains C / (N - 1) of N images' variance by chance, and all of it from C = N - 1 on.
    causes: (N, C).
    """
    count = len(causes)
    directions = _directions(causes).shape[1] if count > 1 else 0
    if directions >= count - 1:  # as many as the images can span: with more images there would be more
        directions = causes.shape[1]
    least = max(LEAST, ENOUGH * directions)
    ways = "1 direction" if directions == 1 else f"{directions} directions"
    return "" if count >= least else f"needs at least {least} {images}, {ENOUGH} for each of {ways}; there are {count:,}"


def _directions(causes: Tensor) -> Tensor:
    """An orthonormal basis of what varies in the causes, by their small Gram matrix. (N, C) -> (N, at most C) float64."""
    x = causes.double() - causes.double().mean(0)
    values, vectors = torch.linalg.eigh(x.T @ x)
    kept = values > 1e-9 * values.max().clamp(min=1e-12)
    return x @ vectors[:, kept] / values[kept].sqrt()


def one_hot(labels: Tensor) -> Tensor:
    """(N,) -> (N, K) float32, one column a class; no column where there is no row."""
    return F.one_hot(labels).float() if len(labels) else torch.zeros(0, 1, device=labels.device)


def causes_of(pixels: Tensor, factors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What may explain the features of images: name -> (N, C), for each factor that all of them have, and for their average color."""
    known = {name: one_hot(labels) for name, labels in factors.items() if len(labels) and int(labels.min()) >= 0}
    return known | {COLOR: average_colors(pixels)}


def average_colors(pixels: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N, 9): mean red, green, and blue of each image, their squares and products."""
    means = pixels.flatten(2).float().mean(2) / 255
    pairs = means[:, :, None] * means[:, None]
    return torch.cat([means, pairs[:, *torch.triu_indices(3, 3)]], 1)
