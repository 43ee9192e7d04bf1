"""What an evaluation says while it goes: small dataclasses, in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Doing:
    """What is under way; done: the share of all work that is behind, by the estimate of `Protocol.costs`."""

    what: str
    done: float


@dataclass(frozen=True)
class About:
    """What the numbers are of. labeled: how many labels 100 % is, in each seed; known: how many there are, of which a seed draws these.

    chance: always naming the commonest label of the test. uneven: it is so common that the mean over classes says more.
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
    """The accuracy of one contender on `tested` images. part: labels, robustness, transfer. labeled: how many labels it had.

    Of robustness: operator and strength. Of transfer: data. chosen: the hyperparameter that held-out labels preferred.
    balanced: the mean over classes of the share that is right.
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
    """matrix: (C, C) counts of the linear probe with the most labels; a row a true class."""

    seed: int
    matrix: list[list[int]]


@dataclass(frozen=True)
class Remark:
    """What could not be measured, and why, in a sentence."""

    sentence: str


Event = Doing | About | Score | Confused | Remark
