"""The uncertainty of an accuracy, from its seeds and its test images, as one bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z = 1.959964  # quantile of the normal distribution for 95%


def wilson(share: float, count: int) -> tuple[float, float]:
    """The 95% score interval of a share of `count` independent images (Wilson, 1927, equation 8): within [0, 1], also at its ends."""
    center, square = share + Z**2 / (2 * count), Z**2 / count
    half = Z * math.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    return max(0.0, min(share, (center - half) / (1 + square))), min(1.0, max(share, (center + half) / (1 + square)))


def bar(accuracies: Sequence[float], tested: int) -> tuple[float, float]:
    """The ends of the bar of a mean over seeds; for a single seed it is the 95% interval of the test.

    tested: the number of test images, the same for all seeds; 0 if it is not known.
    Two independent errors: the choice of labels, order and initial weights (from the lowest to the highest seed), and
    the choice of test images (Wilson's interval around the mean). Their distances from the mean are squared and added, as Newcombe, 1998
    (method 10) combines intervals. Seeds vary the sources of variance of Bouthillier et al., 2021 (section 2).
    """
    mean = sum(accuracies) / len(accuracies)
    low, high = wilson(mean, tested) if tested else (mean, mean)
    return max(0.0, mean - math.hypot(mean - min(accuracies), mean - low)), min(1.0, mean + math.hypot(max(accuracies) - mean, high - mean))
