"""What can be read off the features without training anything more. Labels below 0 are missing: such images are not asked about."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.geometry import unit
from playground.randomness import stream

NEIGHBORS, TEMPERATURE = 20, 0.07
TESTED = 0.25  # of the images, on which a linear probe is judged
RIDGE = 1.0  # times the number of dimensions, of standardized features


@defined("knn/*", "k-NN accuracy", "high for a factor that the network keeps, low for one that it ignores")
def knn_accuracy(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """How often an image's nearest neighbors among the watched images, itself left out, know its label: one accuracy a factor.

    Formula: share of the images whose label wins a vote of the 20 nearest by cosine, each vote weighted exp(cos / 0.07).
    Unit: share, from 0 to 1; chance is one over the number of classes.
    Source: Wu et al., 2018, section 3.4.

    features: (N, D), factors: name -> (N,) labels -> name -> scalar in [0, 1].
    """
    z = unit(features)
    cosine, rows = (z @ z.T).fill_diagonal_(-2).topk(min(NEIGHBORS, len(z) - 1))
    weights = ((cosine - 1) / TEMPERATURE).exp()
    return {name: _vote(labels[rows], weights, labels) for name, labels in factors.items()}


def _vote(votes: Tensor, weights: Tensor, labels: Tensor) -> Tensor:
    """votes, weights: (N, k) -> of the rows that have a label, the share whose heaviest label is theirs; 0 where none has one."""
    ballots = F.one_hot(votes.clamp(min=0), int(labels.max().clamp(min=0)) + 1) * (weights * (votes >= 0))[..., None]
    heaviest, winner = ballots.sum(1).max(1)
    return ((winner == labels) & (heaviest > 0)).float().sum() / (labels >= 0).sum().clamp(min=1)


@defined("linear/*", "Linear probe", "high: a straight cut through the features tells the classes apart")
def linear_accuracy(features: Tensor, factors: dict[str, Tensor]) -> dict[str, float]:
    """How often a ridge classifier is right about images it was not fitted on, a quarter of them: one share a factor.

    Formula: share of right answers of a ridge regression from standardized features to one column a class; penalty 1 times D.
    Unit: share, from 0 to 1; chance is one over the number of classes.
    Source: Alain and Bengio, 2017; ridge regression after Hoerl and Kennard, 1970.

    0 where fewer than two images have a label. A ridge classifier is a ridge regression to one column a class, +1 or -1, in closed
    form, and the largest column wins: factors whose labels stand on the same images are fitted at once.
    features: (N, D), factors: name -> (N,) labels -> name -> share in [0, 1].
    """
    together: dict[tuple[bool, ...], list[str]] = {}
    for name, labels in factors.items():
        together.setdefault(tuple((labels >= 0).tolist()), []).append(name)
    found: dict[str, float] = {}
    for known, names in together.items():
        rows = torch.tensor(known, device=features.device)
        found |= _read_off(features[rows], {name: factors[name][rows] for name in names})
    return {name: found[name] for name in factors}


def _read_off(features: Tensor, factors: dict[str, Tensor]) -> dict[str, float]:
    if len(features) < 2:
        return dict.fromkeys(factors, 0.0)
    order = torch.randperm(len(features), generator=stream(0, "split", 0)).to(features.device)
    test, fit = order[: max(1, round(TESTED * len(order)))], order[max(1, round(TESTED * len(order))) :]
    columns = [F.one_hot(each).float() * 2 - 1 for each in factors.values()]
    x = _standardized(features)
    guesses = _ridge(x[fit], torch.cat(columns, 1)[fit], x[test]).split([each.shape[1] for each in columns], 1)
    return {
        name: float((guess.argmax(1) == labels[test]).float().mean())
        for (name, labels), guess in zip(factors.items(), guesses, strict=True)
    }


def _standardized(features: Tensor) -> Tensor:
    """(N, D) -> every dimension with mean 0 and deviation 1, or 0 where it does not vary."""
    x = features.float() - features.float().mean(0)
    spread = x.std(0, correction=0)
    return x / spread.where(spread > 1e-6 * features.float().abs().amax(0), torch.inf)


def _ridge(x: Tensor, y: Tensor, asked: Tensor) -> Tensor:
    """What a ridge regression from x (N, D) to y (N, K) says of `asked` (M, D) -> (M, K). Solved in the smaller of N and D."""
    middle, level = x.mean(0), y.mean(0)
    x, y, asked, weight = x - middle, y - level, asked - middle, RIDGE * x.shape[1]
    if x.shape[0] >= x.shape[1]:
        return asked @ torch.linalg.solve(x.T @ x + weight * torch.eye(x.shape[1], device=x.device), x.T @ y) + level
    return asked @ (x.T @ torch.linalg.solve(x @ x.T + weight * torch.eye(x.shape[0], device=x.device), y)) + level
