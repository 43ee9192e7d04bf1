"""Training: `for event in train(config)`. It writes no files, prints nothing and knows no page; to stop it, stop iterating."""

from __future__ import annotations

import functools
import math
import queue
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playground.config import RunConfig
from playground.datasets import DataError
from playground.diagnostics.course import LossCourse
from playground.diagnostics.run_context import RunContext
from playground.diagnostics.verdict import diverged, judge
from playground.events import (
    Baseline,
    Change,
    Checkpoint,
    Command,
    Event,
    Finished,
    Metrics,
    Pause,
    Paused,
    Resume,
    SetKnob,
    Snapshot,
    Started,
    Stop,
    TakeStep,
    Verdict,
    Weights,
)
from playground.home import home, keeping
from playground.machine import devices
from playground.metric_names import by_factor, by_metric
from playground.training.facts import facts_of, views_per_step
from playground.training.faults import NotFiniteError, memory_advice, not_finite, out_of_memory
from playground.training.fetching import fetched
from playground.training.measurement_schedule import MeasurementSchedule
from playground.training.preparation import fastest, loaded, measured_on, require_same_pictures
from playground.training.probe_set import ProbeSet, shown_views
from playground.training.trainer import Trainer
from playground.training.weight_snapshots import WeightSnapshots

EARLIER = 0.1  # the first checkpoint comes after this share of the usual interval; then the interval doubles each time
FLUSH = {"cpu": 0.05}  # seconds between two transfers of results from the device
FLUSH_BESIDE = 0.1  # the same for other devices, which must be synchronized for each transfer


def train(
    config: RunConfig,
    *,
    folder: Path | None = None,
    commands: queue.SimpleQueue[Command] | None = None,
    changes: Sequence[Change] = (),
    checkpoint: dict[str, Any] | None = None,
    checkpoint_every: float = math.inf,
    flush_every: float | None = None,
    measure_at: Collection[int] | None = None,
) -> Iterator[Event]:
    """Trains, and yields events; the last event is always `Finished`.

    folder: of datasets, by default the home's `data`. commands: read before every step. changes: replayed at
    their steps, so that config and changes together give the same run again. checkpoint: `Checkpoint.state` of this run, from which to
    continue exactly. checkpoint_every: seconds, less at the start. flush_every: seconds between two transfers of results from the
    device; with 0 every step is an event, so that two trainings can alternate step by step. measure_at: the steps after which to
    measure, instead of as many as a twentieth of the time allows; the first and the last are always measured.
    Failures that are not errors of the program (no data, no memory, a loss that is not finite) end in `Finished("failed", message)`.
    Raises HomeError if the disk is full while data are stored: then the run can be started again.
    """
    folder, commands, step = folder or home() / "data", commands or queue.SimpleQueue(), 0
    try:
        device = devices.pick(config.device.name, config.network.choice.family)
        with keeping(folder):
            if not (yield from fetched(config.data, folder, commands)):
                yield Finished(0, "stopped")
                return
            images, probe = loaded(config, folder)
        trainer = fastest(config, images, device, checkpoint)
        probe_set, measurements = measured_on(trainer, probe, measure_at)
        if flush_every is None:
            flush_every = FLUSH.get(device.device.type, FLUSH_BESIDE)
        run = _Run(trainer, probe_set, measurements, commands, changes, checkpoint_every, flush_every)
        if checkpoint is not None:
            run.restore(checkpoint)
        for event in run.events():
            step = event.step
            yield event
    except (DataError, devices.DeviceError) as error:
        yield Finished(step, "failed", str(error))
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        yield Finished(step, "failed", memory_advice(config))


