"""What labels allow to say: how right a guess without looking would be, and whether there are images enough for an accuracy at all.

labels: (N,), below 0 where there is none. A class of which there is one image cannot be asked about: no other one knows it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from playground.datasets.parts import ASKED

LEAST = ASKED
UNEVEN, BEYOND_LUCK = 1.5, 2.0  # the largest class is so many times the mean one, and so many deviations larger than by luck


def askable(labels: Tensor) -> Tensor:
    """(N,) bool: the images that have a label which another one has, too."""
    known = labels >= 0
    counts = labels[known].bincount(minlength=1)
    return known & (counts[labels.clamp(min=0)] > 1)


def sizes(labels: Tensor) -> Tensor:
    """(K,) how many images each class has that can be asked about."""
    counts = labels[askable(labels)].bincount()
    return counts[counts > 0]


def chance(labels: Tensor) -> float:
    """The accuracy of who always names the commonest label, without looking; 0 where nothing can be asked."""
    counts = sizes(labels)
    return int(counts.max()) / int(counts.sum()) if len(counts) else 0.0


def uneven(labels: Tensor) -> bool:
    """Whether the commonest class is so common that accuracy alone says little: beside it stands the mean over classes.

    By luck the largest of K equal classes is about sqrt(2 ln K) deviations (of a binomial number) above the mean.
    """
    counts = sizes(labels).double()
    if len(counts) < 2:
        return False
    mean, most = float(counts.mean()), float(counts.max())
    luck = math.sqrt(2 * math.log(len(counts))) + BEYOND_LUCK
    return most >= UNEVEN * mean and most - mean > luck * math.sqrt(mean * (1 - 1 / len(counts)))


def balanced(right: Tensor, labels: Tensor) -> Tensor:
    """The mean over classes of the share that is right (balanced accuracy; Brodersen et al., 2010). right, labels: (N,) -> scalar."""
    totals = labels.bincount()
    hits = torch.zeros_like(totals, dtype=torch.float32).index_add_(0, labels, right.float())
    return (hits[totals > 0] / totals[totals > 0]).mean()


def too_few(labels: Tensor, images: str = "images") -> str:
    """Why no accuracy is told, as the end of a sentence; "" where there is enough to tell one."""
    counts = sizes(labels)
    count, classes = int(counts.sum()), len(counts)
    if count >= LEAST and classes > 1:
        return ""
    least = f"at least {LEAST} {images} in two classes or more, two of each class"
    return f"needs {least}; there are {count:,} in {classes:,}" if classes else f"needs {least}; there are none"
