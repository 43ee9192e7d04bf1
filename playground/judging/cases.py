"""Runs with known outcomes, from which the rules of the collapse judge were made, and with which it is tested.

home_cases      on `shapes`, every method with safeguards, unchanged and with each safeguard off; the rules were made on these
outside_cases   the same on real images, with every setting given, over several seeds; runs of seed `HELD_OUT` are never used
                to make rules

The expected verdict follows from the intervention: the file of a method states the failure without each safeguard. If the outcome is
not known beforehand ("the learning rate is 0.3"), the independent check in `witness` decides it, or it stays open (`OPEN`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from playground.config import RunConfig, knobs_for
from playground.methods import CATALOG

STEPS = 300
OPEN = "open"  # unknown: judged and listed, but not counted
ASK = "ask the witness"  # healthy if it learned, otherwise failed
SICK = "sick"  # any state except healthy is correct
STATES = (
    "healthy",
    "complete collapse",
    "dimensional collapse",
    "projector collapse",
    "cluster collapse",
    "one-hot teacher",
    "uniform teacher",
    "shortcut",
    "no learning",
    "divergence",
    "unclear",
)
SMALL = {"network": "resnet-tiny", "batch_size": 128}
NO_COLOR = {"augment.jitter_probability": 0, "augment.grayscale_probability": 0}


@dataclass(frozen=True)
class Case:
    """One run and the expected verdict; `OPEN` if it is not known beforehand."""

    name: str
    settings: dict[str, Any]
    expected: str

    @property
    def config(self) -> RunConfig:
        """The complete config."""
        return RunConfig(**{"steps": STEPS, "device": "cpu"} | self.settings)

    @property
    def data(self) -> str:
        """The name of its dataset."""
        return str(self.settings.get("data", "shapes"))

    @property
    def held_out(self) -> bool:
        """Whether it must not be used to make rules."""
        return self.data != "shapes" and self.settings.get("seed") == HELD_OUT


def cases() -> list[Case]:
    """All of them."""
    return [*home_cases(), *outside_cases()]


def home_cases() -> list[Case]:
    """Every method with safeguards: unchanged, without each safeguard, without color jitter, with a tiny learning rate, small; and
    extremes."""
    found = []
    for name, method in CATALOG.items():
        safeguards = [each for each in knobs_for(method=name) if each.without]
        if not safeguards:
            continue
        found.append(Case(f"{name}", {"method": name}, "healthy"))
        found += [Case(f"{name} without {each.title}", {"method": name, each.key: False}, _named(each.without)) for each in safeguards]
        if method.views > 1:
            small = {"method": name} | SMALL
            found.append(Case(f"{name}, small, seed 1", small | {"seed": 1}, "healthy"))
            found.append(Case(f"{name}, small, no color jitter", small | NO_COLOR, "shortcut"))
            found.append(Case(f"{name}, small, learning rate 1e-6", small | {"optimizer.learning_rate": 1e-6}, "no learning"))
    return found + [Case(name, settings, expected) for name, expected, settings in EXTREMES]


def _named(without: str | None) -> str:
    """The failure that a safeguard names, if it is one of the states."""
    return without if without in STATES else OPEN


EXTREMES = (
    ("simclr, small, temperature 0.01", OPEN, {"method": "simclr", "method.temperature": 0.01} | SMALL),
    ("simclr, learning rate x 100", OPEN, {"method": "simclr", "optimizer.learning_rate": 0.3}),
    ("moco, small, momentum 0", OPEN, {"method": "moco", "method.momentum": 0} | SMALL),
    ("byol, small, momentum 0", OPEN, {"method": "byol", "method.momentum": 0} | SMALL),
    ("byol, small, momentum 1", OPEN, {"method": "byol", "method.momentum": 1} | SMALL),
    ("dino, small, momentum 1", OPEN, {"method": "dino", "method.momentum": 1} | SMALL),
    ("vicreg, small, variance weight 0", "complete collapse", {"method": "vicreg", "method.variance_weight": 0} | SMALL),
    ("align-uniform, small, uniformity weight 0", "complete collapse", {"method": "align-uniform", "method.uniformity_weight": 0} | SMALL),
    *(
        (f"{name}, small, SGD at 10", OPEN, {"method": name, "optimizer": "sgd", "optimizer.learning_rate": 10} | SMALL)
        for name in ("simclr", "byol", "swav", "barlow-twins", "autoencoder")
    ),
    ("vicreg, small, SGD at 10", "divergence", {"method": "vicreg", "optimizer": "sgd", "optimizer.learning_rate": 10} | SMALL),
    ("mae, learning rate x 100", OPEN, {"method": "mae", "optimizer.learning_rate": 0.5}),
)

SEEDS, HELD_OUT = (0, 1, 2), 2
BASE = {  # of every run on real images, so that later changes of defaults do not affect them
    "network": "resnet-tiny",
    "optimizer": "adamw",
    "optimizer.learning_rate": 0.003,
    "optimizer.weight_decay": 1e-4,
    "optimizer.warmup_fraction": 0.05,
    "augment.flip_probability": 0.5,
    "augment.jitter_probability": 0.8,
    "augment.brightness": 0.4,
    "augment.contrast": 0.4,
    "augment.blur_probability": 0.0,
    "batch_size": 64,
    "steps": 100,
}
OUTSIDE = {  # datasets of real images, and their settings
    "cifar10": {
        "augment.crop_scale_min": 0.2,
        "augment.saturation": 0.4,
        "augment.hue": 0.1,
        "augment.grayscale_probability": 0.2,
    },
    "fashion-mnist": {
        "augment.crop_scale_min": 0.3,
        "augment.saturation": 0.0,
        "augment.hue": 0.0,
        "augment.grayscale_probability": 0.0,
    },
}
PAINT = {"augment.crop_scale_min": 0.6, "augment.jitter_probability": 0.0, "augment.grayscale_probability": 0.0}
WILD = {"optimizer": "sgd", "optimizer.learning_rate": 10}
STILL = {"optimizer.learning_rate": 1e-6}
SLOW = {"steps": 160}  # for failures that take longer


def _healthy() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Common settings. The witness confirms whether a short run learns with them."""
    found: dict[str, dict[str, Any]] = {
        "simclr": {},
        "vicreg": {"method.projection_size": 256},
        "byol": {"optimizer.learning_rate": 0.002},
        "simclr, projector of 2048": {"method.projection_size": 2048},
        "moco": {"optimizer.learning_rate": 0.0015, "method.temperature": 0.2, "method.queue_size": 1024},
        "barlow-twins": {},
        "simclr, batch 32": {"batch_size": 32, "steps": 160},
        "swav": {"method.prototypes": 64, "method.temperature": 0.1, "method.epsilon": 0.02},
        "simsiam": {"method.projection_size": 64},
        "align-uniform": {},
        "simclr, temperature 1": {"method.temperature": 1.0},
        "dino": {},
        "rotation": {"optimizer.learning_rate": 0.002},
        "simclr, batch 256": {"batch_size": 256},
        "npair": {},
        "simclr, temperature 0.05": {"method.temperature": 0.05},
        "vicreg, projector of 1024": {"method.projection_size": 1024},
        "lifted": {},
        "simclr, vit-tiny": {"network": "vit-tiny", "optimizer.learning_rate": 0.001},
        "triplet": {},
        "mae": {"network": "vit-tiny", "optimizer.learning_rate": 0.002} | PAINT,
        "simclr, resnet-small": {"network": "resnet-small"},
        "simclr, batch 512": {"batch_size": 512},
    }
    for name, more in found.items():
        yield name, "healthy", {"method": name.partition(",")[0]} | more


