"""The map of an embedding over time: the alignment of frames, neighbors, new images and clusters. The kinds of map: `map_kinds`.

aligned    a frame, turned as the one before
placed     the positions of many images of which only some were laid out
nearest    the neighbors of an image
clusters   k-means, with cluster numbers kept from frame to frame

Features are (N, D) float tensors, frames (N, 2) or (N, 3) float32 arrays. Distances and similarities are those of unit rows.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_mutual_info_score, silhouette_score
from torch import Tensor

from playground.diagnostics.geometry import unit
from playground.projection import procrustes

EQUAL = 1e-6  # similarities that differ by less are equal in float32
LANDING = 10  # neighbors that determine the position of a new image
SAMPLED = 1000  # points whose neighbors are compared
LANDMARKS = 10_000  # points that a slow kind lays out; more take minutes, and are placed among these
PART = 4096  # points that are placed at once
SAMPLE = 2000  # points for a silhouette: all pairs of more points take seconds


def aligned(points: np.ndarray, previous: np.ndarray | None) -> np.ndarray:
    """The points rotated and mirrored to match the previous frame, if it has the same shape. A frame of equal points is not changed."""
    if previous is None or previous.shape != points.shape or not len(points) or np.ptp(points, 0).max() == 0:
        return points
    return procrustes(points, previous, scale=False)


def neighbors_kept(features: Tensor, points: np.ndarray, k: int = LANDING) -> float | None:
    """The share of each point's k nearest neighbors that are also among its k nearest on the map, on average. None for too few points.

    For many points, a sample of them is used.
    """
    if len(features) < k + 2:
        return None
    rows = torch.linspace(0, len(features) - 1, min(SAMPLED, len(features))).long()
    true, near = _around(unit(features), rows, k), _around(torch.from_numpy(points), rows, k)
    return float((true[:, :, None] == near[:, None]).any(2).float().mean())


def _around(points: Tensor, rows: Tensor, k: int) -> Tensor:
    """The k nearest neighbors of the points with these indices (n,), without the points themselves: (n, k)."""
    distances = torch.cdist(points[rows], points)
    distances[torch.arange(len(rows)), rows] = torch.inf
    return distances.topk(k, largest=False)[1]


def radius(points: np.ndarray) -> float:
    """The distance from the center of the points to the farthest one."""
    return float(np.linalg.norm(points - points.mean(0), axis=1).max()) if len(points) else 0.0


def similarities(features: Tensor, image: Tensor) -> Tensor:
    """The cosine of each row with one image (D,) -> (N,). Not centered, as for k-NN accuracy and UMAP."""
    return (unit(features) @ unit(image[None])[0]).clamp(-1, 1)


def nearest(similarity: Tensor, k: int, leave_out: int | None = None) -> list[int]:
    """The k rows of largest similarity, equal ones in their order; `leave_out`: the image itself."""
    order = similarity.argsort(descending=True, stable=True).tolist()
    return [row for row in order if row != leave_out][:k]


def told_apart(similarity: Tensor) -> bool:
    """Whether the similarities differ at all."""
    return len(similarity) > 0 and float(similarity.max() - similarity.min()) > EQUAL


def near(row: int, similarity: float) -> dict[str, Any]:
    """The numbers of one neighbor. The distance is that of unit vectors, the square root of 2 - 2 cos."""
    return {"image": row, "similarity": similarity, "distance": max(2 - 2 * similarity, 0) ** 0.5}


def placed(features: Tensor, frame: np.ndarray, images: Tensor) -> np.ndarray:
    """The positions of images (n, D) in a frame (N, d) of features (N, D): (n, d) float32, weighted means of their nearest neighbors."""
    similarity, rows = (unit(images) @ unit(features).T).clamp(-1, 1).topk(min(LANDING, len(features)), dim=1)
    weights = 1 / (1 - similarity.double().numpy() + EQUAL)
    near = frame[rows.numpy()]  # (n, LANDING, d)
    return ((weights[:, :, None] * near).sum(1) / weights.sum(1, keepdims=True)).astype(np.float32)


def clusters(features: Tensor, k: int, previous: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    """k-means of unit rows: features (N, D) -> (N,) numbers below k, those of `previous` (N,) for the same clusters.

    Two initializations: random, and from the previous clusters, so that frames do not jump between equally good solutions. The one with
    the lower inertia is kept. Raises ValueError unless k is below the number of points.
    """
    if not 2 <= k < len(features):
        raise ValueError(f"k must be from 2 to {len(features) - 1:,}, one less than the number of points, got {k}")
    rows = unit(torch.nan_to_num(features)).numpy()
    starts: list[Any] = ["k-means++"]
    if previous is not None and len(set(previous.tolist())) == k:
        starts.append(np.stack([rows[previous == number].mean(0) for number in range(k)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # for fewer different rows than clusters: some stay empty
        fits = [KMeans(k, init=start, n_init=1, random_state=seed).fit(rows) for start in starts]
    labels = min(fits, key=lambda each: each.inertia_).labels_
    return labels if previous is None else renumbered(labels, previous, k)


def renumbered(labels: np.ndarray, previous: np.ndarray, k: int) -> np.ndarray:
    """(N,) numbers below k, permuted so that as many points as possible keep their number (Kuhn 1955)."""
    shared = np.zeros((k, k), np.int64)
    np.add.at(shared, (labels, previous), 1)
    return linear_sum_assignment(shared, maximize=True)[1][labels]


def agreement(labels: np.ndarray, factors: dict[str, list[int]]) -> dict[str, float]:
    """The agreement of clusters and factors: adjusted mutual information, 0 by chance and 1 if equal (Vinh et al. 2010).

    Points without a label (< 0) are ignored; a factor without any label is left out.
    """
    known = {name: np.asarray(values) for name, values in factors.items()}
    return {
        name: float(adjusted_mutual_info_score(values[values >= 0], labels[values >= 0]))
        for name, values in known.items()
        if (values >= 0).any()
    }


def silhouette(features: Tensor, labels: np.ndarray) -> float | None:
    """How much closer points are to their own cluster than to the next, -1 to 1 (Rousseeuw 1987); None if there is only one cluster."""
    rows = np.linspace(0, len(labels) - 1, min(SAMPLE, len(labels))).astype(int)
    if not 2 <= len(set(labels[rows].tolist())) < len(rows):
        return None
    return float(silhouette_score(unit(features).numpy()[rows], labels[rows]))