class _Run:
    """One running training: everything around the steps."""

    def __init__(
        self,
        trainer: Trainer,
        probe: ProbeSet,
        measurements: MeasurementSchedule,
        commands: queue.SimpleQueue[Command],
        changes: Sequence[Change],
        checkpoint_every: float,
        flush_every: float,
    ) -> None:
        self.trainer, self.probe, self.measurements, self.commands = trainer, probe, measurements, commands
        self.changes = sorted(changes, key=lambda change: change.step)
        self.weight_snapshots = WeightSnapshots(trainer.config.steps)
        self.checkpoint_every, self.checkpointed, self.flush_every = checkpoint_every, time.monotonic(), flush_every
        self.checkpoint_gap = EARLIER * checkpoint_every
        self.steps = trainer.config.steps
        self.pending: list[tuple[int, dict[str, Tensor]]] = []
        self.flushed = time.monotonic()
        self.first: dict[str, float] = {}
        self.paused = self.stopped = self.stepping = False
        self.failure = ""
        self.course = LossCourse()
        self.verdict: Verdict | None = None

    def events(self) -> Iterator[Event]:
        """The whole run, from `EvalImages` to `Finished`."""
        trainer = self.trainer
        yield self.probe.event(self.trainer.step)
        yield Started(trainer.step, self.facts)
        if trainer.step == 0:
            yield from self._measure()
        while trainer.step < self.steps:
            yield from self._process_commands()
            if self.stopped:
                break
            self._advance()
            measured = self.stepping or self.measurements.due(trainer.step)
            if measured or time.monotonic() - self.flushed >= self.flush_every:
                yield from self._flush()
            if measured:
                yield from self._measure()
            if self.failure:
                break
            if time.monotonic() - self.checkpointed > self.checkpoint_gap:
                self.checkpoint_gap = min(2 * self.checkpoint_gap, self.checkpoint_every)
                yield from self._finite_checkpoint()
        yield from self._flush()
        if self.measurements.last != trainer.step:
            yield from self._measure()
        if self.failure:
            yield diverged(trainer.step, self.failure)
            yield Finished(trainer.step, "failed", self.failure, self._totals())
            return
        yield self._checkpoint()
        yield Finished(trainer.step, "stopped" if self.stopped else "finished", "", self._totals())

    def restore(self, state: dict[str, Any]) -> None:
        """Continues from a checkpoint. Raises DataError if the images have changed."""
        require_same_pictures(state.get("pictures", ""), self.facts["data"].get("state", ""), self.trainer.config)
        self.trainer.restore(state)
        self.measurements.restore(state["cadence"])
        self.first, self.probe.layout = state["first"], state["layout"].numpy()
        self.probe.origin = state.get("origin")  # older checkpoints have neither this nor the two below
        self.course.restore(state.get("course", {}))
        self.verdict = Verdict(**state["said"]) if state.get("said") else None
        self.changes = [change for change in self.changes if change.step > self.trainer.step]

    def _advance(self) -> None:
        """One step."""
        begun = time.perf_counter()
        values = self.trainer.update()
        self.measurements.training += time.perf_counter() - begun
        self.pending.append((self.trainer.step, values))

    def _process_commands(self) -> Iterator[Event]:
        """Carries out the commands since the last step, replayed changes first. While paused, it waits here."""
        while self.changes and self.changes[0].step <= self.trainer.step + 1:
            change = self.changes.pop(0)
            yield from self._change(change.name, change.value)
        if self.stepping:
            self.stepping, self.paused = False, True
            yield from self._pause()
        while not self.stopped and not self.stepping:
            try:
                command = self.commands.get(block=self.paused)
            except queue.Empty:
                return
            yield from self._carry_out(command)

    def _carry_out(self, command: Command) -> Iterator[Event]:
        match command:
            case SetKnob(name, value):
                if self.trainer.step and time.monotonic() - self.checkpointed > EARLIER * self.checkpoint_every:
                    yield from self._finite_checkpoint()  # to be able to return to the state before the change
                self.changes = [each for each in self.changes if each.name != name]  # a new change ends the replay of older ones
                yield from self._change(name, value)
            case Stop():
                self.stopped = True
            case Resume():
                self.paused = False
            case TakeStep():
                self.stepping = True
            case Pause():  # also if it is paused already: the sender waits for the event
                self.paused = True
                yield from self._pause()

    def _pause(self) -> Iterator[Event]:
        yield from self._finite_checkpoint()
        yield Paused(self.trainer.step)

    def _change(self, name: str, value: Any) -> Iterator[Event]:
        """Effective from the next step on; an invalid value changes nothing."""
        value = self.trainer.change(name, value)
        yield from self._flush()
        self.course.changed(name)
        yield Change(self.trainer.step + 1, name, value)

    def _flush(self) -> Iterator[Event]:
        """Transfers the results of the last steps from the device, all at once. The first loss that is not finite ends the run."""
        pending, self.pending = self.pending, []
        if not pending:
            return
        begun = time.perf_counter()
        rows = torch.stack([torch.stack([each.float() for each in values.values()]) for _, values in pending]).tolist()
        self.measurements.training += time.perf_counter() - begun
        self.flushed = time.monotonic()
        for (step, values), row in zip(pending, rows, strict=True):
            named = dict(zip(values, row, strict=True))
            if not math.isfinite(named["loss"]):
                self.failure = not_finite("the loss is no longer a finite number", step, self.measurements.last, self.trainer.config)
                return
            self.course.add(named["loss"])
            yield Metrics(step, named)

    def _measure(self) -> Iterator[Event]:
        """One snapshot of the probe set, its metrics, and the verdict. A value that is not finite ends the run."""
        trainer, step = self.trainer, self.trainer.step
        if self.failure:
            return
        begun = time.perf_counter()
        try:
            values, arrays = self.probe.measure(trainer.method)
        except NotFiniteError as error:
            self.failure = not_finite(str(error), step, self.measurements.last, trainer.config)
            return
        arrays |= shown_views(trainer.batch(max(step, 1)))
        self.measurements.measured(step, time.perf_counter() - begun)
        if step == 0:
            self.first = values
            random = by_metric("knn", by_factor("knn", values))
            yield Baseline(0, {"random": random} | self.probe.baselines(trainer.method))
        yield Metrics(step, values | self._pace())
        yield Snapshot(step, arrays)
        if self.weight_snapshots.due(step):
            yield Weights(step, self.weight_snapshots.copy(step, trainer.method))
        context = RunContext.of_run(trainer.config, self.facts)
        self.verdict = judge(step, values | self.course.values(), self.first, context, self.verdict)
        yield self.verdict

    def _finite_checkpoint(self) -> Iterator[Event]:
        """A checkpoint, unless a weight is not finite: a run that continued from it would fail again."""
        yield from self._flush()
        state = self.trainer.method.state_dict().values()
        if not self.failure and all(bool(each.isfinite().all()) for each in state if each.is_floating_point()):
            yield self._checkpoint()

    def _checkpoint(self) -> Checkpoint:
        self.checkpointed = time.monotonic()
        extra = {
            "cadence": self.measurements.state(),
            "first": self.first,
            "course": self.course.state(),
            "layout": torch.from_numpy(np.asarray(self.probe.layout)),
            "pictures": self.facts["data"].get("state", ""),
            "origin": self.probe.origin,
            "said": vars(self.verdict) if self.verdict else None,
        }
        return Checkpoint(self.trainer.step, self.trainer.state() | extra)

    def _pace(self) -> dict[str, float]:
        if not self.measurements.training or not self.trainer.step:
            return {}
        views = self.trainer.step * views_per_step(self.trainer)
        return {"views_per_second": views / self.measurements.training}

    def _totals(self) -> dict[str, float]:
        return self.measurements.totals() | self._pace()

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """The facts for the first event."""
        return facts_of(self.trainer, self.probe) | {"measurements": self.measurements.planned()}
