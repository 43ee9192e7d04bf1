"""Probes that need no gradient training: k-NN and a ridge classifier. Labels below 0 are missing: these images are not evaluated.

Nor are images that are alone in their class. A factor with too few labeled images (`labels.too_few`) gets no number.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.geometry import unit
from playground.diagnostics.labels import balanced, evaluable, sizes, too_few, uneven
from playground.randomness import seeded_generator

NEIGHBORS, TEMPERATURE = 20, 0.07
SMALL = 60  # images of the smallest class: with fewer, in a small set, one image of every other class is left out, too
CROWD = 50  # images per voting neighbor: in a set this large, leaving out the image itself hardly changes the share of its class
TESTED = 0.25  # share of the images on which a linear probe is tested
MANY = 20  # images of the smallest class: with so many, a random quarter contains every class
RIDGE = 1.0  # penalty, times the number of dimensions, for standardized features


@defined("knn/*", "Live k-NN", "high: the features encode this factor; low: they ignore it")
def knn_accuracy(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Live k-NN: accuracy of predicting an image's label from its nearest neighbors among the other probe images. One accuracy per factor.

    Formula: share of the images whose label wins a vote of their 20 nearest neighbors by cosine, fewer in small sets, each vote weighted
      exp(cos / 0.07). In small sets one image of every other class is left out, too, so that random features give the chance level.
    Unit: share, from 0 to 1; chance is the share of the most common class.
    Source: Wu et al., 2018, section 3.4.

    features: (N, D), factors: name -> (N,) labels -> name -> scalar in [0, 1], for factors with enough images. See `voters`.
    """
    return {name: right.float().mean() for name, (right, _) in _voted(features, factors).items()}


