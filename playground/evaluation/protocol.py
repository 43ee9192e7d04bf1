"""The protocol of an evaluation, checked when it is created."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from playground.datasets import CATALOG

CONTENDERS = {
    "linear": "Linear probe",
    "knn_classifier": "k-NN classifier",
    "tuned": "Fine-tuned",
    "scratch": "From scratch",
    "untrained": "Untrained network + linear",
    "pixels": "Raw pixels + linear",
}
EXTRAS = {"robustness": "Robustness", "transfer": "Transfer"}
PARTS = CONTENDERS | EXTRAS
FORMER = {"knn": "knn_classifier"}  # names in links and documents of earlier versions
BATCH = 128  # images in a step of fine-tuning
RATES = 2  # learning rates that fine-tuning tries first
EMBED, TRAIN = 0.35, 1.0  # cost of one image, in units of training on one image


@dataclass(frozen=True)
class Protocol:
    """parts: names of PARTS. factor: "" for the dataset's first. shares: of the labeled images. labels: their largest number.

    steps: of fine-tuning and of training from scratch. transfer: the other dataset. Raises ValueError for the first invalid value.
    """

    parts: tuple[str, ...] = (*CONTENDERS, "robustness")
    factor: str = ""
    shares: tuple[float, ...] = (0.01, 0.1, 1.0)
    seeds: int = 3
    labels: int = 10_000
    steps: int = 400
    transfer: str = ""

    def __post_init__(self) -> None:
        if not self.parts or (unknown := [each for each in self.parts if each not in PARTS]):
            got = ", ".join(unknown) if self.parts else "nothing"
            raise ValueError(f"parts to evaluate must be among {', '.join(PARTS)}, got {got}")
        if not self.shares or not all(0 < each <= 1 for each in self.shares):
            raise ValueError(f"shares must be numbers above 0 and up to 1, got {', '.join(f'{each:g}' for each in self.shares) or 'none'}")
        for name, low, high in (("seeds", 1, 10), ("labels", 2, 1_000_000), ("steps", 1, 100_000)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}, got {getattr(self, name)}")
        if self.transfer and self.transfer not in labeled_sets():
            raise ValueError(f"transfer must be one of {', '.join(labeled_sets())}, got {self.transfer}")
        if "transfer" in self.parts and not self.transfer:
            raise ValueError("transfer must name another dataset, got none")

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Protocol:
        """From text, as in a command line or an address: parts and shares separated by commas. Missing values get their defaults."""
        read: dict[str, Any] = {name: READERS[name](name, str(value)) for name, value in given.items() if value is not None}
        if read.get("transfer") and "parts" not in read:
            read["parts"] = (*cls.parts, "transfer")
        return cls(**read)

    def words(self) -> dict[str, str]:
        """The inverse of `read`."""
        lists = {"parts": ",".join(self.parts), "shares": ",".join(f"{each:g}" for each in self.shares)}
        return {name: lists.get(name, str(value)) for name, value in asdict(self).items()}

    def costs(self, images: int, tested: int) -> dict[str, float]:
        """The cost of each part in units of training on one image, of which a second has a few thousand. images, tested: their numbers."""
        pool, seeds, shares = min(images, self.labels), self.seeds, len(self.shares)
        shifted = min(tested, 2048)
        tuning = shares * (seeds + RATES) * self.steps * BATCH * TRAIN
        embedding = (seeds * pool + tested) * EMBED
        predictors = len({"linear", "tuned", "scratch", "untrained"} & {*self.parts})
        costs = {"linear": 2 * embedding, "knn_classifier": 0.2 * embedding, "tuned": tuning, "scratch": tuning, "untrained": 2 * embedding}
        costs |= {"pixels": 8 * seeds * pool, "robustness": 16 * shifted * seeds * EMBED * predictors, "transfer": 4 * embedding}
        return {name: costs[name] for name in PARTS if name in self.parts}


def labeled_sets() -> list[str]:
    """The datasets whose training images have labels."""
    return [name for name, each in CATALOG.items() if each.classes]


def _words(name: str, text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


def parts(name: str, text: str) -> tuple[str, ...]:
    """The parts, with old names replaced by current ones."""
    return tuple(dict.fromkeys(FORMER.get(each, each) for each in _words(name, text)))


def _shares(name: str, text: str) -> tuple[float, ...]:
    return tuple(sorted({_number(name, each) for each in _words(name, text)}))


def _number(name: str, text: str) -> float:
    try:
        number = float(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} must be numbers above 0 and up to 1, got {text[:20]}")
    return number


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise ValueError(f"{name} must be a whole number, got {text[:20] or 'nothing'}")
    return int(text)


def _name(name: str, text: str) -> str:
    return text


READERS = {"parts": parts, "factor": _name, "shares": _shares, "seeds": _whole, "labels": _whole, "steps": _whole, "transfer": _name}
