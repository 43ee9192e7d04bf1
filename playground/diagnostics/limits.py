"""The limits of the collapse judge, in one place: its rules, the bars on the pages and the figure of its margins all read them here.

Each limit has two edges. A value beyond the first is evidence for a failure; beyond the second it is evidence against it. Between
the edges is the gray zone: a failure that was found before remains, a run that was called healthy remains so for half of the way,
and otherwise the verdict is "unclear". `ssl-playground judge` shows how far the values of healthy and of broken runs are from both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Limit:
    """A value on this `side` of `fails` is evidence for a failure; one on the other side of `clears` is evidence against it."""

    side: Literal["below", "above"]
    fails: float
    clears: float

    def met(self, value: float) -> bool:
        """Whether the value is evidence for the failure."""
        return value < self.fails if self.side == "below" else value > self.fails

    def near(self, value: float) -> bool:
        """Whether the value does not exclude the failure: it is evidence for it, or lies in the gray zone."""
        return value < self.clears if self.side == "below" else value > self.clears

    def nearer(self, value: float) -> bool:
        """Whether the value is more than half of the way (by ratio) from the second edge to the first."""
        middle = math.sqrt(self.fails * self.clears)
        return value < middle if self.side == "below" else value > middle


# Share of the healthy spread: below it the features of all images are nearly equal. Losses spread the projector's features; a backbone
# without a projector may keep a large part that all images share: with random weights its spread is 8% or more, often for long.
SPREAD = {"projector": Limit("below", 0.15, 0.25), "backbone": Limit("below", 0.04, 0.06)}
FIXED_TARGETS = Limit("below", 0.002, 0.004)  # the same if fixed targets keep features apart: they may be close for long, but not equal
NARROW, NARROW_CLEARS, WIDE = 0.05, 0.1, 64  # shares of the dimensions, of at most WIDE: wider layers need not be filled
ONE_DIRECTION = Limit("below", 1.15, 1.5)  # participation ratio of a projector: below it nearly all of its variance is in one direction
UNDECIDED = Limit("above", 0.97, 0.95)  # share of ln K: above it every image is spread evenly over all bins
MOVED = Limit("below", 0.1, 0.15)  # 1 - CKA with the start: below it nothing was learned
APART = Limit("below", 0.3, 0.35)  # view agreement: below it two views of an image are hardly closer than two images
AGREED = 0.9  # view agreement: above it the network has solved the task of matching views
EXPLAINED = Limit("above", 0.35, 0.3)  # share of the features' variance: above it, one nuisance dominates the features
EXPLAINED_ALONE = Limit("above", 0.6, 0.5)  # the same if views do not agree, or if no labels show whether anything else was learned
OWN_SHARE = Limit("below", 1.6, 2.0)  # variance explained by the dataset's main factor / that at the start: above it, it was learned
RISEN = Limit("above", 2.0, 1.5)  # rise of the loss above its start, in units of its height there
OF_ROOM = 1 / 3  # of the distance from the start to the highest loss: the unit if it is smaller, so that 2/3 of this distance fails
LEAST_LOSS = 0.1  # the smallest unit: for a loss that begins at its lowest value
DIFFERENT = Limit("below", 0.01, 0.02)  # share of a pixel's range: below it two images are the same
DISTINCT = Limit("below", 0.1, 0.2)  # share of the probe images: below it nearly all are copies of others
DETAIL = Limit("below", 0.005, 0.01)  # variation within one image, share of a pixel's range: below it the image is empty
GAIN, ERRORS = 0.05, 2  # of k-NN accuracy: less than GAIN, or than ERRORS standard errors, is no gain
HALF = 0.5  # of that gain: enough to keep the previous verdict, or if the main factor also explains more than before
QUARTER = 0.25  # of that gain: from here on, the variance explained by the main factor is checked before "no learning" is stated
SETTLING = 30  # steps before which there is no verdict: the running statistics of batch normalization still lag behind
UNFOLDING = 50  # steps before which features of a healthy run may still lie along one line
PATIENCE = 100  # steps before which a run need not have learned anything yet


def rank_limit(most: int) -> Limit:
    """The limit on the effective dimensions of a layer whose features can span `most`: below it they fill only a small part of them."""
    return Limit("below", NARROW * min(most, WIDE), NARROW_CLEARS * min(most, WIDE))


def bin_limit(count: int) -> Limit:
    """The limit on the bins in use, of `count`: below it all images are in one or two. It is lower for few bins, which are rarely all
    used."""
    fails = min(2.0, math.sqrt(count))
    return Limit("below", fails, 1.25 * fails)


def bar_limits(sizes: dict[str, int], images: int, guarded: bool) -> dict[str, dict[str, Any]]:
    """The judge's limits for the colors of the bars on pages: layer -> {"spread", "rank": [fails, clears], "most": dimensions}.

    sizes: layer -> D; images: the number of different ones in the probe set; guarded: whether the method can collapse.
    """
    limits = {}
    for layer, size in sizes.items():
        most = max(1, min(size, images - 1))
        spread, rank = SPREAD[layer] if guarded else FIXED_TARGETS, rank_limit(most)
        limits[layer] = {"spread": [spread.fails, spread.clears], "rank": [rank.fails, rank.clears], "most": most}
    return limits


def gain_limits() -> dict[str, float]:
    """The smallest increase of an accuracy that counts as a gain, for the page: its minimum, and the number of standard errors."""
    return {"least": GAIN, "errors": ERRORS}
