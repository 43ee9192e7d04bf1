"""The images whose labels are used: the same for every contender of a seed, and nested, smaller shares within larger ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from playground.datasets import Images
from playground.diagnostics.labels import LEAST, uneven
from playground.evaluation.protocol import labeled_sets
from playground.randomness import seeded_generator

HELD_OUT = 0.2  # share of the labeled images for the choice of hyperparameters
DRAWN = 0.8  # largest share of the labeled images that one seed uses: each seed draws its own


class NoLabels(ValueError):  # noqa: N818
    """There are no labels for training or for the test; one sentence says what is missing."""


@dataclass(frozen=True)
class Task:
    """One factor of a dataset. pixels: (N, 3, H, W) uint8 with labels (N,), and the same for the test, on which nothing is fitted.

    untaught: a sentence about test images that are left out because no training image has their label.
    """

    data: str
    factor: str
    names: list[str]
    pixels: Tensor
    labels: Tensor
    test_pixels: Tensor
    test_labels: Tensor
    untaught: str = ""

    @property
    def uneven(self) -> bool:
        """Whether one class is much more frequent in the test than others."""
        return uneven(self.test_labels)

    @property
    def rare(self) -> str:
        """A sentence about classes with too few test images for shares in the confusion matrix; "" if there are none."""
        counts = self.test_labels.bincount()
        counts = counts[counts > 0]
        few = int((counts < LEAST).sum())
        have = f"{few:,} of {len(counts):,} classes {'has' if few == 1 else 'have'} fewer than {LEAST} test images"
        return (few and f"{have}: for these, confusions are counted, and no share is given.") or ""

    @property
    def chance(self) -> float:
        """The accuracy of always predicting the most frequent test label."""
        return float(self.test_labels.bincount().max() / len(self.test_labels))


def task_of(data: str, train: Images, test: Images, factor: str = "") -> Task:
    """The labeled part of both. factor: "" for the first one. Raises NoLabels, and ValueError for an unknown factor."""
    known = [name for name in train.factors if name in test.factors]
    if factor and factor not in known and known:
        raise ValueError(f"factor of {data} must be one of {', '.join(known)}, got {factor}")
    name = factor or next(iter(known), "")
    parts = [_labeled(images, name) for images in (train, test)]
    if not name or any(not len(labels) for _, labels in parts):
        which = "images" if not name or not len(parts[1][1]) else "training images"
        raise NoLabels(f"{data} must have labels for an evaluation, got {which} without; datasets with labels: {', '.join(labeled_sets())}")
    (pixels, labels), (test_pixels, test_labels) = parts
    if len(labels.unique()) < 2:
        only = train.names.get(name, ["?"])[int(labels[0])]
        raise NoLabels(f"{name} of {data} must have two classes or more, got one: {only}")
    taught = torch.isin(test_labels, labels)
    untaught = "" if taught.all() else f"{int((~taught).sum()):,} test images are left out: no training image has their {name}."
    test_pixels, test_labels = (test_pixels, test_labels) if taught.all() else (test_pixels[taught], test_labels[taught])
    classes = len(test_labels.unique())
    if len(test_labels) < LEAST or classes < 2:
        least = f"{data} must have at least {LEAST} labeled test images of two classes or more for an evaluation"
        raise NoLabels(f"{least}, got {len(test_labels)} in {classes}{f': {untaught[:-1]}' if untaught else ''}")
    count = 1 + int(labels.max())
    names = (train.names.get(name, []) + [str(each) for each in range(count)])[: max(count, len(train.names.get(name, [])))]
    return Task(data, name, names, pixels, labels, test_pixels, test_labels, untaught)


def _labeled(images: Images, factor: str) -> tuple[Tensor, Tensor]:
    labels = images.factors.get(factor, torch.full((len(images),), -1)).cpu()
    rows = (labels >= 0).nonzero()[:, 0]
    return (images.pixels if len(rows) == len(images) else images.pixels[rows]), labels[rows]


def places(labels: Tensor, generator: torch.Generator) -> Tensor:
    """The rank of each image within its class, in random order: labels (N,) -> (N,)."""
    order = torch.randperm(len(labels), generator=generator)
    ranks = torch.empty_like(labels)
    for label in labels.unique():
        rows = order[labels[order] == label]
        ranks[rows] = torch.arange(len(rows))
    return ranks


def subset(labels: Tensor, share: float, seed: int, purpose: str = "labels") -> Tensor:
    """Sorted rows of a share of each class, rounded, at least one. A smaller share of the same seed is a subset of a larger one."""
    counts = labels.bincount()
    wanted = (counts * share + 0.5).floor().clamp(min=1)
    return (places(labels, seeded_generator(seed, f"evaluation {purpose}", 0)) < wanted[labels]).nonzero()[:, 0]


def pool(labels: Tensor, limit: int, seed: int) -> Tensor:
    """The rows whose labels a seed uses, stratified by class: about `limit`, and at most DRAWN of all, so that seeds differ.

    Seeds share images, so they agree more than with new images: their spread is a lower bound.
    """
    return subset(labels, min(limit / len(labels), DRAWN), seed, "pool")


def too_few(labels: Tensor, share: float) -> str:
    """Why this share of the labels is left out, as a sentence; "" if it has one image per class."""
    classes, count = len(labels.unique()), share * len(labels)
    if count + 0.5 >= classes:
        return ""
    must = f"{100 * share:.3g}% of {len(labels):,} labels must be at least one for each of {classes} classes"
    return f"{must}, got {count:.3g}: this share is left out."


def held_out(labels: Tensor, seed: int) -> Tensor:
    """The labeled images for the choice of hyperparameters: (N,) bool, a fifth of each class, but never all of a class."""
    counts = labels.bincount()
    wanted = torch.minimum((counts * HELD_OUT + 0.5).floor().clamp(min=1), (counts - 1).clamp(min=0))
    return places(labels, seeded_generator(seed, "evaluation validation", 0)) < wanted[labels]
