"""UMAP from exact neighbors (McInnes, Healy and Melville, 2018): the graph of who is near whom, and the descent that lays it out.

It gives what umap-learn's own parts give, but comes without them: those import half of scikit-learn and compile themselves for 10 to 25
seconds in a new process and into 200 MB. Here one loop is compiled, once, and kept on the disk beside this file.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# 1 / (1 + a d^2b) is nearest to 1 up to a distance of 0.1 and exp(0.1 - d) beyond it: UMAP's defaults, min_dist 0.1 and spread 1.
A, B = 1.5769434603113077, 0.8950608781227859
NEGATIVES = 5  # points pushed away for each that is pulled
LONGEST = 4.0  # of one move in each direction, before the learning rate
HALVINGS = 40
LEAST = 1e-3  # of a bandwidth, as a share of the mean distance

Graph = tuple[np.ndarray, np.ndarray, np.ndarray]  # heads (E,) int32, tails (E,) int32, weights (E,) float32 in (0, 1]; each edge both ways


def fuzzy_graph(indices: np.ndarray, distances: np.ndarray) -> Graph:
    """Neighbors (N, k), each point first among its own -> the symmetric graph of memberships (sections 3.1 and 4.1).

    A point's neighbor at distance d belongs to it by exp(-(d - rho) / sigma), rho its nearest neighbor's distance and sigma such that they
    add up to log2 k. Two points are connected by p + q - p q, p and q what each says of the other.
    """
    count, k = indices.shape
    owns = np.repeat(np.arange(count, dtype=np.int64), k)
    ours, strength = indices.ravel().astype(np.int64), _memberships(distances).ravel()
    kept = (owns != ours) & (strength > 0)
    forth = owns[kept] * count + ours[kept]
    order = forth.argsort(kind="stable")
    forth, strength = forth[order], strength[kept][order]
    back = forth % count * count + forth // count
    place = np.searchsorted(forth, back).clip(max=len(forth) - 1)
    mutual = forth[place] == back
    other = np.where(mutual, strength[place], 0)
    weights = strength + other - strength * other
    edges, weights = np.concatenate([forth, back[~mutual]]), np.concatenate([weights, weights[~mutual]])
    order = edges.argsort(kind="stable")
    edges = edges[order]
    return (edges // count).astype(np.int32), (edges % count).astype(np.int32), weights[order].astype(np.float32)


def _memberships(distances: np.ndarray) -> np.ndarray:
    """(N, k) distances, the first of each row the point's own -> (N, k) in [0, 1]; of the first no meaning."""
    k = distances.shape[1]
    near = np.where(distances > 0, distances, np.inf).min(1)
    beyond = (distances - np.where(np.isfinite(near), near, 0)[:, None]).clip(0)
    low, high, sigma = np.zeros(len(distances)), np.full(len(distances), np.inf), np.ones(len(distances))
    for _ in range(HALVINGS):
        too_wide = np.exp(-beyond[:, 1:] / sigma[:, None]).sum(1) > np.log2(k)
        low, high = np.where(too_wide, low, sigma), np.where(too_wide, sigma, high)
        sigma = np.where(np.isfinite(high), (low + high) / 2, 2 * low)
    least = np.where(np.isfinite(near), distances.mean(1), distances.mean())
    return np.exp(-beyond / np.maximum(sigma, LEAST * least)[:, None])


def descended(graph: Graph, start: np.ndarray, epochs: int, rate: float, seed: int) -> np.ndarray:
    """Points (N, 2) float32 after so many epochs from `start`, the learning rate falling to zero from `rate`."""
    heads, tails, weights = graph
    points = np.ascontiguousarray(start, np.float32).copy()
    _descend(points, heads, tails, (weights.max() / weights).astype(np.float32), epochs, np.float32(rate), np.uint64(seed))
    return points


@njit(fastmath=True, cache=True)
def _descend(
    points: np.ndarray, heads: np.ndarray, tails: np.ndarray, period: np.ndarray, epochs: int, rate: np.float32, state: np.uint64
) -> None:
    """Stochastic gradient descent (algorithm 5): an edge is drawn every `period` epochs, with NEGATIVES random points to push."""
    count = np.uint64(len(points))
    due, pushed = period.copy(), period / NEGATIVES
    for epoch in range(epochs):
        step = rate * np.float32(1 - epoch / epochs)
        for edge in range(len(heads)):
            if due[edge] > epoch:
                continue
            due[edge] += period[edge]
            head, tail = heads[edge], tails[edge]
            x, y = points[head, 0] - points[tail, 0], points[head, 1] - points[tail, 1]
            square = x * x + y * y
            pull = -2 * A * B * square ** (B - 1) / (1 + A * square**B) if square > 0 else 0.0
            x, y = step * min(max(pull * x, -LONGEST), LONGEST), step * min(max(pull * y, -LONGEST), LONGEST)
            points[head, 0] += x
            points[head, 1] += y
            points[tail, 0] -= x
            points[tail, 1] -= y
            times = int((epoch - pushed[edge]) * NEGATIVES / period[edge])
            pushed[edge] += times * period[edge] / NEGATIVES
            for _ in range(times):
                state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)  # Knuth's linear congruences
                other = (state >> np.uint64(33)) % count
                x, y = points[head, 0] - points[other, 0], points[head, 1] - points[other, 1]
                square = x * x + y * y
                if square > 0:
                    push = 2 * B / ((0.001 + square) * (1 + A * square**B))
                    points[head, 0] += step * min(max(push * x, -LONGEST), LONGEST)
                    points[head, 1] += step * min(max(push * y, -LONGEST), LONGEST)
