"""The events of an evaluation: small dataclasses, in the order in which they occur."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Doing:
    """The current activity; done: the finished share of all work, by the estimate of `Protocol.costs`."""

    what: str
    done: float


@dataclass(frozen=True)
class About:
    """What is evaluated. labeled: the number of labels that are 100% for each seed; known: all labels, from which a seed draws these.

    chance: the accuracy of always predicting the most frequent test label. uneven: the classes are so uneven that the mean over classes
    is shown, too.
    """

    data: str
    factor: str
    names: list[str]
    labeled: int
    tested: int
    chance: float
    known: int
    uneven: bool = False


@dataclass(frozen=True)
class Score:
    """The accuracy of one contender on `tested` images. part: labels, robustness, transfer. labeled: the number of its labels.

    For robustness: operator and strength. For transfer: data. chosen: the hyperparameter chosen on held-out labels.
    balanced: the mean over classes of their accuracy.
    """

    part: str
    who: str
    seed: int
    share: float
    labeled: int
    accuracy: float
    operator: str = ""
    strength: float = 0.0
    data: str = ""
    chosen: float | None = None
    tested: int = 0
    balanced: float | None = None


@dataclass(frozen=True)
class Confused:
    """matrix: (C, C) counts of the linear probe with the most labels; rows are true classes."""

    seed: int
    matrix: list[list[int]]


@dataclass(frozen=True)
class Remark:
    """A sentence about a part that could not be measured, with the reason."""

    sentence: str


Event = Doing | About | Score | Confused | Remark
