"""Labels: the accuracy of a guess, and whether there are enough images for an accuracy at all.

labels: (N,), below 0 if missing. A class with a single image cannot be evaluated, because no other image has its label.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from playground.datasets.parts import EVALUABLE

LEAST = EVALUABLE
UNEVEN, BEYOND_LUCK = 1.5, 2.0  # the largest class: times the mean size, and standard deviations above what chance explains


def evaluable(labels: Tensor) -> Tensor:
    """(N,) bool: the images whose label another image has, too."""
    known = labels >= 0
    counts = labels[known].bincount(minlength=1)
    return known & (counts[labels.clamp(min=0)] > 1)


def sizes(labels: Tensor) -> Tensor:
    """(K,) the number of evaluable images of each class."""
    counts = labels[evaluable(labels)].bincount()
    return counts[counts > 0]


def chance(labels: Tensor) -> float:
    """The accuracy of always predicting the most frequent label; 0 if no image can be evaluated."""
    counts = sizes(labels)
    return int(counts.max()) / int(counts.sum()) if len(counts) else 0.0


def uneven(labels: Tensor) -> bool:
    """Whether one class is so frequent that accuracy alone is misleading; then the mean over classes is shown with it.

    By chance, the largest of K equal classes is about sqrt(2 ln K) standard deviations (of a binomial number) above the mean.
    """
    counts = sizes(labels).double()
    if len(counts) < 2:
        return False
    mean, most = float(counts.mean()), float(counts.max())
    luck = math.sqrt(2 * math.log(len(counts))) + BEYOND_LUCK
    return most >= UNEVEN * mean and most - mean > luck * math.sqrt(mean * (1 - 1 / len(counts)))


def balanced(right: Tensor, labels: Tensor) -> Tensor:
    """The mean over classes of their accuracy (balanced accuracy; Brodersen et al., 2010). right, labels: (N,) -> scalar."""
    totals = labels.bincount()
    hits = torch.zeros_like(totals, dtype=torch.float32).index_add_(0, labels, right.float())
    return (hits[totals > 0] / totals[totals > 0]).mean()


def too_few(labels: Tensor, images: str = "images") -> str:
    """Why no accuracy is given, as the end of a sentence; "" if there are enough images."""
    counts = sizes(labels)
    count, classes = int(counts.sum()), len(counts)
    if count >= LEAST and classes > 1:
        return ""
    least = f"at least {LEAST} {images} in two classes or more, two of each class"
    return f"needs {least}; there are {count:,} in {classes:,}" if classes else f"needs {least}; there are none"
