"""The limits of the collapse judge, in one place: its rules, the bars on the pages and the figure of its margins all read them here.

Each limit has two edges. Beyond the first a value speaks for a failure; beyond the second it speaks against it. Between them lies the
gray zone: a failure that was named before stands, a run that was called healthy stays so half the way, and else the judge says
"unclear". `ssl-playground judge` draws how far the values of healthy and of broken runs stay from both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Limit:
    """A value on this `side` of `speaks` is evidence of a failure; one on the other side of `clears` is evidence against it."""

    side: Literal["below", "above"]
    speaks: float
    clears: float

    def met(self, value: float) -> bool:
        """Whether the value speaks for the failure."""
        return value < self.speaks if self.side == "below" else value > self.speaks

    def near(self, value: float) -> bool:
        """Whether the value does not clear the run: it speaks for the failure, or lies in the gray zone."""
        return value < self.clears if self.side == "below" else value > self.clears

    def nearer(self, value: float) -> bool:
        """Whether the value is more than half the way (by ratio) from the edge that clears the run to the one that speaks."""
        middle = math.sqrt(self.speaks * self.clears)
        return value < middle if self.side == "below" else value > middle


# Of the healthy spread: below it all images look alike to the network. Projectors are spread by their losses; a backbone that no
# projector follows may keep a large part that all images share: at random weights it has 8 % and more, and may keep that for long.
SPREAD = {"projector": Limit("below", 0.15, 0.25), "backbone": Limit("below", 0.04, 0.06)}
STILL_ALIVE = Limit("below", 0.002, 0.004)  # the same where fixed targets keep features apart: they may be close for long, but not equal
NARROW, NARROW_CLEARS, WIDE = 0.05, 0.1, 64  # of the dimensions, but of no more than so many: wider layers need not be filled
ONE_DIRECTION = Limit("below", 1.15, 1.5)  # participation ratio of a projector: below it nearly all of its variance is along one line
UNDECIDED = Limit("above", 0.97, 0.95)  # of ln K: above it every image is in all bins alike
MOVED = Limit("below", 0.1, 0.15)  # 1 - CKA with the start: less is not learning
APART = Limit("below", 0.3, 0.35)  # view agreement: below it two views of an image are hardly closer than two images
AGREED = 0.9  # view agreement: above it the network has solved the task of telling whose view it sees
EXPLAINED = Limit("above", 0.35, 0.3)  # of the features' variance: above it one nuisance tells most of what they say
EXPLAINED_ALONE = Limit("above", 0.6, 0.5)  # the same where views do not agree, or no labels say whether anything else was learned
OWN_SHARE = Limit("below", 1.6, 2.0)  # variance explained by the data set's subject, times that at the start: above it, it was learned
RISEN = Limit("above", 2.0, 1.5)  # how far the loss has risen above its start, in units of how large it was there
OF_ROOM = 1 / 3  # of the way from there to the highest loss there is: the unit where it is less, so that two thirds of the way speak
LEAST_LOSS = 0.1  # no smaller unit than this: a loss that begins at its lowest must rise by something
DIFFERENT = Limit("below", 0.01, 0.02)  # of the range of a pixel: below it two pictures are the same
DISTINCT = Limit("below", 0.1, 0.2)  # of the probe images: below it nearly all are copies of others
DETAIL = Limit("below", 0.005, 0.01)  # the same within one picture: below it there is nothing to see
GAIN, ERRORS = 0.05, 2  # of k-NN accuracy: less than that, or than so many of its standard errors, is no gain
HALF = 0.5  # of that gain: enough for what was said to stand, or where the subject also explains more than before
QUARTER = 0.25  # of that gain: from here on, what the subject explains is asked too before it is said that nothing was learned
SETTLING = 30  # steps before which nothing is said: running statistics of batch norm still lag behind
UNFOLDING = 50  # steps before which features of a healthy run may still lie along one line
PATIENCE = 100  # steps before which it is no wonder that nothing is learned yet


def rank_limit(most: int) -> Limit:
    """Effective dimensions of a layer whose features can span `most`: below it they live in a thin slice of their space."""
    return Limit("below", NARROW * min(most, WIDE), NARROW_CLEARS * min(most, WIDE))


def bin_limit(count: int) -> Limit:
    """Bins in use of `count`: below it all images are in one, or in two. A few bins are never all in use at once."""
    speaks = min(2.0, math.sqrt(count))
    return Limit("below", speaks, 1.25 * speaks)


def bar_limits(sizes: dict[str, int], images: int, guarded: bool) -> dict[str, dict[str, Any]]:
    """What the bars of the pages are colored by, as the judge has it: layer -> {"spread", "rank": [speaks, clears], "most": dimensions}.

    sizes: layer -> D; images: different ones in the probe set; guarded: whether the method can collapse.
    """
    found = {}
    for layer, size in sizes.items():
        most = max(1, min(size, images - 1))
        spread, rank = SPREAD[layer] if guarded else STILL_ALIVE, rank_limit(most)
        found[layer] = {"spread": [spread.speaks, spread.clears], "rank": [rank.speaks, rank.clears], "most": most}
    return found


def gain_limits() -> dict[str, float]:
    """What counts as a gain of an accuracy, for the page: the least of it, and how many standard errors."""
    return {"least": GAIN, "errors": ERRORS}
