"""Runs whose outcome is known: what the collapse judge is built on, and what it is measured by.

home_cases      on `shapes`, every method with safeguards as it is and with each of them off; there the judge's rules were found
outside_cases   the same questions on real pictures, every setting written out, over seeds; those of seed `HELD_OUT` are never looked at
                while rules are made

What a run should be called follows from what was broken in it: a safeguard that is off says so itself, in its method's file. Where
nobody knows beforehand ("the learning rate is 0.3") it is left to a witness beside the judge, `witness`, or to nobody (`OPEN`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from playground.config import RunConfig, knobs_for
from playground.methods import CATALOG

STEPS = 300
OPEN = "open"  # nobody knows: judged and listed, but counted for nothing
ASK = "ask the witness"  # healthy if it learned, sick if it did not
SICK = "sick"  # any state but healthy is right
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
    """One run and what the judge should call it; `OPEN` where nobody knows beforehand."""

    name: str
    settings: dict[str, Any]
    expected: str

    @property
    def config(self) -> RunConfig:
        """The whole of its settings."""
        return RunConfig(**{"steps": STEPS, "device": "cpu"} | self.settings)

    @property
    def data(self) -> str:
        """The data set it is on."""
        return str(self.settings.get("data", "shapes"))

    @property
    def held_out(self) -> bool:
        """Whether no rule may be made after it."""
        return self.data != "shapes" and self.settings.get("seed") == HELD_OUT


def cases() -> list[Case]:
    """All of them."""
    return [*home_cases(), *outside_cases()]


def home_cases() -> list[Case]:
    """Every method with safeguards: as it is, without each of them, without color jitter, hardly moving, small; and some extremes."""
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
    """What a safeguard's own text says of a run without it, where that is one of the states."""
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
BASE = {  # of every run outside, so that no default that changes later changes them
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
OUTSIDE = {  # real pictures, and what differs there
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
SLOW = {"steps": 160}  # for what takes long to fall


def _healthy() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Settings that people use. Whether a short run learns by them is for the witness to confirm."""
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
    """A safeguard off, a learning rate of almost nothing, or steps that nothing survives."""
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
    """Settings at the edge: the witness says what became of them."""
    for name in ("simclr", "byol", "vicreg", "barlow-twins"):
        yield f"{name}, learning rate 0.3", ASK, {"method": name, "optimizer.learning_rate": 0.3}
    yield "swav, 5 prototypes", ASK, {"method": "swav", "method.prototypes": 5, "method.temperature": 0.1, "method.epsilon": 0.02}
    yield "simclr, temperature 0.02", ASK, {"method": "simclr", "method.temperature": 0.02}
    yield "mae, learning rate 0.5", ASK, {"method": "mae", "network": "vit-tiny", "optimizer.learning_rate": 0.5} | PAINT
    yield "swav, learning rate 0.03", ASK, {"method": "swav", "optimizer.learning_rate": 0.03}
    yield "simclr, no color jitter", ASK, {"method": "simclr"} | NO_COLOR


def outside_cases() -> list[Case]:
    """Every kind on every data set with every seed, so ordered that each beginning of the list is a fair sample of all three."""
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
