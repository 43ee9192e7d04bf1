"""Maps of an embedding: PCA, warm-started UMAP and t-SNE, aligned from frame to frame so that points move smoothly."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

# Epochs and learning rate. A warm start is close to its optimum: at UMAP's usual rate of 1, a few epochs would only add noise.
COLD, WARM = (200, 1.0), (50, 0.2)
SPAN = 10.0  # width of UMAP's initial layouts
COLLAPSED = 1e-3  # smaller distances of unit rows are rounding errors in float32
NOWHERE = np.zeros((0, 2), np.float32)


@dataclass(frozen=True)
class Axes:
    """The directions of largest variance. center: (D,); directions: (D, d); shares: (d,) of the variance. Float64."""

    center: Tensor
    directions: Tensor
    shares: Tensor

    def place(self, features: Tensor) -> np.ndarray:
        """The coordinates of any features (N, D) along these axes: (N, d) float32."""
        return ((_exact(features) - self.center) @ self.directions).float().numpy()


def principal_axes(features: Tensor, dimensions: int = 2) -> Axes:
    """Principal component analysis of features (N, D), by the smaller of the two symmetric matrices.

    Directions beyond the rank are zero; if all features are the same, all directions are.
    """
    rows = _exact(features)
    count, size = rows.shape
    directions, shares = rows.new_zeros(size, dimensions), rows.new_zeros(dimensions)
    center = rows.mean(0) if count else rows.new_zeros(size)
    centered = rows - center
    if rows.numel() == 0 or centered.abs().max() <= 1e-6 * rows.abs().max():
        return Axes(center, directions, shares)
    values, vectors = _leading(centered, dimensions)
    # The sign of an axis is arbitrary: the farthest point is on its positive side.
    points = centered @ vectors
    directions[:, : vectors.shape[1]] = vectors * points.gather(0, points.abs().argmax(0, keepdim=True)).sign()
    shares[: len(values)] = values / centered.square().sum()
    return Axes(center, directions, shares)


def pca(features: Tensor, previous: np.ndarray | None = None, dimensions: int = 2) -> np.ndarray:
    """The coordinates of features (N, D) in the plane, or space, of largest variance: (N, dimensions) float32.

    Rotated and mirrored to match `previous`, of the same shape. Equal features give zeros. On the CPU and in
    float64, so that a layout does not depend on the device.
    """
    axes = principal_axes(features, dimensions)
    layout = axes.place(features)
    usable = previous is not None and previous.shape == layout.shape and axes.directions.any()
    return procrustes(layout, previous, scale=False) if usable and previous is not None else layout


def _exact(features: Tensor) -> Tensor:
    return torch.nan_to_num(features.detach().cpu().double())


def _leading(centered: Tensor, dimensions: int) -> tuple[Tensor, Tensor]:
    """Centered rows (N, D) -> the largest eigenvalues of their scatter (d,), and their unit directions (D, d); d may be smaller."""
    if centered.shape[1] <= len(centered):
        values, vectors = torch.linalg.eigh(centered.T @ centered)
        return values[-dimensions:].flip(0).clamp_min(0), vectors[:, -dimensions:].flip(1)
    values, vectors = torch.linalg.eigh(centered @ centered.T)
    values, vectors = values[-dimensions:].flip(0).clamp_min(0), vectors[:, -dimensions:].flip(1)
    lengths = values.sqrt()
    real = lengths > 1e-9 * lengths[0]
    return torch.where(real, values, 0), torch.where(real, centered.T @ vectors / torch.where(real, lengths, 1), 0)


def procrustes(points: np.ndarray, target: np.ndarray, *, scale: bool) -> np.ndarray:
    """Rotates, mirrors and shifts points (N, d) to the least squared distance from target (N, d); `scale`: resizes them, too.

    The rotation is U V' of the SVD of points' target, both centered (Schoenemann 1966).
    """
    center = target.mean(0)
    moved, fixed = points - points.mean(0), target - center
    left, strengths, right = np.linalg.svd(moved.T @ fixed)
    size = strengths.sum() / max(float((moved**2).sum()), 1e-12) if scale else 1.0
    return (size * moved @ (left @ right) + center).astype(np.float32)


def exact_neighbors(features: Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest neighbors of each point, itself first: features (N, D) -> indices (N, k) int32, distances (N, k) float32.

    Euclidean distances of unit rows, with the same order as cosine similarity; rows of zeros stay zero.
    """
    units = F.normalize(features.detach().float(), dim=1)
    near = [_nearest(units, start, k) for start in range(0, len(units), 4096)]
    distances, indices = (torch.cat(parts).cpu().numpy() for parts in zip(*near, strict=True))
    return indices.astype(np.int32), distances.clip(0)