@defined("knn_balanced/*", "Live k-NN, mean over classes", "high: rare classes are known, too")
def knn_balanced(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Live k-NN as the mean over classes, for factors of which one class is much more frequent than the others.

    Formula: mean over classes of the share of their images whose label wins the vote of the 20 nearest by cosine.
    Unit: share, from 0 to 1; chance is one over the number of classes.
    Source: Brodersen et al., 2010 (balanced accuracy); Wu et al., 2018, section 3.4.
    """
    factors = {name: labels for name, labels in factors.items() if uneven(labels)}
    return {name: balanced(right, labels) for name, (right, labels) in _voted(features, factors).items()}


def voters(labels: Tensor) -> int:
    """How many neighbors vote: 20, in small sets fewer than the size of the smallest class, which would otherwise always be outvoted."""
    counts = sizes(labels)
    return min(NEIGHBORS, max(int(counts.min()) - 1, int(counts.sum()) // CROWD))


def absent(labels: Tensor) -> Tensor | None:
    """(N,) -> (N, N) which image j has no vote on image i: i itself, and in small sets one image of every other class, in turn.

    If only image i were left out, its class would have one vote less than the others: with two classes of 10 images of noise, the nearest
    image has the same class in 9 of 19 cases. None in large sets and for large classes, where this effect is negligible.
    """
    counts = sizes(labels)
    if int(counts.min()) >= SMALL or int(counts.sum()) >= CROWD * NEIGHBORS:
        return None
    known = F.one_hot(labels.clamp(min=0)) * (labels >= 0)[:, None]
    size, turn = (known * known.sum(0)).sum(1), (known * known.cumsum(0)).sum(1) - 1
    return (turn[:, None] % size.clamp(min=1) == turn) & (labels >= 0) & (labels >= 0)[:, None]


def _voted(features: Tensor, factors: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """name -> for the evaluated images, whether the vote was right, and their labels."""
    known = {name: labels for name, labels in factors.items() if not too_few(labels)}
    if not known:
        return {}
    z = unit(features)
    cosine = (z @ z.T).fill_diagonal_(-2)
    all_but_itself = cosine.topk(min(NEIGHBORS, len(z) - 1))
    results = {}
    for name, labels in known.items():
        evaluated, k, left_out = evaluable(labels), voters(labels), absent(labels)
        near, rows = all_but_itself if left_out is None else cosine.masked_fill(left_out, -2).topk(k)
        weights = ((near - 1) / TEMPERATURE).exp()
        results[name] = _vote(labels[rows[evaluated, :k]], weights[evaluated, :k], labels[evaluated]), labels[evaluated]
    return results


def _vote(votes: Tensor, weights: Tensor, labels: Tensor) -> Tensor:
    """votes, weights: (M, k), labels: (M,) -> (M,) bool: whether the label with the largest sum of weights is correct."""
    most = int(torch.maximum(votes.max(), labels.max())) + 1
    ballots = F.one_hot(votes.clamp(min=0), most) * (weights * (votes >= 0))[..., None]
    heaviest, winner = ballots.sum(1).max(1)
    return (winner == labels) & (heaviest > 0)


@defined("linear/*", "Linear probe", "high: classes can be separated linearly")
def linear_accuracy(features: Tensor, factors: dict[str, Tensor]) -> dict[str, float]:
    """Accuracy of a ridge classifier on images that it was not fitted on: one number per factor, for factors with enough images.

    Formula: accuracy of a ridge regression from standardized features to one column per class; penalty 1 times D.
    Unit: share, from 0 to 1; chance is the share of the most common class.
    Source: Alain and Bengio, 2017; ridge regression after Hoerl and Kennard, 1970.

    Tested on a random quarter; if a class has few images, on four quarters in turn (cross-validation), stratified by class.
    A ridge classifier is a ridge regression to one column per class, +1 or -1, in closed form, and the largest column wins: factors with
    the same split are fitted at once.
    features: (N, D), factors: name -> (N,) labels -> name -> share in [0, 1].
    """
    together: dict[tuple[int, ...], list[str]] = {}
    for name, labels in factors.items():
        if not too_few(labels):
            together.setdefault(tuple(_quarters(labels).tolist()), []).append(name)
    results: dict[str, float] = {}
    for quarters, names in together.items():
        rows = torch.tensor(quarters, device=features.device)
        evaluated = rows >= 0
        results |= _ridge_accuracy(features[evaluated], {name: factors[name][evaluated] for name in names}, rows[evaluated])
    return {name: results[name] for name in factors if name in results}


def _quarters(labels: Tensor) -> Tensor:
    """(N,) the quarter in which an image is tested, from 0; 4 if it is never tested, -1 if it is left out."""
    evaluated = evaluable(labels)
    order = torch.randperm(int(evaluated.sum()), generator=seeded_generator(0, "split", 0)).to(labels.device)
    quarters = torch.full_like(order, 4)
    if int(sizes(labels).min()) >= MANY:
        quarters[order[: max(1, round(TESTED * len(order)))]] = 0
    else:
        by_class = order[labels[evaluated][order].sort(stable=True).indices]  # quarters in turn within each class
        quarters[by_class] = torch.arange(len(by_class), device=labels.device) % 4
    return torch.full_like(labels, -1).masked_scatter(evaluated, quarters)


def _ridge_accuracy(features: Tensor, factors: dict[str, Tensor], quarters: Tensor) -> dict[str, float]:
    x = _standardized(features)
    columns = [F.one_hot(each).float() * 2 - 1 for each in factors.values()]
    right = {name: 0 for name in factors}
    for number in range(4):
        test = quarters == number
        if not test.any():
            continue
        guesses = _ridge(x[~test], torch.cat(columns, 1)[~test], x[test]).split([each.shape[1] for each in columns], 1)
        for (name, labels), guess in zip(factors.items(), guesses, strict=True):
            right[name] += int((guess.argmax(1) == labels[test]).sum())
    return {name: count / int((quarters < 4).sum()) for name, count in right.items()}


def _standardized(features: Tensor) -> Tensor:
    """(N, D) -> every dimension with mean 0 and standard deviation 1, or 0 if it does not vary."""
    x = features.float() - features.float().mean(0)
    spread = x.std(0, correction=0)
    return x / spread.where(spread > 1e-6 * features.float().abs().amax(0), torch.inf)


def _ridge(x: Tensor, y: Tensor, new: Tensor) -> Tensor:
    """Ridge regression from x (N, D) to y (N, K), applied to `new` (M, D) -> (M, K). Solved in the smaller of N and D."""
    middle, level = x.mean(0), y.mean(0)
    x, y, new, weight = x - middle, y - level, new - middle, RIDGE * x.shape[1]
    if x.shape[0] >= x.shape[1]:
        return new @ torch.linalg.solve(x.T @ x + weight * torch.eye(x.shape[1], device=x.device), x.T @ y) + level
    return new @ (x.T @ torch.linalg.solve(x @ x.T + weight * torch.eye(x.shape[0], device=x.device), y)) + level
