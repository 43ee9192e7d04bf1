"""The comparison of a run's representation with raw pixels, its untrained network, and the same network trained with labels alone.

evaluate   yields the progress and each result
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from playground.config import RunConfig
from playground.datasets import DataError, Images
from playground.datasets.vision import squares
from playground.diagnostics.labels import LEAST, balanced
from playground.evaluation.corruptions import CORRUPTIONS
from playground.evaluation.events import About, Confused, Doing, Event, Remark, Score
from playground.evaluation.probes import LinearProbe, confusion, knn_predict, linear_probe
from playground.evaluation.protocol import CONTENDERS, Protocol
from playground.evaluation.subsets import NoLabels, Task, pool, subset, task_of, too_few
from playground.evaluation.tuning import CHUNK, RATES, Classifier, chosen_rate, on, predict, recipe, tune
from playground.machine import devices
from playground.machine.measuring import measuring
from playground.methods import Method
from playground.training.faults import NotFiniteError
from playground.training.trainer import untrained

Predict = Callable[[Tensor], Tensor]  # images (N, 3, H, W), uint8 or in [0, 1] -> (N,) labels
Sets = tuple[Images, Images]  # training, test
FEATURES = {"knn_classifier": "linear"}  # contenders with the same features as another one
MAX_SEED = 2**31 - 1
SHIFTED = 2048  # test images, at most, that are corrupted: sixteen times for every contender


def evaluate(config: RunConfig, method: Method, own: Sets | DataError, protocol: Protocol, other: Sets | None = None) -> Iterator[Event]:
    """Evaluates the trained `method` of a run of `config` by a protocol. own, other: the run's dataset, and the one for the transfer.

    The method is not changed. A part that cannot be measured becomes a `Remark`; the rest is measured. Raises ValueError if nothing can
    be measured, and for features that are not finite.
    """
    if isinstance(own, DataError):
        if other is None:
            raise own
        yield Remark(str(own))
    contest = _Contest(config, method, own if not isinstance(own, DataError) else other or own, protocol)
    if not isinstance(own, DataError):
        yield from contest.in_domain(own, alone=other is None)
    if other is not None and "transfer" in protocol.parts:
        yield from contest.transfer(other)
    yield Doing("done", 1.0)


@dataclass
class _Seed:
    """The models of one seed with the most labels, for the test of robustness: contender -> its predictions."""

    seed: int
    fitted: dict[str, Predict] = field(default_factory=dict)
    labeled: int = 0


class _Contest:
    """The networks of one evaluation, and its progress."""

    def __init__(self, config: RunConfig, method: Method, data: Any, protocol: Protocol) -> None:
        self.config, self.protocol = config, protocol
        self.device = devices.pick("auto", config.network.choice.family)
        self.method, self.images = method.eval(), data[0]
        self.fresh, self.tests = functools.cache(self._fresh), functools.cache(self._tests)
        self.recipe = recipe(config, protocol.steps, self.device)
        self.rates: dict[tuple[str, float], float] = {}
        self.costs: dict[str, float] = {}
        self.done = 0.0

    def in_domain(self, own: Sets, alone: bool) -> Iterator[Event]:
        """Everything except the transfer."""
        try:
            task = self.task = task_of(self.config.data.name, *own, self.protocol.factor)
        except NoLabels as error:
            if alone:
                raise
            yield Remark(str(error))
            return
        self.costs = self.protocol.costs(len(task.labels), len(task.test_labels))
        labeled = len(pool(task.labels, self.protocol.labels, 0))
        yield About(task.data, task.factor, task.names, labeled, len(task.test_labels), task.chance, len(task.labels), task.uneven)
        yield from (Remark(each) for each in (task.untaught, task.rare) if each)
        for seed in range(self.protocol.seeds):
            yield from self.seed(task, seed)

    def seed(self, task: Task, seed: int) -> Iterator[Event]:
        """Every contender with every share of the labels of this seed, then the same models on corrupted images."""
        rows, kept = pool(task.labels, self.protocol.labels, seed), _Seed(seed)
        pixels, labels = task.pixels[rows], task.labels[rows]
        for who in (each for each in CONTENDERS if each in self.protocol.parts):
            features = None
            for share in self.protocol.shares:
                if sentence := too_few(labels, share):
                    if not seed and who == next(iter(self.costs)):
                        yield Remark(sentence)
                    continue
                yield self.doing(f"{named(who, share)}, seed {seed}")
                if features is None and who not in ("tuned", "scratch"):
                    features = self.features(who, pixels), self.tests(FEATURES.get(who, who))
                chosen = subset(labels, share, seed)
                yield from self.one(who, task, features, pixels, labels, chosen, share, kept)
                self.advance(who, self.part_of(who))
        if "robustness" in self.protocol.parts:
            yield from self.robustness(task, kept)

    def one(
        self, who: str, task: Task, features: Any, pixels: Tensor, labels: Tensor, rows: Tensor, share: float, kept: _Seed
    ) -> Iterator[Event]:
        """One contender with the labels of these rows of the pool."""
        score = Score("labels", who, kept.seed, share, len(rows), 0.0)
        if features is None:
            found, chosen = yield from self.trained(who, pixels[rows], labels[rows], len(task.names), share, kept.seed)
            guesses = found(task.test_pixels)
        elif who == "knn_classifier":
            found, chosen = None, None
            guesses = knn_predict(features[0][rows], labels[rows], features[1])
        else:
            probe = linear_probe(features[0][rows], labels[rows], kept.seed)
            found, chosen, guesses = functools.partial(self.probed, who, probe), probe.strength, probe.predict(features[1])
        yield replace(scored(score, guesses, task.test_labels), chosen=chosen)
        if share == self.protocol.shares[-1]:
            kept.labeled = len(rows)
            kept.fitted |= {who: found} if found else {}
            if who == "linear":
                yield Confused(kept.seed, confusion(task.test_labels, guesses, len(task.names)).tolist())

    def trained(
        self, who: str, pixels: Tensor, labels: Tensor, classes: int, share: float, seed: int
    ) -> Generator[Event, None, tuple[Predict, float]]:
        """Fine-tuned or from scratch, with different initial weights for each seed; the first seed chooses the learning rate of each
        share."""
        method, place = (self.method if who == "tuned" else self.fresh(seed)), (who, share)
        if place not in self.rates:
            trials = chosen_rate(method, pixels, labels, classes, seed, self.recipe)
            self.rates[place] = yield from self.watched(trials, who, f"{named(*place)}: trying learning rates", len(RATES))
            self.advance(who, len(RATES) * self.part_of(who))
        steps = tune(method, pixels, labels, classes, self.rates[place], seed, self.recipe)
        model: Classifier = yield from self.watched(steps, who, f"{named(*place)}, seed {seed}", 1)
        return functools.partial(predict, model, device=self.device), self.rates[place]

    def watched(self, steps: Generator[None, None, Any], who: str, what: str, times: int) -> Generator[Event, None, Any]:
        """Yields the progress of a training."""
        step = 0
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            step += 1
            behind = self.costs[who] * self.part_of(who) * step / self.protocol.steps
            yield self.doing(f"{what}, step {step:,} of {times * self.protocol.steps:,}", behind)

    def robustness(self, task: Task, kept: _Seed) -> Iterator[Event]:
        """The models that were fitted on clean images, tested on corrupted ones."""
        images, labels, share = task.test_pixels[:SHIFTED].float() / 255, task.test_labels[:SHIFTED], self.protocol.shares[-1]
        for operator, corruption in CORRUPTIONS.items():
            yield self.doing(f"Robustness against {operator}, seed {kept.seed}")
            for strength in corruption.strengths:
                moved = corruption(images, strength, kept.seed)
                for who, guess in kept.fitted.items():
                    if who != "pixels":
                        score = Score("robustness", who, kept.seed, share, kept.labeled, 0.0, operator, strength)
                        yield scored(score, guess(moved), labels)
        self.advance("robustness", 1 / self.protocol.seeds)

    def transfer(self, other: Sets) -> Iterator[Event]:
        """Frozen features on another dataset, with its images resized to those of the run."""
        size = self.config.data.image_size
        name = self.protocol.transfer
        try:
            train, test = (Images(squares(each.pixels, size, _same), each.factors, each.names) for each in other)
            task = task_of(name, train, test)
        except NoLabels as error:
            yield Remark(str(error))
            return
        self.costs = self.costs or {"transfer": 1.0}
        for seed in range(self.protocol.seeds):
            rows = pool(task.labels, self.protocol.labels, seed)
            for who in (each for each in ("linear", "untrained", "pixels") if each in self.protocol.parts or each == "linear"):
                yield self.doing(f"Transfer to {name}: {CONTENDERS[who]}, seed {seed}")
                probe = linear_probe(self.features(who, task.pixels[rows]), task.labels[rows], seed)
                guesses = probe.predict(self.features(who, task.test_pixels))
                score = Score("transfer", who, seed, 1.0, len(rows), 0.0, data=name, chosen=probe.strength)
                yield scored(score, guesses, task.test_labels)
            self.advance("transfer", 1 / self.protocol.seeds)
        yield Score("transfer", "chance", 0, 1.0, 0, task.chance, data=name)

    def _fresh(self, seed: int) -> Method:
        """The untrained network of this config, with another seed for each seed of the evaluation."""
        return untrained(RunConfig(**self.config.flat() | {"seed": (self.config.seed + seed) % MAX_SEED}), self.images).eval()

    def _tests(self, who: str) -> Tensor:
        """Features of the test images, the same for every seed, share and probe."""
        return self.features(who, self.task.test_pixels)

    def features(self, who: str, pixels: Tensor) -> Tensor:
        """(N, 3, H, W), uint8 or in [0, 1] -> (N, D) float32: the features of this contender. Raises NotFiniteError."""
        if who == "pixels":
            return pixels.flatten(1).float() / (255 if pixels.dtype == torch.uint8 else 1)
        method = {"untrained": self.fresh}.get(who, lambda seed: self.method)(0).to(self.device.device)
        with measuring(method):
            features = torch.cat([method.embed(on(part, self.device)).float().cpu() for part in pixels.split(CHUNK)])
        if not bool(features.isfinite().all()):
            raise NotFiniteError("the network's features are no longer finite numbers")
        return features.clone()

    def probed(self, who: str, probe: LinearProbe, pixels: Tensor) -> Tensor:
        return probe.predict(self.features(who, pixels))

    def doing(self, what: str, behind: float = 0.0) -> Doing:
        return Doing(what, min((self.done + behind) / max(sum(self.costs.values()), 1e-9), 1.0))

    def advance(self, part: str, share: float) -> None:
        self.done += self.costs.get(part, 0.0) * share

    def part_of(self, who: str) -> float:
        """One share of one seed as a part of a contender's cost; trials of learning rates count as seeds."""
        trials = len(RATES) if who in ("tuned", "scratch") else 0
        return 1 / (len(self.protocol.shares) * (self.protocol.seeds + trials))


def named(who: str, share: float) -> str:
    """Linear probe, 10% of the labels."""
    return f"{CONTENDERS[who]}, {100 * share:.3g}% of the labels"


def scored(score: Score, guesses: Tensor, truth: Tensor) -> Score:
    """The score with the accuracy of these predictions."""
    right = guesses == truth
    return replace(score, accuracy=float(right.double().mean()), balanced=float(balanced(right, truth)), tested=len(truth))


def _same(pixels: Tensor) -> Tensor:
    return pixels


def most_confused(matrix: Iterable[Iterable[int]], names: list[str], most: int = 5) -> list[tuple[str, str, float]]:
    """The most frequent confusions: (true class, predicted class, share of the true class). Classes with few images are left out."""
    rows = [(i, list(row)) for i, row in enumerate(matrix)]
    enough = [(i, row, sum(row)) for i, row in rows if sum(row) >= LEAST]
    pairs = [(names[i], names[j], count / total) for i, row, total in enough for j, count in enumerate(row) if i != j and count]
    return sorted(pairs, key=lambda pair: -pair[2])[:most]
