"""The network of a run as its last checkpoint has it, or as it was at an earlier step, to be looked at: on the CPU, at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from playground.config import RunConfig
from playground.methods import Method
from playground.runs.derived import Key
from playground.runs.records import Run
from playground.runs.store import Store


class NothingTrained(ValueError):  # noqa: N818
    """A run that has left nothing to look at; one sentence says so."""


@dataclass(frozen=True)
class Trained:
    """method: in evaluation mode, no gradient. step: how many updates it has seen. config: as it stood then, live changes included."""

    run: str
    step: int
    config: RunConfig
    method: Method


def trained(store: Store, run: str, step: int | None = None) -> Trained:
    """The newest state of a run that lies on disk, or that of one of its `steps_kept`.

    Raises UnknownRun, and NothingTrained where it has no checkpoint yet or that step was not kept.
    """
    found = store.run(run)
    if step is not None and step in steps_kept(store, run):
        return store.derived.get(Key(run, found.attempt, step, ("weights",)), lambda: _earlier(store, found, step))
    path = store.folder(run).checkpoints.newest()
    if path is None:
        raise NothingTrained(
            f"run {run} must have a checkpoint to look at, got none: where it still trains, pause it or wait; else its files are gone"
        )
    # A run that waits at a step may leave another checkpoint of it, once a knob was moved.
    what = ("checkpoint", path.name, len(store.changes(run)))
    newest = store.derived.get(Key(run, found.attempt, found.step, what), lambda: _newest(store, run))
    if step not in (None, newest.step):
        kept = ", ".join(map(str, steps_kept(store, run)))
        raise NothingTrained(f"step of run {run} must be one whose weights were kept ({kept}), got {step}")
    return newest


def steps_kept(store: Store, run: str) -> list[int]:
    """The steps at which `trained` can show a run, its checkpoint's not among them unless it was kept twice."""
    return store.folder(run).weight_steps()


def _newest(store: Store, run: str) -> Trained:
    found = store.folder(run).checkpoint()
    if found is None:
        raise NothingTrained(f"run {run} must have a checkpoint to look at, got none")
    step, state = found
    return _rebuilt(run, step, RunConfig(**state["config"]), state["method"])


def _earlier(store: Store, run: Run, step: int) -> Trained:
    flat = run.flat | {each.name: each.value for each in store.changes(run.id) if each.step <= step}
    return _rebuilt(run.id, step, RunConfig(**flat), store.folder(run.id).weights(step) or {})


def _rebuilt(run: str, step: int, config: RunConfig, state: dict[str, Any]) -> Trained:
    with torch.random.fork_rng(devices=[]):
        method = config.method.choice(config.network.choice.build(config.network, config.data.image_size), config)
    method.load_state_dict(state)  # copies into what the method has, so that halves become floats again
    method.eval().requires_grad_(False)
    return Trained(run, step, config, method)
