"""When to measure: more often at the start, where most happens, and never more than a twentieth of the training time in all.

The steps are planned before the run from counted operations, not from a clock, so that two runs of one seed measure at the same steps.
A clock only ever makes the plan sparser, on machines where the count misjudged the cost.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from playground.methods import Batch

FEW = 8  # images whose operations are counted
SHARE = 0.05  # of the training time, at most
MARGIN = 1.5  # counted operations leave out neighbors, spectra and layouts, and machines differ
BEND = 1.5  # 1 would be evenly; the higher, the denser at the start
SETTLED = 5  # steps after which the clock knows what a step and a measurement take
MOST = 200  # snapshots of one run
TRAINING = 3  # times as dear as embedding, roughly: what a method that does not train is measured by
FEWEST = 8  # probe images that are always measured
MAX_EMBED_COST = 2.5  # training steps that embedding the probe set may cost


class MeasurementSchedule:
    """When one run is measured, and what that has cost. at: exactly these steps and the last, whatever they cost."""

    def __init__(self, steps: int, relative_cost: float, at: Collection[int] | None = None) -> None:
        self.steps, self.fixed = steps, at is not None
        self.rest = plan(steps, relative_cost) if at is None else sorted({step for step in at if step < steps} | {steps})
        self.training = self.measuring = 0.0  # seconds
        self.times = 0  # that it was measured
        self.last = -1  # the step of the newest snapshot
        self.mark = (0, 0.0)  # the first step that was measured after, and the training until then, which was a cold start

    def due(self, step: int) -> bool:
        """Whether to measure after this step."""
        return bool(self.rest) and step >= self.rest[0]

    def measured(self, step: int, seconds: float) -> None:
        """Keeps account of one measurement, and thins the plan if the account does not balance."""
        self.last = step
        self.measuring += seconds
        self.times += 1
        self.rest = [each for each in self.rest if each > step]
        if step >= SETTLED and not self.fixed:
            each = min(seconds, self.measuring / self.times)  # one that was held up says nothing about the next
            self.rest = thinned(self.rest, self.measuring, each, self._whole(step))
        if not self.mark[0]:
            self.mark = step, self.training

    def _whole(self, step: int) -> float:
        """Seconds that the whole run will train, by its pace since the mark."""
        begun, before = self.mark
        return self.training + (self.training - before) / (step - begun) * (self.steps - step)

    def planned(self) -> dict[str, Any]:
        """What is still to be measured, for who reckons how long the rest takes.

        at: the steps, as planned; share: measuring gets no more of the training time than this, what is too much goes, None where
        nothing goes; after: the last step at which nothing goes.
        """
        return {"at": self.rest, "share": None if self.fixed else SHARE, "after": SETTLED}

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "rest": self.rest,
            "training": self.training,
            "measuring": self.measuring,
            "times": self.times,
            "last": self.last,
            "mark": self.mark,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        vars(self).update(state)


def plan(steps: int, relative_cost: float) -> list[int]:
    """The steps to measure after, first and last always among them.

    relative_cost: how many training steps one measurement costs, as counted.
    """
    affordable = min(int(SHARE * steps / (relative_cost * MARGIN)), MOST)
    spaced = [round(steps * (place / (affordable + 1)) ** BEND) for place in range(1, affordable + 1)]
    return sorted({0, *spaced, steps})


def thinned(rest: list[int], spent: float, each: float, training: float) -> list[int]:
    """What remains of a plan when measuring costs more than was counted: steps go, one by one, until the rest fits; the last stays.

    Always the one that is missed least goes: whose neighbors are closest, by its own number of steps. So the start stays dense, and what
    a slower machine measures is among what a faster one does. spent, each: seconds of measuring so far, and of one measurement; training:
    seconds that the whole run will train.
    """
    rest = list(rest)
    while len(rest) > 1 and spent + len(rest) * each > SHARE * training:
        gaps = [(after - before) / step for before, step, after in zip([0, *rest], rest, rest[1:], strict=False)]
        del rest[gaps.index(min(gaps))]
    return rest


def image_cost(method: Any, batch: Batch, generator: torch.Generator) -> float:
    """Operations of embedding one image, over those of training on `batch`."""
    trial, few = copy.deepcopy(method), batch.first(FEW)
    step = _operations(lambda: trial.backward(trial.loss(few, generator)))
    with torch.no_grad():
        embedding = _operations(lambda: trial.eval().embed(few.views[0]))
    return embedding / max((step or TRAINING * embedding) * len(batch.rows), embedding)


def probe_size(available: int, cost: float) -> int:
    """How many probe images to measure: all, or half or a quarter of them where embedding all would cost more than a few steps."""
    sizes = [max(available // part, min(available, FEWEST)) for part in (1, 2, 4)]
    return next((size for size in sizes if size * cost <= MAX_EMBED_COST), sizes[-1])


def _operations(call: Any) -> int:
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())
