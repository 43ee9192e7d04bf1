"""How sure an accuracy is: what its seeds and its test images leave open, as one bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z = 1.959964  # of a normal deviate: 95 %


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share of `count` independent images (Wilson, 1927, equation 8): within [0, 1], also at its ends."""
    center, square = share + Z**2 / (2 * count), Z**2 / count
    half = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return max(0.0, min(share, (center - half) / (1 + square))), min(1.0, max(share, (center + half) / (1 + square)))


def bar(accuracies: Sequence[float], tested: int) -> tuple[float, float]:
    """Where the bar of a mean over seeds ends; of one seed alone it is the 95 % interval of the test.

    tested: how many test images, the same for all seeds; 0 where that is not known.
    Two errors that have nothing to do with each other: which labels, order and initial weights (from the lowest to the highest seed),
    and which test images (Wilson's interval about the mean). Their distances from the mean are squared and added, as Newcombe, 1998
    (method 10) combines intervals. Seeds vary what Bouthillier et al., 2021 (section 2) name as sources of variance.
    """
    mean = sum(accuracies) / len(accuracies)
    low, high = wilson(mean, tested) if tested else (mean, mean)
    return max(0.0, mean - math.hypot(mean - min(accuracies), mean - low)), min(1.0, mean + math.hypot(max(accuracies) - mean, high - mean))
