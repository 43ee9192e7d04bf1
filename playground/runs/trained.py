"""The network of a run as its last checkpoint has it, to be looked at: on the CPU, at rest."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from playground.config import RunConfig
from playground.methods import Method
from playground.runs.store import Store

KEPT = 4  # networks of different runs, for those who look at the same ones


class NothingTrained(ValueError):  # noqa: N818
    """A run that has left nothing to look at; one sentence says so."""


@dataclass(frozen=True)
class Trained:
    """method: in evaluation mode, no gradient. step: how many updates it has seen. config: as it stood then, live changes included."""

    run: str
    step: int
    config: RunConfig
    method: Method


def trained(store: Store, run: str) -> Trained:
    """The newest state of a run that lies on disk. Raises UnknownRun, and NothingTrained where it has no checkpoint yet."""
    store.run(run)
    path = store.folder(run).path / "checkpoint.pt"
    if not path.exists():
        raise NothingTrained(
            f"run {run} must have a checkpoint to look at, got none: where it still trains, pause it or wait; else its files are gone"
        )
    return _read(store, run, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=KEPT)
def _read(store: Store, run: str, written: int) -> Trained:
    """`written`: when the checkpoint was, so that a newer one is read again."""
    found = store.folder(run).checkpoint()
    if found is None:
        raise NothingTrained(f"run {run} must have a checkpoint to look at, got none")
    step, state = found
    config = RunConfig(**state["config"])
    with torch.random.fork_rng(devices=[]):
        method = config.method.choice(config.network.choice.build(config.network, config.data.image_size), config)
    method.load_state_dict(state["method"])
    method.eval().requires_grad_(False)
    return Trained(run, step, config, method)