def _broken() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A safeguard off, a learning rate near zero, or steps that are far too large."""
    without = (
        ("simclr", "negatives", "complete collapse"),
        ("byol", "predictor", "complete collapse"),
        ("barlow-twins", "redundancy", "dimensional collapse"),
        ("swav", "sinkhorn", "cluster collapse"),
        ("dino", "centering", "one-hot teacher"),
        ("simsiam", "stop_gradient", "complete collapse"),
        ("vicreg", "covariance", "dimensional collapse"),
        ("dino", "sharpening", "uniform teacher"),
        ("moco", "negatives", "complete collapse"),
        ("vicreg", "variance", "complete collapse"),
        ("byol", "stop_gradient", "dimensional collapse"),
        ("align-uniform", "uniformity", "complete collapse"),
        ("simsiam", "predictor", "complete collapse"),
        ("npair", "negatives", "complete collapse"),
        ("align-uniform", "alignment", "no learning"),
    )
    more: dict[str, dict[str, Any]] = {"moco": {"optimizer.learning_rate": 0.0015}, "byol": {"optimizer.learning_rate": 0.002} | SLOW}
    more["simsiam"] = SLOW
    for name, safeguard, expected in without:
        yield f"{name} without {safeguard}", expected, {"method": name, f"method.{safeguard}": False} | more.get(name, {})
    for name in ("simclr", "byol", "vicreg"):
        yield f"{name}, learning rate 1e-6", "no learning", {"method": name} | STILL
    for name in ("vicreg", "autoencoder"):
        yield f"{name}, SGD at 10", "divergence", {"method": name} | WILD


def _unsure() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Settings with unknown outcome: the witness decides."""
    for name in ("simclr", "byol", "vicreg", "barlow-twins"):
        yield f"{name}, learning rate 0.3", ASK, {"method": name, "optimizer.learning_rate": 0.3}
    yield "swav, 5 prototypes", ASK, {"method": "swav", "method.prototypes": 5, "method.temperature": 0.1, "method.epsilon": 0.02}
    yield "simclr, temperature 0.02", ASK, {"method": "simclr", "method.temperature": 0.02}
    yield "mae, learning rate 0.5", ASK, {"method": "mae", "network": "vit-tiny", "optimizer.learning_rate": 0.5} | PAINT
    yield "swav, learning rate 0.03", ASK, {"method": "swav", "optimizer.learning_rate": 0.03}
    yield "simclr, no color jitter", ASK, {"method": "simclr"} | NO_COLOR


def outside_cases() -> list[Case]:
    """Every case on every dataset with every seed, ordered so that any first part of the list is a balanced sample."""
    turns = [_healthy(), _broken(), _unsure()]
    kinds = []
    while turns:
        turn = turns.pop(0)
        if (kind := next(turn, None)) is not None:
            kinds.append(kind)
            turns.append(turn)
    found = []
    for shift, (i, (name, expected, more)), (j, data) in product(SEEDS, enumerate(kinds), enumerate(OUTSIDE)):
        seed = SEEDS[(i + i // 3 + j + shift) % len(SEEDS)]
        settings = {"data": data} | BASE | OUTSIDE[data] | more | {"seed": seed}
        found.append(Case(f"{data}: {name}, seed {seed}", settings, expected))
    return found
