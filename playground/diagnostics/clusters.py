"""How well the classes of each factor form groups: silhouette (Rousseeuw, 1987) and Davies-Bouldin (1979).

Both use features of length 1, as k-NN does. Labels below 0 are missing: these images are left out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.geometry import squared_distances, unit


@defined("silhouette/*", "Silhouette", "1: tight groups far apart; 0: no groups; below 0: images are closer to other classes")
def silhouette(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """How much closer images are to their own class than to the next: 1 is tight groups far apart, 0 no groups, below 0 the wrong groups.

    Formula: mean over images of (b - a) / max(a, b), with a the mean distance to the other images of its class, b that to the nearest
      other class; features divided by their length.
    Unit: none, from -1 to 1.
    Source: Rousseeuw, 1987, section 2.

    0 for an image alone in its class, if there are fewer than two classes, or if all features are equal. One matrix of distances
    is used for all factors.
    features: (N, D), factors: name -> (N,) labels -> name -> scalar in [-1, 1].
    """
    distances = squared_distances(unit(features)).sqrt()
    members = {name: _members(labels) for name, labels in factors.items()}
    sums = (distances @ torch.cat([*members.values(), distances[:, :0]], 1)).split([each.shape[1] for each in members.values()], 1)
    return {name: _silhouette(total, each) for (name, each), total in zip(members.items(), sums, strict=False)}


@defined("davies_bouldin/*", "Davies-Bouldin", "low: groups are narrow compared with the distances between them")
def davies_bouldin(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The width of classes compared with the distance of their centers: 0 if classes are points, no upper limit.

    Formula: mean over classes i of the largest (s_i + s_j) / d_ij over j, with s the mean distance to the class's center and d the
      distance of two centers; features divided by their length.
    Unit: none, from 0.
    Source: Davies and Bouldin, 1979, definitions 4 to 6.

    Pairs with equal centers are left out; 0 if no pair is left or if there is one class.
    features: (N, D), factors: name -> (N,) labels -> name -> scalar from 0.
    """
    z = unit(features).double()
    return {name: _davies_bouldin(z, _members(labels).double()) for name, labels in factors.items()}


def _members(labels: Tensor) -> Tensor:
    """(N,) -> (N, K) one-hot, one column for each class that occurs; rows without a label are zero."""
    classes = labels[labels >= 0].unique()
    return (labels[:, None] == classes).float()


def _silhouette(sums: Tensor, members: Tensor) -> Tensor:
    """sums: (N, K) of the distances to each class; members: (N, K) -> scalar."""
    sizes = members.sum(0)
    if len(sizes) < 2:
        return sums.new_zeros(())
    own = (sums * members).sum(1) / (members @ sizes - 1).clamp(min=1)
    nearest = (sums / sizes).masked_fill(members > 0, torch.inf).min(1).values
    most = torch.maximum(own, nearest)
    counted = (members @ sizes > 1) & (most > 0)
    return torch.where(counted, (nearest - own) / most.where(counted, 1), 0).sum() / members.sum()


def _davies_bouldin(z: Tensor, members: Tensor) -> Tensor:
    if members.shape[1] < 2:
        return z.new_zeros(())
    centers = members.T @ z / members.sum(0)[:, None]
    spread = torch.stack([(z[own > 0] - center).norm(dim=1).mean() for own, center in zip(members.T, centers, strict=True)])
    apart = torch.cdist(centers, centers, compute_mode="donot_use_mm_for_euclid_dist")
    ratios = (spread[:, None] + spread) / apart.where(apart > 1e-7, torch.inf)
    return ratios.max(1).values.mean()
