"""What the judge must know of a run beside its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.diagnostics.course import LossScale, means_one_thing
from playground.diagnostics.limits import ERRORS, GAIN
from playground.knobs import Knob, knobs_of, safeguards_off

LESS = ("a lower", "a smaller", "fewer")  # the other ways that methods name in `remedies` lead up


def guarded(config: Any) -> bool:
    """Whether the run's method has safeguards, so that it may collapse without them."""
    return any(each.without for each in knobs_of(config.method.choice.Knobs))


def _remedies(config: Any) -> dict[str, list[str]]:
    """What the method says, as far as its controls have room: failure -> "a lower temperature", "fewer prototypes"."""
    knobs, flat = {each.key: each for each in config.knobs()}, config.flat()
    return {
        failure: [f"{way} {knobs[key].title}" for key, way in ways.items() if _has_room(knobs[key], flat[key], way)]
        for failure, ways in config.method.choice.remedies.items()
    }


def _has_room(each: Knob, value: Any, way: str) -> bool:
    """Whether it can still go that way; the way of an option may be its value."""
    if way in each.options:
        return bool(value != way)
    edges = each.options or (each.low, each.high)
    return bool(value > edges[0] if way in LESS else value < edges[-1])


@dataclass(frozen=True)
class RunContext:
    """One run.

    sizes: layer -> its dimensions; bins: who assigns -> K; images: different ones in the probe set, since a few images span few
    dimensions; pictures: what `diagnostics.pictures.variety` says of them; guards: safeguard -> the state that a run without it falls
    into; off: those that are off; remedies: failure -> what its own controls can do against it; compares: whether the method learns by
    what two views share; trains: whether it learns at all; about: the factor that the data set is about, "" where there are no labels;
    labeled: factor -> how many probe images have its label; steady: whether the loss means the same thing throughout; loss: what the
    method says of it.
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
        """From a run's config and the facts that it began with, `events.Started`. Those of older versions know less of the pictures."""
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
        """The layer that the loss works on."""
        return "projector" if "projector" in self.sizes else "backbone"

    def most(self, layer: str) -> int:
        """How many dimensions its features can span. One where all images are the same: a rank is never less."""
        return max(1, min(self.sizes[layer], self.images - 1))

    def least_gain(self, before: float, now: float, factor: str) -> float:
        """The gain of k-NN accuracy that is more than chance: `ERRORS` standard errors of the difference, and no less than `GAIN`."""
        count = self.labeled.get(factor, self.images)
        error = math.sqrt((before * (1 - before) + now * (1 - now)) / max(count, 1))
        return max(GAIN, ERRORS * error)
