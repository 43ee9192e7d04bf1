"""Which factors the features represent: the share of their variance that each known factor explains."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.labels import LEAST

COLOR = "average color"  # a factor that every image has, with or without labels
ENOUGH = 10  # images for each direction of the causes: then the share explained by chance is 0.1 on average, and hardly ever 0.3


def explained(features: Tensor, labels: Tensor) -> Tensor:
    """The share of the features' variance that lies between the classes of a factor: eta squared, one-way analysis of variance.

    features: (N, D), labels: (N,), negative if missing -> scalar in [0, 1]; 0 if nothing varies. By chance alone it is
    (K - 1) / (N - 1) for K classes. Fisher, 1925, chapter 7; Pillai's trace is a related measure for several dimensions.
    """
    known = labels >= 0
    return explained_by(features[known], one_hot(labels[known]))


@defined("explained/*", "Explained variance", "high: the features represent this factor")
def explained_by(features: Tensor, causes: Tensor) -> Tensor:
    """The share of the features' variance that a linear regression on known causes explains: R squared over all dimensions.

    Formula: R^2 = (variance of the fit) / (variance of the features), of a linear regression of all dimensions on the factor's classes,
      or on the mean color of each image, its squares and products.
    Unit: share, from 0 to 1; given only for 10 images or more per direction of the cause, since by chance it is their number / (N - 1).
    Source: Fisher, 1925, chapter 7 (eta squared).

    features: (N, D), causes: (N, C) -> scalar in [0, 1]; 0 if nothing varies.
    """
    if len(features) < 2:
        return features.new_zeros(())
    basis, y = _directions(causes).float(), features.float() - features.float().mean(0)
    total = y.square().sum()
    return ((basis.T @ y).square().sum() / total if total > 0 else total).clamp(0, 1)


def too_few_to_explain(causes: Tensor, images: str = "images") -> str:
    """Why the explained share is not given, as the end of a sentence; "" if there are enough images.

    A regression on C directions explains C / (N - 1) of N images' variance by chance, and all of it from C = N - 1 on.
    causes: (N, C).
    """
    count = len(causes)
    directions = _directions(causes).shape[1] if count > 1 else 0
    if directions >= count - 1:  # the images cannot span more: more images would show more directions
        directions = causes.shape[1]
    least = max(LEAST, ENOUGH * directions)
    number = "1 direction" if directions == 1 else f"{directions} directions"
    return "" if count >= least else f"needs at least {least} {images}, {ENOUGH} for each of {number}; there are {count:,}"


def _directions(causes: Tensor) -> Tensor:
    """An orthonormal basis of the centered causes, by their small Gram matrix. (N, C) -> (N, at most C) float64."""
    x = causes.double() - causes.double().mean(0)
    values, vectors = torch.linalg.eigh(x.T @ x)
    kept = values > 1e-9 * values.max().clamp(min=1e-12)
    return x @ vectors[:, kept] / values[kept].sqrt()


def one_hot(labels: Tensor) -> Tensor:
    """(N,) -> (N, K) float32, one column for each class."""
    return F.one_hot(labels).float() if len(labels) else torch.zeros(0, 1, device=labels.device)


def causes_of(pixels: Tensor, factors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Possible causes of the features: name -> (N, C), for each factor that all images have, and for their average color."""
    known = {name: one_hot(labels) for name, labels in factors.items() if len(labels) and int(labels.min()) >= 0}
    return known | {COLOR: average_colors(pixels)}


def average_colors(pixels: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N, 9): mean red, green, and blue of each image, their squares and products."""
    means = pixels.flatten(2).float().mean(2) / 255
    pairs = means[:, :, None] * means[:, None]
    return torch.cat([means, pairs[:, *torch.triu_indices(3, 3)]], 1)