def _nearest(units: Tensor, start: int, k: int) -> tuple[Tensor, Tensor]:
    """Distances and indices of the k nearest rows, for up to 4096 rows from `start`: (n, k) each."""
    distances = torch.cdist(units[start : start + 4096], units)
    distances.diagonal(start).fill_(-1)  # copies of a point have distance 0, too, and must not come first
    return distances.topk(k, largest=False)


def umap_layout(
    features: Tensor, previous: np.ndarray | None = None, *, neighbors: int = 15, epochs: int | None = None, seed: int = 0
) -> np.ndarray:
    """UMAP on exact neighbors: features (N, D) -> (N, 2) float32. `previous`: the last layout, from which it starts.

    PCA of the unit rows is used if UMAP cannot work: with fewer than neighbors + 2 points, or with features so collapsed that
    most points have the same position as their neighbors. UMAP's own `fit` would rescale every start to a square of 10 x 10, and the
    layout would jump; so its parts are called one by one, and the size and proportions are kept.
    """
    units = F.normalize(torch.nan_to_num(features.detach().cpu().float()), dim=1)
    if len(units) < neighbors + 2:
        return pca(units, previous)
    indices, distances = exact_neighbors(units, neighbors)
    if np.median(distances[:, -1]) < COLLAPSED:
        return pca(units, previous)
    if previous is None or previous.shape != (len(units), 2) or np.ptp(previous, 0).max() < SPAN / 5:
        # The first frame; or the last one has other points or is collapsed, and cannot be the start.
        start, (usual, rate) = pca(units, previous), COLD
        start *= SPAN / np.ptp(start, 0).max()
    else:
        start, (usual, rate) = previous, WARM
    points = _optimized(indices, distances, start, epochs or usual, rate, np.random.RandomState(seed))
    return procrustes(points, start, scale=False)


def _optimized(
    indices: np.ndarray, distances: np.ndarray, start: np.ndarray, epochs: int, rate: float, random: np.random.RandomState
) -> np.ndarray:
    """UMAP's gradient descent from `start` (N, 2) -> (N, 2). indices, distances: (N, k) of `exact_neighbors`."""
    # Points with the same position would never separate.
    points = (start + random.normal(scale=1e-4, size=start.shape)).astype(np.float32)
    numbers = random.randint(-(2**31), 2**31 - 1, 3).astype(np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of umap about an optional TensorFlow, of numba about threading and performance
        from umap.layouts import optimize_layout_euclidean as optimize
        from umap.umap_ import find_ab_params, fuzzy_simplicial_set, make_epochs_per_sample

        k = indices.shape[1]
        graph = fuzzy_simplicial_set(points, k, random, "euclidean", knn_indices=indices, knn_dists=distances)[0].tocoo()
        pace = make_epochs_per_sample(graph.data, epochs)
        edges = (graph.row, graph.col, epochs, len(points), pace)
        curve = find_ab_params(1.0, 0.1)  # of UMAP's default min_dist
        return optimize(points, points, *edges, *curve, numbers, initial_alpha=rate, move_other=True)


def tsne_layout(features: Tensor, previous: np.ndarray | None = None, *, perplexity: float = 30.0, seed: int = 0) -> np.ndarray:
    """t-SNE of unit rows by scikit-learn: features (N, D) -> (N, 2) float32. `previous`: the last layout, from which it starts.

    From a layout it continues without early exaggeration (van der Maaten and Hinton 2008), which would destroy existing groups.
    With few points the perplexity is a third of their number. PCA is used for fewer than five points and for equal features.
    """
    units = F.normalize(torch.nan_to_num(features.detach().cpu().float()), dim=1)
    if len(units) < 5 or np.median(exact_neighbors(units, min(15, len(units)))[1][:, -1]) < COLLAPSED:
        return pca(units, previous)
    from sklearn.manifold import TSNE

    settings: dict[str, Any] = {"perplexity": min(perplexity, (len(units) - 1) / 3), "random_state": seed, "n_jobs": 1}
    if previous is not None and previous.shape == (len(units), 2) and np.ptp(previous, 0).max() > SPAN / 5:
        # scikit-learn checks every 50 steps, in each of its two phases, whether the gradient is this small: 100 steps in total.
        start, settings = previous, settings | {"early_exaggeration": 1.0, "min_grad_norm": 1e9, "learning_rate": max(len(units) / 2, 50)}
        scaled = start
    else:
        start, settings = pca(units, previous), settings | {"max_iter": 500}
        scaled = start / max(float(start[:, 0].std()), 1e-12) * 1e-4  # as scikit-learn does to its own start by PCA
    points = TSNE(init=scaled.astype(np.float32), **settings).fit_transform(units.numpy())
    return procrustes(points, start, scale=False)
