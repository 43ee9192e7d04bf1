"""When to measure: more often at the start, where most changes, and in total at most a twentieth of the training time.

The steps are planned before the run from counted operations, not from a clock, so that two runs of one seed measure at the same steps.
A clock only removes steps from the plan, on machines where measurements take longer than the count predicts.
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
MARGIN = 1.5  # because the count does not include neighbors, spectra and layouts, and machines differ
BEND = 1.5  # 1 is evenly spaced; a higher value is denser at the start
SETTLED = 5  # steps after which the times of a step and of a measurement are known
MOST = 200  # snapshots of one run
TRAINING = 3  # the approximate cost of training, in units of embedding; used for methods that do not train
FEWEST = 8  # probe images that are always measured
MAX_EMBED_COST = 2.5  # training steps that embedding the probe set may cost


class MeasurementSchedule:
    """The steps at which one run is measured, and the time this has taken. at: exactly these steps and the last one, at any cost."""

    def __init__(self, steps: int, relative_cost: float, at: Collection[int] | None = None) -> None:
        self.steps, self.fixed = steps, at is not None
        self.rest = plan(steps, relative_cost) if at is None else sorted({step for step in at if step < steps} | {steps})
        self.training = self.measuring = 0.0  # seconds
        self.times = 0  # number of measurements
        self.last = -1  # the step of the latest snapshot
        self.mark = (0, 0.0)  # step and training time at the first measurement after step 0; the time until then includes a slow start

    def due(self, step: int) -> bool:
        """Whether to measure after this step."""
        return bool(self.rest) and step >= self.rest[0]

    def measured(self, step: int, seconds: float) -> None:
        """Records one measurement, and removes steps from the plan if measurements take too much time."""
        self.last = step
        self.measuring += seconds
        self.times += 1
        self.rest = [each for each in self.rest if each > step]
        if step >= SETTLED and not self.fixed:
            each = min(seconds, self.measuring / self.times)  # a delayed measurement does not predict the next one
            self.rest = thinned(self.rest, self.measuring, each, self._whole(step))
        if not self.mark[0]:
            self.mark = step, self.training

    def _whole(self, step: int) -> float:
        """Estimated training time of the whole run in seconds, from its speed since the mark."""
        begun, before = self.mark
        return self.training + (self.training - before) / (step - begun) * (self.steps - step)

    def planned(self) -> dict[str, Any]:
        """The planned measurements, for an estimate of the remaining time.

        at: the steps; share: the largest share of the training time for measurements, beyond which steps are removed, or None if none are
        removed; after: the last step at which none are removed.
        """
        return {"at": self.rest, "share": None if self.fixed else SHARE, "after": SETTLED}

    def totals(self) -> dict[str, float]:
        """Seconds of the run, and of them the share of measurements, relative to training."""
        share = self.measuring / self.training if self.training else 0.0
        return {"seconds": self.training + self.measuring, "diagnostics_share": share}

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
    """The steps after which to measure, always including the first and the last.

    relative_cost: the counted cost of one measurement in training steps.
    """
    affordable = min(int(SHARE * steps / (relative_cost * MARGIN)), MOST)
    spaced = [round(steps * (place / (affordable + 1)) ** BEND) for place in range(1, affordable + 1)]
    return sorted({0, *spaced, steps})


def thinned(rest: list[int], spent: float, each: float, training: float) -> list[int]:
    """A plan with fewer steps, for measurements that take longer than counted: steps are removed until the rest fits; the last one stays.

    The removed step is always the one with the closest neighbors, relative to its number. So the start stays dense, and the steps of a
    slower machine are a subset of those of a faster one. spent, each: seconds of measuring so far, and of one measurement; training:
    training time of the whole run in seconds.
    """
    rest = list(rest)
    while len(rest) > 1 and spent + len(rest) * each > SHARE * training:
        gaps = [(after - before) / step for before, step, after in zip([0, *rest], rest, rest[1:], strict=False)]
        del rest[gaps.index(min(gaps))]
    return rest


def image_cost(method: Any, batch: Batch, generator: torch.Generator) -> float:
    """The operations for embedding one image, divided by those for training on `batch`."""
    trial, few = copy.deepcopy(method), batch.first(FEW)
    step = _operations(lambda: trial.backward(trial.loss(few, generator)))
    with torch.no_grad():
        embedding = _operations(lambda: trial.eval().embed(few.views[0]))
    return embedding / max((step or TRAINING * embedding) * len(batch.rows), embedding)


def probe_size(available: int, cost: float) -> int:
    """The number of probe images: all, or half or a quarter of them if embedding all would cost more than a few training steps."""
    sizes = [max(available // part, min(available, FEWEST)) for part in (1, 2, 4)]
    return next((size for size in sizes if size * cost <= MAX_EMBED_COST), sizes[-1])


def _operations(call: Any) -> int:
    with FlopCounterMode(display=False) as counter:
        call()
    return int(counter.get_total_flops())
