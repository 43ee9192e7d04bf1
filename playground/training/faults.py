"""Failures of a run that are not errors of the program, each as one sentence."""

from __future__ import annotations

import torch

from playground.config import RunConfig


class NotFiniteError(ArithmeticError):
    """A measured value is NaN or infinite; the message names it, as a clause."""


def not_finite(what: str, step: int, last: int, config: RunConfig) -> str:
    """The finding at `step` as a clause, with advice; last: the step of the last snapshot with finite values."""
    rate = config.optimizer.learning_rate
    advice = f"lower the learning rate ({rate:g}); the measurements up to step {last} are valid"
    return f"{what} at step {step}: {advice}"


def not_evaluable(what: str, run: str, step: int, config: RunConfig) -> str:
    """The same for the evaluation of a run: the finding in its network of `step`, with advice."""
    rate = config.optimizer.learning_rate
    return f"run {run} cannot be evaluated, because at step {step} {what}: train it again with a lower optimizer.learning_rate ({rate:g})"


def out_of_memory(error: Exception) -> bool:
    """Whether an error means that the memory is too small, on any device."""
    words = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in words or "not enough memory" in words


def memory_advice(config: RunConfig) -> str:
    """One sentence about too little memory, with advice."""
    advice = f"lower the batch size ({config.batch_size}) or choose a smaller network than {config.network.name}"
    return f"the run needs more memory than is available: {advice}"
