"""What the judge must know about a run besides its measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.diagnostics.course import LossScale, means_one_thing
from playground.diagnostics.limits import ERRORS, GAIN
from playground.knobs import Knob, knobs_of, safeguards_off

LESS = ("a lower", "a smaller", "fewer")  # directions in `remedies` that lower a value; all others raise it


def guarded(config: Any) -> bool:
    """Whether the run's method has safeguards, so that it can collapse without them."""
    return any(each.without for each in knobs_of(config.method.choice.Knobs))


def _remedies(config: Any) -> dict[str, list[str]]:
    """The method's remedies that are still possible: failure -> "a lower temperature", "fewer prototypes"."""
    knobs, flat = {each.key: each for each in config.knobs()}, config.flat()
    return {
        failure: [f"{change} {knobs[key].title}" for key, change in changes.items() if _has_room(knobs[key], flat[key], change)]
        for failure, changes in config.method.choice.remedies.items()
    }


def _has_room(each: Knob, value: Any, change: str) -> bool:
    """Whether the knob can still change in this direction; for an option the direction may be its new value."""
    if change in each.options:
        return bool(value != change)
    edges = each.options or (each.low, each.high)
    return bool(value > edges[0] if change in LESS else value < edges[-1])


@dataclass(frozen=True)
class RunContext:
    """One run.

    sizes: layer -> its dimensions; bins: what makes the assignments -> K; images: the number of different ones in the probe set, since
    few images span few dimensions; pictures: result of `diagnostics.pictures.variety`; guards: safeguard -> the failure without it; off:
    safeguards that are off; remedies: failure -> changes of the method's controls that help; compares: whether the method learns what
    two views share; trains: whether it learns at all; about: the main factor of the dataset, "" without labels; labeled: factor -> the
    number of probe images with its label; steady: whether the meaning of the loss stays the same; loss: its scale.
    """

    sizes: Mapping[str, int]
    bins: Mapping[str, int] = field(default_factory=dict)
    images: int = 1 << 30
    pictures: Mapping[str, float] = field(default_factory=dict)
    guards: Mapping[str, str] = field(default_factory=lambda: {"negatives": "complete collapse"})
    off: Sequence[str] = ()
    remedies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    compares: bool = True
    trains: bool = True
    about: str = ""
    labeled: Mapping[str, int] = field(default_factory=dict)
    steady: bool = True
    loss: LossScale = field(default_factory=LossScale)

    @classmethod
    def of_run(cls, config: Any, facts: Mapping[str, Any]) -> RunContext:
        """From a run's config and the facts at its start, `events.Started`. Facts of older versions have fewer entries about the images."""
        method = config.method.choice
        knobs = knobs_of(method.Knobs, "method.")
        low, high = method.loss_bounds(config)
        pictures = facts.get("pictures", {})
        return cls(
            sizes=facts["layers"],
            bins=facts["bins"],
            images=int(pictures.get("distinct", facts["probe"])),
            pictures=pictures,
            guards={each.title: each.without for each in knobs if each.without},
            off=[each.title for each in safeguards_off(knobs, config.flat())],
            remedies=_remedies(config),
            compares=method.views > 1,
            trains=method.trains,
            about=facts["about"],
            labeled=facts.get("labeled", {}),
            steady=means_one_thing(config.schedule),
            loss=LossScale(low, high, method.loss_of_guessing(config)),
        )

    @property
    def main_layer(self) -> str:
        """The layer on which the loss is computed."""
        return "projector" if "projector" in self.sizes else "backbone"

    def most(self, layer: str) -> int:
        """The number of dimensions that its features can span; 1 if all images are the same, because a rank is never less."""
        return max(1, min(self.sizes[layer], self.images - 1))

    def least_gain(self, before: float, now: float, factor: str) -> float:
        """The gain of k-NN accuracy that is more than chance: `ERRORS` standard errors of the difference, and at least `GAIN`."""
        count = self.labeled.get(factor, self.images)
        error = math.sqrt((before * (1 - before) + now * (1 - now)) / max(count, 1))
        return max(GAIN, ERRORS * error)
