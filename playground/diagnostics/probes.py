"""What can be read off the features without training anything more. Labels below 0 are missing: such images are not asked about.

Nor are images whose class has no other one. A factor of which there are too few (`labels.too_few`) gets no number.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from playground.definitions import defined
from playground.diagnostics.geometry import unit
from playground.diagnostics.labels import askable, balanced, sizes, too_few, uneven
from playground.randomness import seeded_generator

NEIGHBORS, TEMPERATURE = 20, 0.07
SMALL = 60  # images of the smallest class: with fewer, outside of a crowd, other classes lend no more than the own one does
CROWD = 50  # images for each neighbor that votes: then the image that is asked about, itself left out, is hardly missed in its class
TESTED = 0.25  # of the images, on which a linear probe is judged
MANY = 20  # images of the smallest class: then a quarter drawn at random has its share of each
RIDGE = 1.0  # times the number of dimensions, of standardized features


@defined("knn/*", "Live k-NN", "high for a factor that the network keeps, low for one that it ignores")
def knn_accuracy(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Live k-NN: how often an image's nearest neighbors among the watched images, itself left out, know its label. One accuracy a factor.

    Formula: share of the images whose label wins a vote of their 20 nearest by cosine, fewer in small sets, each vote weighted
      exp(cos / 0.07). In small sets one image of every other class is left out, too, so that chance is met by chance.
    Unit: share, from 0 to 1; chance is the share of the most common class.
    Source: Wu et al., 2018, section 3.4.

    features: (N, D), factors: name -> (N,) labels -> name -> scalar in [0, 1], for factors of which there are enough. See `voters`.
    """
    return {name: right.float().mean() for name, (right, _) in _voted(features, factors).items()}


@defined("knn_balanced/*", "Live k-NN, mean over classes", "high: rare classes are known, too")
def knn_balanced(features: Tensor, factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same as the mean over classes, for factors of which one class is much more common than others. As live k-NN otherwise.

    Formula: mean over classes of the share of their images whose label wins the vote of the 20 nearest by cosine.
    Unit: share, from 0 to 1; chance is one over the number of classes.
    Source: Brodersen et al., 2010 (balanced accuracy); Wu et al., 2018, section 3.4.
    """
    factors = {name: labels for name, labels in factors.items() if uneven(labels)}
    return {name: balanced(right, labels) for name, (right, labels) in _voted(features, factors).items()}


def voters(labels: Tensor) -> int:
    """How many neighbors vote: 20, and in small sets fewer than the smallest class has images, or its own would be outvoted always."""
    counts = sizes(labels)
    return min(NEIGHBORS, max(int(counts.min()) - 1, int(counts.sum()) // CROWD))


def absent(labels: Tensor) -> Tensor | None:
    """(N,) -> (N, N) which image j has no vote on image i: itself, and in small sets one of every other class, each in its turn.

    Itself left out alone, its class would be one short: of 10 and 10 images of noise the nearest is of the own class in 9 cases of 19,
    and never in more than that. None where that is too little to see: in a crowd, or with so many images of each class.
    """
    counts = sizes(labels)
    if int(counts.min()) >= SMALL or int(counts.sum()) >= CROWD * NEIGHBORS:
        return None
    known = F.one_hot(labels.clamp(min=0)) * (labels >= 0)[:, None]
    size, turn = (known * known.sum(0)).sum(1), (known * known.cumsum(0)).sum(1) - 1
    return (turn[:, None] % size.clamp(min=1) == turn) & (labels >= 0) & (labels >= 0)[:, None]


def _voted(features: Tensor, factors: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """name -> of the images that are asked about, whether the vote was right, and their labels."""
    known = {name: labels for name, labels in factors.items() if not too_few(labels)}
    if not known:
        return {}
    z = unit(features)
    cosine = (z @ z.T).fill_diagonal_(-2)
    all_but_itself = cosine.topk(min(NEIGHBORS, len(z) - 1))
    found = {}
    for name, labels in known.items():
        asked, k, left_out = askable(labels), voters(labels), absent(labels)
        near, rows = all_but_itself if left_out is None else cosine.masked_fill(left_out, -2).topk(k)
        weights = ((near - 1) / TEMPERATURE).exp()
        found[name] = _vote(labels[rows[asked, :k]], weights[asked, :k], labels[asked]), labels[asked]
    return found


def _vote(votes: Tensor, weights: Tensor, labels: Tensor) -> Tensor:
    """votes, weights: (M, k), labels: (M,) -> (M,) bool: whether the heaviest label is theirs."""
    most = int(torch.maximum(votes.max(), labels.max())) + 1
    ballots = F.one_hot(votes.clamp(min=0), most) * (weights * (votes >= 0))[..., None]
    heaviest, winner = ballots.sum(1).max(1)
    return (winner == labels) & (heaviest > 0)


@defined("linear/*", "Linear probe", "high: a straight cut through the features tells the classes apart")
def linear_accuracy(features: Tensor, factors: dict[str, Tensor]) -> dict[str, float]:
    """How often a ridge classifier is right about images it was not fitted on: one share a factor, for factors of which there are enough.

    Formula: share of right answers of a ridge regression from standardized features to one column a class; penalty 1 times D.
    Unit: share, from 0 to 1; chance is the share of the most common class.
    Source: Alain and Bengio, 2017; ridge regression after Hoerl and Kennard, 1970.

    Judged on a quarter drawn at random; where a class has few images, on four quarters in turn, each with its share of every class.
    A ridge classifier is a ridge regression to one column a class, +1 or -1, in closed form, and the largest column wins: factors that
    are split alike are fitted at once.
    features: (N, D), factors: name -> (N,) labels -> name -> share in [0, 1].
    """
    together: dict[tuple[int, ...], list[str]] = {}
    for name, labels in factors.items():
        if not too_few(labels):
            together.setdefault(tuple(_quarters(labels).tolist()), []).append(name)
    found: dict[str, float] = {}
    for quarters, names in together.items():
        rows = torch.tensor(quarters, device=features.device)
        asked = rows >= 0
        found |= _read_off(features[asked], {name: factors[name][asked] for name in names}, rows[asked])
    return {name: found[name] for name in factors if name in found}


def _quarters(labels: Tensor) -> Tensor:
    """(N,) which quarter judges an image, from 0 on; 4 where it is never judged, -1 where it is not asked about."""
    asked = askable(labels)
    order = torch.randperm(int(asked.sum()), generator=seeded_generator(0, "split", 0)).to(labels.device)
    quarters = torch.full_like(order, 4)
    if int(sizes(labels).min()) >= MANY:
        quarters[order[: max(1, round(TESTED * len(order)))]] = 0
    else:
        by_class = order[labels[asked][order].sort(stable=True).indices]  # dealt out class by class, like cards
        quarters[by_class] = torch.arange(len(by_class), device=labels.device) % 4
    return torch.full_like(labels, -1).masked_scatter(asked, quarters)


def _read_off(features: Tensor, factors: dict[str, Tensor], quarters: Tensor) -> dict[str, float]:
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
