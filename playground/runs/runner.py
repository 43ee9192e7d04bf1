"""The seam between the page and whatever trains: a few calls, so that a cluster can stand behind them as well as our own pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from playground.config import RunConfig
from playground.events import Command


class PoolFull(RuntimeError):  # noqa: N818
    """No more runs are taken in for now."""


class RunError(ValueError):
    """The run is in no state for what is wanted of it."""


class Runner(Protocol):
    """Trains runs, somewhere, and writes their events to the store."""

    def submit(self, config: RunConfig, owner: str = "") -> str:
        """Queues a new run and returns its id. Raises `PoolFull`."""

    def submit_together(self, configs: Sequence[RunConfig], owner: str = "") -> list[str]:
        """Queues new runs that train in step, in one turn, and returns their ids. Raises `PoolFull`."""

    def command(self, run: str, command: Command) -> None:
        """Passes a command to a run. Raises `ConfigError` for a knob that cannot be, `RunError` where it makes no sense now."""

    def resume(self, *runs: str, moves: Mapping[str, Any] | None = None, step: int | None = None) -> None:
        """Goes on with a run that is paused, or from its checkpoint if it was stopped, interrupted or failed; with several in step.

        moves: live knobs, and what they are from then on. step: of the kept checkpoint to go on from, 0 to begin anew; what came
        after it is forgotten. Unless given: the newest, for a run that has diverged the newest of before the trouble. Raises
        `ConfigError` for a knob that cannot be, `RunError`, `PoolFull`.
        """

    def stop(self, run: str) -> None:
        """Ends a run, wherever it is."""

    def position(self, run: str) -> int | None:
        """1 for the run that is next, None for one that does not wait."""

    def close(self) -> None:
        """Marks every run as interrupted and closes everything."""
